"""A database of its own for each test, on each engine, and events to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from tests.bot.storage.ground import Ground
from tests.postgres import Cluster


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first starts the server, which takes its time on a busy machine."""
    for item in items:
        if "/tests/bot/storage/" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(params=["sqlite", "postgres"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    if request.param == "sqlite":
        yield Ground(tmp_path)
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    name = await cluster.fresh()
    yield Ground(tmp_path, cluster.url(name))
    await cluster.drop(name)


@pytest.fixture
async def db(ground: Ground) -> AsyncIterator[Database]:
    database = await ground.open()
    yield database
    await database.close()


@pytest.fixture
def make_event() -> Callable[..., Event]:
    def make(message: str = "1", *, chat: str = "7", text: str = "what is it?") -> Event:
        return Event("bot", message, Conversation("test", chat), Person("p"), text)

    return make
