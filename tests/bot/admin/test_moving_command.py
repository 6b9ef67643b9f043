"""`visionbot admin move`: what whoever types it reads, and what stands on the server then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.inbox import Backlog, Inbox
from tests.postgres import PASSWORD, Cluster

URL = "VISIONBOT_STORAGE__URL"


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a question that was asked before the bot was stopped."""

    async def ask() -> None:
        db = await Database.open(tmp_path / "data")
        event = Event("bot", "1", Conversation("test", "7"), Person("p"), "what is it?")
        await Inbox(db).accept(event)
        await db.close()

    monkeypatch.chdir(tmp_path)
    asyncio.run(ask())


@pytest.fixture
def url(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> SecretStr:
    found = postgres.url(asyncio.run(postgres.fresh(migrated=False)))
    monkeypatch.setenv(URL, found.get_secret_value())
    return found


def move() -> Result:
    return CliRunner().invoke(app, ["admin", "move", "--language", "en"])


@pytest.mark.timeout(60)
def test_all_is_on_the_server_afterwards_and_the_file_is_named(tmp_path: Path, url: SecretStr):
    async def backlog() -> Backlog:
        db = await Database.join(tmp_path, url)
        try:
            return await Inbox(db).backlog()
        finally:
            await db.close()

    done = move()

    assert (done.exit_code, done.stderr) == (0, "")
    assert str(Path("data", "visionbot.db")) in done.stdout
    assert PASSWORD not in done.stdout
    assert asyncio.run(backlog()) == Backlog(new=1, waiting=0)


@pytest.mark.timeout(60)
def test_a_second_time_it_is_refused_without_the_password(url: SecretStr):
    move()

    done = move()

    assert done.exit_code != 0
    assert "holds something already" in done.stderr
    assert PASSWORD not in done.stderr


def test_without_a_server_it_says_which_setting_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(URL, raising=False)

    done = move()

    assert done.exit_code == 2
    assert "[storage] url" in done.stderr
