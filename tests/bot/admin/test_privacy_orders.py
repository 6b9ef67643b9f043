"""`visionbot admin export` and `admin forget`, as typed."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.admin.cli import app
from bot.event import Conversation, Event, Person
from bot.storage.audit import Audit
from bot.storage.db import Database
from bot.storage.inbox import Inbox

ANN = Conversation("test", "771100")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which somebody has asked something."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISIONBOT_STORAGE__DATA_DIR", str(tmp_path / "data"))

    async def ask() -> None:
        db = await Database.open(tmp_path / "data")
        event = Event("bot", "q1", ANN, Person("771100", name="kanarie"), "kanarie question")
        await Inbox(db).accept(event)
        await db.close()

    asyncio.run(ask())
    return tmp_path


def typed(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--language", "en"])
    return done.exit_code, done.output


def found(folder: Path, *signs: bytes) -> list[str]:
    files = [file for file in (folder / "data").rglob("*") if file.is_file()]
    return [file.name for file in files if any(sign in file.read_bytes() for sign in signs)]


def test_somebody_is_forgotten_without_a_bot_that_runs(folder: Path):
    assert found(folder, b"kanarie") != []

    code, said = typed("forget", "test:771100", "--yes")

    assert (code, "is deleted" in said) == (0, True)
    assert found(folder, b"kanarie", b"771100") == []


def test_trace_of_it_holds_no_name(folder: Path):
    typed("forget", "test:771100", "--yes")

    async def acts() -> list[tuple[str, str]]:
        db = await Database.join(folder / "data")
        lines = await Audit(db).newest(5)
        await db.close()
        return [(line.command, line.subject[:10]) for line in lines]

    assert asyncio.run(acts()) == [("forget", "forgotten:")]


def test_nobody_is_forgotten_unless_somebody_is_sure(folder: Path):
    code, said = typed("forget", "test:771100")

    assert (code, "Nothing was deleted" in said) == (0, True)
    assert found(folder, b"kanarie") != []


def test_copy_is_written_for_its_owner_alone(folder: Path):
    file = folder / "copy.zip"

    code, _ = typed("export", "test:771100", str(file))

    assert code == 0
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as archive:
        assert b"kanarie question" in archive.read("data.json")


def test_file_that_is_there_is_not_written_over(folder: Path):
    file = folder / "copy.zip"
    file.write_bytes(b"mine")

    _, said = typed("export", "test:771100", str(file))

    assert "exists already" in said
    assert file.read_bytes() == b"mine"
