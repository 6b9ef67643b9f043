"""What /health, /readyz and /livez say while a part of the program is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from bot.api.probes import probe_routes
from bot.api.server import serve_http
from bot.call import Call
from bot.line import Line, LineSection
from bot.question import Question
from bot.storage.db import Database
from bot.storage.errors import DatabaseUnreachable
from bot.storage.postgres import Postgres
from bot.storage.sqlite import Sqlite
from bot.watching.counts import Counts
from bot.watching.health import Health
from inference.build import EngineSection
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine


@pytest.fixture
async def nowhere() -> AsyncIterator[Postgres]:
    """A server that has just been found to be away."""
    server = Postgres(SecretStr("postgresql://u@127.0.0.1:1/d"), patience_s=0.0)
    with pytest.raises(DatabaseUnreachable):
        async with server.begin("read"):
            pass
    yield server
    await server.close()


def health_of(db: Database) -> Health:
    line: Line[Question | Call] = Line(LineSection(), workers=1)
    service = Service(FakeEngine(), FakeDecoder())
    health = Health(EngineSection(), db, line, service, [], Counts(), troubles=list, replica=dict)
    health.status = "ok"
    return health


async def statuses(health: Health) -> dict[str, int]:
    routes = probe_routes(health.tell)
    serving = serve_http(routes, host="127.0.0.1", port=0, health=health.tell)
    found = {}
    async with serving as port, ClientSession(f"http://127.0.0.1:{port}") as client:
        for path in ("/health", "/readyz", "/livez"):
            async with client.get(path) as response:
                found[path] = response.status
    return found


async def test_database_that_is_away_for_long_makes_the_program_unready_but_alive(
    nowhere: Postgres, tmp_path: Path
) -> None:
    health = health_of(Database(tmp_path, nowhere, None))
    assert nowhere.away_since is not None
    nowhere.away_since -= 5.0

    told = health.tell()

    assert (told["ok"], told["status"]) == (False, "database away")
    assert await statuses(health) == {"/health": 503, "/readyz": 503, "/livez": 200}


async def test_database_that_is_away_for_a_moment_is_no_trouble(
    nowhere: Postgres, tmp_path: Path
) -> None:
    health = health_of(Database(tmp_path, nowhere, None))

    assert health.tell()["status"] == "ok"


async def test_program_that_starts_or_stops_says_so_whatever_is_away(
    nowhere: Postgres, tmp_path: Path
) -> None:
    health = health_of(Database(tmp_path, nowhere, None))
    assert nowhere.away_since is not None
    nowhere.away_since -= 5.0
    health.status = "stopping"

    assert health.tell()["status"] == "stopping"


async def test_file_is_never_away(tmp_path: Path) -> None:
    file = Sqlite(tmp_path)
    db = Database(tmp_path, file, None)

    assert db.away_since is None
    assert health_of(db).tell()["ok"] is True
    await db.close()
