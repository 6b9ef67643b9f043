"""The answers to one request while they are written: what comes of them, in the order it comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from bot.api.errors import ApiError
from bot.call import Call
from inference.request import Delta, Usage


@dataclass(slots=True)
class Tally:
    """What one answer has come to."""

    called: bool = False
    usage: Usage | None = None
    written: list[str] = field(default_factory=list)
    cached: bool = False  # it is an earlier answer
    seen: bool = False  # something of it is out: words, or a call

    def add(self, delta: Delta) -> None:
        self.usage = delta.usage or self.usage
        self.cached = self.cached or delta.cached
        self.seen = self.seen or bool(delta.text or delta.calls)
        self.written += [delta.reasoning, delta.text, *(call.arguments for call in delta.calls)]


class Answers:
    """The answers to one request while they are written."""

    def __init__(self, count: int, most_unread: int) -> None:
        """With as much room for what is unread as they have tokens, a slow reader keeps no seat
        from others."""
        self.tallies = [Tally() for _ in range(count)]
        self._left = count
        self._news: asyncio.Queue[tuple[int, Delta] | ApiError] = asyncio.Queue(most_unread)
        self._broken: ApiError | None = None
        self.calls: list[Call] = []

    @property
    def ended(self) -> bool:
        return not self._left

    @property
    def ahead(self) -> int:
        """How many must end before the first of them begins."""
        places = [call.place for call in self.calls if not call.called.is_set()]
        return min((place.ahead for place in places if place), default=0)

    async def next(self, within_s: float | None = None) -> tuple[int, Delta] | None:
        """A piece, and which answer it belongs to; None: nothing came in time. Raises ApiError."""
        try:
            async with asyncio.timeout(within_s):
                news = await self._news.get()
        except TimeoutError:
            return None
        if self._broken is not None:
            raise self._broken
        if isinstance(news, ApiError):
            raise news
        number, delta = news
        self.tallies[number].add(delta)
        self._left -= delta.finish is not None
        return number, delta

    async def put(self, news: tuple[int, Delta] | ApiError) -> None:
        await self._news.put(news)

    def fail(self, error: ApiError) -> None:
        """At once, whatever is still unread."""
        self._broken = error
        with suppress(asyncio.QueueFull):  # then there is something to wake who reads
            self._news.put_nowait(error)

    def usage(self) -> Usage:
        """The prompt is the same one for all."""
        used = [tally.usage or Usage(0, 0) for tally in self.tallies]
        completion = sum(one.completion_tokens for one in used)
        return Usage(used[0].prompt_tokens, completion, used[0].cached_tokens)
