"""A database of its own for each test, and events to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.event import Conversation, Event, Person
from bot.storage.db import Database


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path)
    yield database
    await database.close()


@pytest.fixture
def make_event() -> Callable[..., Event]:
    def make(message: str = "1", *, chat: str = "7", text: str = "what is it?") -> Event:
        return Event("bot", message, Conversation("test", chat), Person("p"), text)

    return make
