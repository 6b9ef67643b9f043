"""A backup is a whole data folder, also when it is made while people write."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3

import pytest

from bot.storage.backup import back_up
from bot.storage.db import Database
from bot.storage.errors import DatabaseDamaged, NoDatabase, Taken, WithinItself
from bot.storage.inbox import Inbox
from bot.storage.photos import Photos
from tests.fakes import an_event


async def test_what_was_accepted_is_in_the_copy_and_can_be_opened(tmp_path):
    data, copy = tmp_path / "data", tmp_path / "backups" / "monday"
    db = await Database.open(data)
    await Inbox(db).accept(an_event("q1", "kept"))
    digest = await Photos(data / "photos").put(b"a photo")

    copied = await asyncio.to_thread(back_up, data, copy)
    await db.close()

    restored = await Database.open(copy)
    backlog = await Inbox(restored).backlog()
    await restored.close()
    assert backlog.new == 1
    assert await Photos(copy / "photos").get(digest) == b"a photo"
    assert copied.files == 2


async def test_a_copy_made_while_others_write_is_sound_and_of_one_moment(tmp_path):
    db = await Database.open(tmp_path / "data")
    inbox = Inbox(db)

    async def write():
        for number in range(200):
            await inbox.accept(an_event(f"q{number}", "x" * 500))

    writing = asyncio.create_task(write())
    await inbox.accept(an_event("first", "x"))
    copies = [tmp_path / f"copy{number}" for number in range(5)]
    for copy in copies:
        await asyncio.to_thread(back_up, tmp_path / "data", copy)
    await writing
    await db.close()

    for copy in copies:
        with sqlite3.connect(copy / "visionbot.db") as connection:
            rows = connection.execute("SELECT message FROM inbox ORDER BY id")
            messages = [row[0] for row in rows]
        numbers = [int(message[1:]) for message in messages if message != "first"]
        assert numbers == list(range(len(numbers)))
        assert "first" in messages


async def test_a_photo_that_is_deleted_meanwhile_is_left_out(tmp_path, monkeypatch):
    data, copy = tmp_path / "data", tmp_path / "copy"
    await (await Database.open(data)).close()
    photos = Photos(data / "photos")
    old, new = await photos.put(b"too old"), await photos.put(b"new")
    copy_one = shutil.copy2

    def late(file, to):
        if file.name == old[2:]:
            file.unlink()
        return copy_one(file, to)

    monkeypatch.setattr(shutil, "copy2", late)
    back_up(data, copy)

    assert await Photos(copy / "photos").get(new) == b"new"
    assert not (copy / "photos" / old[:2] / old[2:]).exists()


async def test_a_folder_that_exists_is_left_as_it_is(tmp_path):
    await (await Database.open(tmp_path / "data")).close()
    taken = tmp_path / "taken"
    taken.mkdir()

    with pytest.raises(Taken, match="taken"):
        back_up(tmp_path / "data", taken)

    assert list(taken.iterdir()) == []


@pytest.mark.parametrize(
    "inside", ["data/inside", "data/a/b", "link/inside", "other/../data/inside"]
)
async def test_a_backup_into_the_data_folder_is_refused_and_makes_nothing(tmp_path, inside):
    data = tmp_path / "data"
    await (await Database.open(data)).close()
    (tmp_path / "link").symlink_to(data)
    before = sorted(data.rglob("*"))

    with pytest.raises(WithinItself, match="name a folder outside of it"):
        back_up(data, tmp_path / inside)

    assert sorted(data.rglob("*")) == before


def test_without_a_database_there_is_nothing_to_copy(tmp_path):
    with pytest.raises(NoDatabase):
        back_up(tmp_path / "data", tmp_path / "copy")

    assert not (tmp_path / "copy").exists()


async def test_a_damaged_database_makes_no_backup(tmp_path):
    await (await Database.open(tmp_path / "data")).close()
    file = tmp_path / "data" / "visionbot.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 40_960)

    with pytest.raises(DatabaseDamaged):
        back_up(tmp_path / "data", tmp_path / "copy")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]
