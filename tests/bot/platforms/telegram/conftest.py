from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from bot.platforms.telegram.adapter import Telegram, TelegramSection
from bot.platforms.telegram.client import Timings
from tests.bot.platforms.telegram.receiving import QUICK, Heard, Inbox
from tests.emulators.telegram.server import Emulator


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator
    assert emulator.complaints == []


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def make(emulator: Emulator) -> Callable[..., Telegram]:
    def build(*, timings: Timings = QUICK, commands: Any = None, **settings: Any) -> Telegram:
        section = TelegramSection(**{"token": emulator.token, "base_url": emulator.url} | settings)
        return Telegram(section, commands=commands, timings=timings)

    return build


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything our side of the adapter logs, at every level."""
    handler, log = Heard(), logging.getLogger("bot.platforms")
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    log.setLevel(before)
