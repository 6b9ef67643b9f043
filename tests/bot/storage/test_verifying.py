"""Whether a folder of data is whole is found out without changing it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.storage.backup import back_up
from bot.storage.db import Database
from bot.storage.errors import DatabaseDamaged, NoDatabase
from bot.storage.inbox import Inbox
from bot.storage.photos import Photos
from bot.storage.soundness import FILE
from bot.storage.verifying import (
    Expected,
    Verified,
    verify_backup,
    verify_database,
    verify_folder,
)
from tests.fakes import an_event
from tests.faults import migrating

DAY = 86_400.0


def expected(**more: float) -> Expected:
    values = {"now": time.time(), "photos_last_s": DAY, "most_attempts": 4}
    return Expected(**(values | more))


def verify(folder: Path, **more: float) -> Verified:
    return verify_folder(folder, folder / "photos", lambda *_: None, expected(**more))


def times(folder: Path) -> dict[str, int]:
    return {one.name: one.stat().st_mtime_ns for one in folder.iterdir()}


def write(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "visionbot.db")) as database:
        database.execute(statement, values)
        database.commit()


def shown(folder: Path, digest: str, at: float) -> None:
    columns = "chat, side, text, photos, final, at, rich, buttons"
    listed = json.dumps([digest])
    values = f"'c', 'person', '', '{listed}', 1, {at}, 0, '[]'"
    write(folder, f"INSERT INTO page_messages ({columns}) VALUES ({values})")


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    db = await Database.open(tmp_path / "data")
    for message in ("q1", "q2"):
        await Inbox(db).accept(an_event(message, "hello"))
    await Inbox(db).end(1, "said")
    await db.close()
    return tmp_path / "data"


async def test_what_is_whole_is_counted_and_found_sound(folder: Path):
    digest = await Photos(folder / "photos").put(b"a photo")
    shown(folder, digest, time.time())

    found = verify(folder)

    assert found.is_sound
    assert (found.counts["inbox"], found.open, found.photos) == (2, 1, 1)
    assert not found.behind


@pytest.mark.parametrize(("age_s", "missing", "gone"), [(3600.0, 1, 0), (2 * DAY, 0, 1)])
async def test_a_photo_must_be_there_as_long_as_photos_are_kept(
    folder: Path, age_s: float, missing: int, gone: int
):
    shown(folder, "ab" * 32, time.time() - age_s)

    found = verify(folder)

    assert (len(found.missing_photos), found.gone_photos) == (missing, gone)
    assert found.is_sound == (missing == 0)


async def test_where_photos_are_kept_for_ever_none_may_be_missing(folder: Path):
    shown(folder, "ab" * 32, time.time() - 900 * DAY)

    assert verify(folder, photos_last_s=0.0).missing_photos == ("ab" * 32,)


async def test_a_photo_whose_bytes_are_others_is_named(folder: Path):
    digest = await Photos(folder / "photos").put(b"a photo")
    (folder / "photos" / digest[:2] / digest[2:]).write_bytes(b"half a ph")

    found = verify(folder)

    assert found.broken_photos == (digest,)
    assert not found.is_sound


async def test_a_letter_of_a_backup_that_has_changed_since_is_found(folder: Path, tmp_path: Path):
    """SQLite has no checksums: to it another letter is as good."""
    backup = tmp_path / "backup"
    await asyncio.to_thread(back_up, folder, backup)
    assert verify_backup(backup, lambda *_: None, expected()).is_sound

    (backup / FILE).write_bytes((backup / FILE).read_bytes().replace(b"hello", b"hallo", 1))

    found = verify_backup(backup, lambda *_: None, expected())
    assert found.changed_files == (FILE,)
    assert not found.is_sound


async def test_a_file_that_is_gone_from_a_backup_is_found(folder: Path, tmp_path: Path):
    (folder / "matrix").mkdir()
    (folder / "matrix" / "keys").write_bytes(b"of encrypted rooms")
    backup = tmp_path / "backup"
    await asyncio.to_thread(back_up, folder, backup)

    (backup / "matrix" / "keys").unlink()

    assert verify_backup(backup, lambda *_: None, expected()).changed_files == ("matrix/keys",)


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE inbox SET state = 'lost' WHERE id = 1", "state_unknown"),
        ("UPDATE inbox SET ended_at = NULL", "end_without_time"),
        ("UPDATE inbox SET attempts = 9 WHERE id = 2", "tried_too_often"),
    ],
)
async def test_a_broken_rule_is_counted(folder: Path, statement: str, rule: str):
    write(folder, statement)

    found = verify(folder)

    assert found.broken_rules == {rule: 1}
    assert not found.is_sound


async def test_a_row_that_names_another_that_is_not_there_is_damage(folder: Path):
    write(folder, "INSERT INTO replies (inbox_id, part, key) VALUES (99, 0, 'k')")

    with pytest.raises(DatabaseDamaged, match="1 rows name others"):
        verify(folder)


async def test_an_index_that_disagrees_with_its_table_is_damage(folder: Path):
    """Which the quick check of a start does not see."""
    with closing(sqlite3.connect(folder / "visionbot.db")) as database:
        find = "SELECT rootpage FROM sqlite_master WHERE name = 'inbox_ended'"
        page = database.execute(find).fetchone()[0]
    with (folder / "visionbot.db").open("r+b") as file:
        file.seek((page - 1) * 4096 + 3)
        file.write(b"\x00\x00")  # it has no rows any more

    with pytest.raises(DatabaseDamaged, match="inbox_ended"):
        verify(folder)


async def test_nothing_is_changed_by_looking(folder: Path):
    before = times(folder)

    verify(folder)

    assert times(folder) == before


@pytest.mark.parametrize("revision", ["0001", "0005", "0010"])
def test_a_backup_of_an_earlier_version_can_be_looked_at(tmp_path: Path, revision: str):
    migrating.make(tmp_path / "old", revision)

    found = verify(tmp_path / "old")

    assert found.is_sound
    assert found.behind
    assert found.open == 40


def test_where_there_is_nothing_that_is_said(tmp_path: Path):
    with pytest.raises(NoDatabase):
        verify(tmp_path)


async def test_a_database_in_use_can_be_looked_at_too(db: Database, tmp_path: Path):
    await Inbox(db).accept(an_event("q1", "hello"))
    expected = Expected(time.time(), DAY, 4)

    found = await verify_database(db, tmp_path / "photos", lambda *_: None, expected)

    assert found.is_sound
    assert found.open == 1
