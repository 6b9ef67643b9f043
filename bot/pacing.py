"""When the next call to a chat may be made: one governor for each account on a platform.

One call at a time in a chat, with a pause after it; all chats share the account's calls a second.
A call counts from its begin until a second after its end, since we cannot know when it reaches the
platform; so no second there ever sees too many, however uneven they arrive. What the platform asks
for with TooFast holds that chat alone.

Who may go next is decided when it may go, so a preview that had to wait shows the newest text,
finals pass all previews of all chats, and who has seen nothing yet passes those who see an answer
grow. Previews never come in a burst, which would leave no room for a final a moment later.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from bot.platforms.base import Limits, TooFast

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

_NEVER = float("inf")
_REMEMBERED = 1024  # chats; beyond that those that may be called now are forgotten


class Urgency(IntEnum):
    """Who goes first where several may."""

    FINAL = 0  # a whole answer, a message that stands alone
    FIRST = 1  # the first sign to one who has asked, also that it cannot be answered, and the
    # first words of the answer
    PREVIEW = 2  # an answer that grows, places in the line, letters to many


@dataclass(slots=True, eq=False)
class _Waiter:
    chat: str
    limits: Limits
    urgency: Callable[[], Urgency]  # of what it would do now; that changes while it waits
    order: int
    granted: asyncio.Event = field(default_factory=asyncio.Event)


class Governor:
    """`clock` is monotonic. `close` ends its timer; nobody is let through after that."""

    def __init__(self, *, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._order = count()
        self._waiters: list[_Waiter] = []
        self._not_before: dict[str, float] = {}  # chat -> the next call to it
        self._busy: set[str] = set()  # chats with a call under way
        self._ended: deque[float] = deque()  # when the last calls did
        self._begun = -_NEVER  # when the newest call was let through
        self._timer: asyncio.Task[None] | None = None
        self._open = True
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def turn(
        self, chat: str, limits: Limits, urgency: Callable[[], Urgency]
    ) -> AsyncIterator[None]:
        """Make one call to the chat inside; a TooFast that passes through holds the chat."""
        await self._wait(_Waiter(chat, limits, urgency, next(self._order)))
        try:
            yield
        except TooFast as error:
            self.hold(chat, error.retry_after_s)
            raise
        finally:
            self._busy.discard(chat)
            self._ended.append(self._clock())
            self.hold(chat, limits.edit_every_s)
            if not self._busy:
                self._idle.set()
            self._grant()

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return len(self._waiters)

    def hold(self, chat: str, seconds: float) -> None:
        """No call to this chat for so long."""
        until = self._clock() + seconds
        self._not_before[chat] = max(until, self._not_before.get(chat, until))

    def held_s(self, least_s: float) -> list[float]:
        """How long each chat still has to wait, of those that wait so long at least."""
        left = (until - self._clock() for until in self._not_before.values())
        return [one for one in left if one >= least_s]

    async def drain(self) -> None:
        """Let nobody through any more; return when the calls under way have ended."""
        self._open = False
        await self._idle.wait()

    def close(self) -> None:
        self._open = False
        if self._timer is not None:
            self._timer.cancel()

    async def _wait(self, waiter: _Waiter) -> None:
        self._waiters.append(waiter)
        self._grant()
        try:
            await waiter.granted.wait()
        except asyncio.CancelledError:
            if waiter.granted.is_set():
                self._busy.discard(waiter.chat)
                if not self._busy:
                    self._idle.set()
            else:
                self._waiters.remove(waiter)
            self._grant()
            raise

    def _grant(self) -> None:
        """Let through all who may go now; wake up again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._open and self._waiters:
            now = self._clock()
            due, waiter = min(
                ((self._due(w, now), w) for w in self._waiters),
                key=lambda pair: (max(pair[0], now), pair[1].urgency(), pair[1].order),
            )
            if due > now:
                if due < _NEVER:
                    self._timer = asyncio.create_task(self._wake(due - now))
                return
            self._let_through(waiter, now)

    def _due(self, waiter: _Waiter, now: float) -> float:
        if waiter.chat in self._busy:
            return _NEVER  # the end of that call looks again
        due = max(self._not_before.get(waiter.chat, now), self._room_at(waiter.limits, now))
        if waiter.urgency() != Urgency.FINAL:
            # One by one, as fast as the account allows: of messages that are being opened when
            # the program dies nobody knows the ids any more, so there shall not be many.
            due = max(due, self._begun + 1 / waiter.limits.calls_per_s)
        return due

    def _room_at(self, limits: Limits, now: float) -> float:
        """When the account has room for one more call."""
        if limits.calls_per_s == _NEVER:
            self._ended.clear()
            return now
        most = max(1, int(limits.calls_per_s))
        counts_s = most / limits.calls_per_s
        while self._ended and self._ended[0] + counts_s <= now:
            self._ended.popleft()
        if len(self._busy) + len(self._ended) < most:
            return now
        return self._ended[0] + counts_s if self._ended else _NEVER

    def _let_through(self, waiter: _Waiter, now: float) -> None:
        self._waiters.remove(waiter)
        self._busy.add(waiter.chat)
        self._idle.clear()
        self._begun = now
        if len(self._not_before) > _REMEMBERED:
            self._not_before = {c: at for c, at in self._not_before.items() if at > now}
        waiter.granted.set()

    async def _wake(self, pause_s: float) -> None:
        await self._sleep(pause_s)
        self._timer = None
        self._grant()
