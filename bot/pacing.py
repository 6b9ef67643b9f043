"""When the next call to a chat may be made: one governor for each account on a platform.

One call at a time in a chat, with a pause after it; all chats share the account's calls a second.
What the platform asks for with TooFast holds that chat alone. Who may go next is decided when it
may go, so a preview that had to wait shows the newest text, and finals pass all previews.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from bot.platforms.base import Limits, TooFast

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

_NEVER = float("inf")
_REMEMBERED = 1024  # chats; beyond that those that may be called now are forgotten


@dataclass(slots=True, eq=False)
class _Waiter:
    chat: str
    limits: Limits
    final: bool
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
        self._any_not_before = -_NEVER
        self._timer: asyncio.Task[None] | None = None
        self._open = True
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def turn(self, chat: str, limits: Limits, *, final: bool) -> AsyncIterator[None]:
        """Make one call to the chat inside; a TooFast that passes through holds the chat."""
        await self._wait(_Waiter(chat, limits, final, next(self._order)))
        try:
            yield
        except TooFast as error:
            self.hold(chat, error.retry_after_s)
            raise
        finally:
            # From its end on: the platform counts when a call reaches it, and we cannot know when.
            self._busy.discard(chat)
            self.hold(chat, limits.edit_every_s)
            if not self._busy:
                self._idle.set()
            self._grant()

    def hold(self, chat: str, seconds: float) -> None:
        """No call to this chat for so long."""
        until = self._clock() + seconds
        self._not_before[chat] = max(until, self._not_before.get(chat, until))

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
                ((self._due(w), w) for w in self._waiters),
                key=lambda pair: (max(pair[0], now), not pair[1].final, pair[1].order),
            )
            if due > now:
                if due < _NEVER:
                    self._timer = asyncio.create_task(self._wake(due - now))
                return
            self._let_through(waiter, now)

    def _due(self, waiter: _Waiter) -> float:
        if waiter.chat in self._busy:
            return _NEVER  # the end of that call looks again
        return max(self._not_before.get(waiter.chat, -_NEVER), self._any_not_before)

    def _let_through(self, waiter: _Waiter, now: float) -> None:
        self._waiters.remove(waiter)
        self._busy.add(waiter.chat)
        self._idle.clear()
        self._any_not_before = now + 1 / waiter.limits.calls_per_s
        if len(self._not_before) > _REMEMBERED:
            self._not_before = {c: at for c, at in self._not_before.items() if at > now}
        waiter.granted.set()

    async def _wake(self, pause_s: float) -> None:
        await self._sleep(pause_s)
        self._timer = None
        self._grant()
