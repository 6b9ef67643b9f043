"""The other side of the adapter in its tests: who takes its events, and how it is run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from bot.event import Event
from bot.platforms.base import Accept
from bot.platforms.matrix.adapter import Matrix
from bot.platforms.matrix.client import Timings

T = TypeVar("T")

QUICK = Timings(
    connect_s=2.0,
    read_s=5.0,
    poll_s=2.0,
    first_pause_s=0.05,
    most_pause_s=0.2,
    revoked_pause_s=0.2,
)


class Inbox:
    """What an inbox promises: kept once for ever, and then never lost."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.repeated = 0
        self.failing = 0  # so many commits fail from now on
        self._failed = asyncio.Event()
        self._changed = asyncio.Condition()

    async def accept(self, event: Event) -> None:
        if self.failing:
            self.failing -= 1
            self._failed.set()
            raise OSError(28, "no space left on device")
        async with self._changed:
            if event.message in {e.message for e in self.events}:
                self.repeated += 1
            else:
                self.events.append(event)
            self._changed.notify_all()

    async def gets(self, look: Callable[[Event], object]) -> Event:
        """The first event that fits, come or coming."""
        async with self._changed:
            await self._changed.wait_for(lambda: any(map(look, self.events)))
        return next(event for event in self.events if look(event))

    async def fails(self) -> None:
        """Until a commit has failed."""
        await self._failed.wait()

    def texts(self) -> list[str]:
        return [event.text for event in self.events]


class Cursors:
    """Those of the storage, in memory."""

    def __init__(self) -> None:
        self.value: str | None = None
        self._changed = asyncio.Condition()

    async def get(self, platform: str, bot: str) -> str | None:
        return self.value

    async def put(self, platform: str, bot: str, value: str) -> None:
        async with self._changed:
            self.value = value
            self._changed.notify_all()

    async def moves(self, before: str | None) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.value != before)


class Heard(logging.Handler):
    """Our log, with somebody who waits for a word in it."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"
        self._more.set()

    async def until(self, words: str) -> None:
        while words not in self.text:
            self._more.clear()
            await self._more.wait()


@asynccontextmanager
async def running(matrix: Matrix, accept: Accept) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(matrix.run(accept))
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
