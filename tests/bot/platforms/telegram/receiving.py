"""The other side of the adapter in its tests: who takes its events, and how it is run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.event import Event
from bot.platforms.base import Accept
from bot.platforms.telegram.adapter import Telegram
from bot.platforms.telegram.client import Timings
from tests.emulators.telegram.pulse import Pulse

QUICK = Timings(
    connect_s=2.0,
    read_s=2.0,
    first_pause_s=0.01,
    most_pause_s=0.05,
    conflict_pause_s=0.05,
    revoked_pause_s=0.05,
)


class Inbox:
    """What an inbox promises: kept once for ever, and then never lost."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.repeated = 0
        self.failing = 0  # so many commits fail from now on

    async def accept(self, event: Event) -> None:
        if self.failing:
            self.failing -= 1
            raise OSError(28, "no space left on device")
        key = (event.bot, event.conversation.chat, event.message)
        if key in {(e.bot, e.conversation.chat, e.message) for e in self.events}:
            self.repeated += 1
            return
        self.events.append(event)

    def texts(self) -> list[str]:
        return [event.text for event in self.events]


class Heard(logging.Handler):
    """Our log, with somebody who waits for a word in it."""

    def __init__(self) -> None:
        super().__init__()
        self._pulse = Pulse()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"
        self._pulse.beat()

    async def until(self, words: str) -> None:
        await self._pulse.until(lambda: words in self.text)


@asynccontextmanager
async def running(telegram: Telegram, accept: Accept) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(telegram.run(accept))
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
