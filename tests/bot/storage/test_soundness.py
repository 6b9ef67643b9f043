"""Looking at the database tells what the next start will find, and changes nothing."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from bot.storage.db import Database
from bot.storage.errors import DatabaseDamaged, SchemaTooNew
from bot.storage.soundness import Found, inspect
from bot.storage.tables import page_messages


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """With a database that was closed in order."""
    folder = tmp_path / "a # folder"
    db = await Database.open(folder)
    await db.close()
    return folder


@contextlib.contextmanager
def nothing_changed(folder: Path) -> Iterator[None]:
    before = content(folder)
    yield
    assert content(folder) == before


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    # but for -shm, which is no data: readers note in it how far they read
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".db-shm"]
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in files} | {
        file.name: (b"", 0) for file in folder.rglob("*-shm")
    }


def revise(folder: Path, revision: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "visionbot.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.commit()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path):
    assert inspect(tmp_path / "data") == Found("missing")
    assert list(tmp_path.iterdir()) == []


def test_a_sound_database_is_left_as_it_is(folder: Path):
    with nothing_changed(folder):
        found = inspect(folder)

    assert found == Found("sound")


async def test_a_database_in_use_can_be_looked_at(folder: Path):
    db = await Database.open(folder)
    row = {"chat": "c", "side": "bot", "text": "x", "photos": "[]", "final": True, "at": 0.0}
    row |= {"rich": False, "buttons": "[]"}
    async with db.write() as connection:
        await connection.execute(insert(page_messages).values(row))

    with nothing_changed(folder):
        found = inspect(folder)

    assert found == Found("sound")
    await db.close()


async def test_what_a_killed_program_left_is_not_tidied_up(folder: Path, tmp_path: Path):
    db = await Database.open(folder)
    row = {"chat": "c", "side": "bot", "text": "x", "photos": "[]", "final": True, "at": 0.0}
    row |= {"rich": False, "buttons": "[]"}
    async with db.write() as connection:
        await connection.execute(insert(page_messages).values(row))
    left = Path(shutil.copytree(folder, tmp_path / "left"))
    await db.close()

    with nothing_changed(left):
        found = inspect(left)

    assert (left / "visionbot.db-wal").stat().st_size > 0
    assert found == Found("sound")


def test_a_coming_migration_is_told_and_not_made(folder: Path):
    with contextlib.closing(sqlite3.connect(folder / "visionbot.db")) as database:
        database.execute("DELETE FROM alembic_version")
        database.commit()

    with nothing_changed(folder):
        found = inspect(folder)

    assert found == Found("behind")


def test_a_schema_of_a_later_version_is_told(folder: Path):
    revise(folder, "9999")

    with nothing_changed(folder), pytest.raises(SchemaTooNew, match="9999"):
        inspect(folder)


@pytest.mark.parametrize("offset", [0, 100, 4096], ids=["magic", "first page", "second page"])
def test_damage_is_told(folder: Path, offset: int):
    file = folder / "visionbot.db"
    sound = file.read_bytes()
    file.write_bytes(sound[:offset] + b"\xff" * 4096 + sound[offset + 4096 :])

    with nothing_changed(folder), pytest.raises(DatabaseDamaged, match=r"visionbot\.db"):
        inspect(folder)
