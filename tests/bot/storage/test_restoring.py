"""A backup takes the place of the data: whole or not at all, and it answers nothing twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import insert

from bot.event import Conversation, Event
from bot.storage.backup import back_up, made_at
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from bot.storage.journal import JOURNAL, STAGED, finish, journal
from bot.storage.outbox import Letter, Outbox
from bot.storage.photos import Photos
from bot.storage.restoring import Lost, compare, prepare, replace
from bot.storage.soundness import FILE
from bot.storage.tables import cursors, sessions
from tests.fakes import an_event

NOW = 2_000_000_000.0


def told(event: Event) -> Letter:
    return Letter(f"late/{event.conversation.chat}", event.conversation, "ask again")


async def accept(data: Path, *messages: str) -> None:
    db = await Database.open(data)
    for message in messages:
        await Inbox(db).accept(an_event(message, "hello"))
    await db.close()


def ask(data: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "visionbot.db")) as database:
        return database.execute(statement).fetchall()


def messages(data: Path) -> list[object]:
    return [row[0] for row in ask(data, "SELECT message FROM inbox ORDER BY id")]


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def restore(data: Path, backup: Path, photos: Path | None = None) -> str:
    restored = await prepare(data, backup, told, NOW, photos)
    replace(data, restored)
    return restored.aside


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """With a question and a photo in a backup beside it, and another question that came later."""
    data = tmp_path / "data"
    await accept(data, "q1")
    await Photos(data / "photos").put(b"a photo")
    back_up(data, tmp_path / "backup")
    await accept(data, "q2")
    return data


async def test_what_was_there_stays_beside_what_was_restored(data: Path, tmp_path: Path):
    before = (data / "visionbot.db").read_bytes()

    aside = await restore(data, tmp_path / "backup")

    assert messages(data) == ["q1"]
    assert (data / aside / "visionbot.db").read_bytes() == before
    assert messages(data / aside) == ["q1", "q2"]
    assert len(list((data / "photos").glob("??/*"))) == 1
    assert not (data / STAGED).exists()
    assert not (data / JOURNAL).exists()


async def test_what_was_set_aside_can_be_restored_in_its_turn(data: Path, tmp_path: Path):
    aside = await restore(data, tmp_path / "backup")

    await restore(data, data / aside)

    assert messages(data) == ["q1", "q2"]


async def test_a_folder_without_data_takes_a_backup_too(data: Path, tmp_path: Path):
    other = tmp_path / "another machine"
    other.mkdir()

    aside = await restore(other, tmp_path / "backup")

    assert aside == ""
    assert messages(other) == ["q1"]


async def test_nothing_that_was_open_is_done_again_and_each_chat_is_told_once(tmp_path: Path):
    data, backup = tmp_path / "data", tmp_path / "backup"
    db = await Database.open(data)
    for message in ("q1", "q2", "q3"):
        await Inbox(db).accept(an_event(message, "hello"))
    await Inbox(db).wait(2)
    await Inbox(db).end(3, "answered")
    await Outbox(db).put([Letter("news", Conversation("test", "bob"), "perhaps sent since")])
    async with db.write() as connection:
        row = {"digest": "d", "person": "p", "kind": "page", "begun_at": 0.0, "expires_at": 9e9}
        await connection.execute(insert(sessions).values(row))
        place = {"platform": "matrix", "bot": "@b", "value": "s_12"}
        await connection.execute(insert(cursors).values(place))
    await db.close()
    back_up(data, backup)

    restored = await prepare(data, backup, told, NOW, None)
    replace(data, restored)

    assert (restored.ended, restored.letters) == (2, 1)
    states = [row[0] for row in ask(data, "SELECT state FROM inbox ORDER BY id")]
    assert states == ["expired", "expired", "answered"]
    letters = ask(data, "SELECT key, state FROM outbox ORDER BY id")
    assert letters == [("news", "unclear"), ("late/ann", "waiting")]
    assert ask(data, "SELECT * FROM sessions") == ask(data, "SELECT * FROM cursors") == []


async def test_photos_kept_elsewhere_are_joined_and_none_is_lost(data: Path, tmp_path: Path):
    photos = Photos(tmp_path / "photos")
    newer = await photos.put(b"a newer one")

    await restore(data, tmp_path / "backup", tmp_path / "photos")

    assert await photos.get(newer) == b"a newer one"
    assert len(list((tmp_path / "photos").glob("??/*"))) == 2


async def test_a_backup_that_cannot_be_read_leaves_all_as_it_is(data: Path, tmp_path: Path):
    file = tmp_path / "backup" / "visionbot.db"
    file.write_bytes(file.read_bytes()[:8192] + b"\xff" * 8192)
    before = everything(data)

    with pytest.raises(Exception, match="damaged"):
        await prepare(data, tmp_path / "backup", told, NOW, None)

    assert everything(data) == before


def dies_at(nth: int, method: Callable[..., object]) -> Callable[..., object]:
    calls = iter(range(1, 1000))

    def wrapped(*args: object) -> object:
        if next(calls) == nth:
            raise KeyboardInterrupt
        return method(*args)

    return wrapped


@pytest.mark.row(47)
@pytest.mark.parametrize("method", ["rename", "rmdir", "unlink"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
async def test_row_47_a_restore_that_was_broken_off_is_finished_by_the_next_program(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, nth: int
):
    restored = await prepare(data, tmp_path / "backup", told, NOW, None)
    with monkeypatch.context() as dying:
        dying.setattr(Path, method, dies_at(nth, getattr(Path, method)))
        with suppress(KeyboardInterrupt):
            replace(data, restored)

    db = await Database.open(data)
    await db.close()

    assert messages(data) == ["q1"]
    assert messages(data / restored.aside) == ["q1", "q2"]
    assert not (data / JOURNAL).exists()
    assert not finish(data)


def test_the_database_goes_before_its_logs_and_comes_after_all_else(tmp_path: Path):
    """Whoever looks beside a move that was cut off finds no database, and none without its log."""
    staged = tmp_path / STAGED
    staged.mkdir()
    for name in (FILE, "replica", "matrix"):
        (staged / name).touch()

    journal(tmp_path, aside="before-x", out=[f"{FILE}-wal", FILE, "photos"])

    moves = json.loads((tmp_path / JOURNAL).read_text("utf-8"))
    assert moves["out"].index(FILE) < moves["out"].index(f"{FILE}-wal")
    assert moves["in"][-1] == FILE


async def test_before_the_journal_a_restore_has_changed_nothing(data: Path, tmp_path: Path):
    await prepare(data, tmp_path / "backup", told, NOW, None)

    db = await Database.open(data)  # the program is started instead
    await db.close()

    assert messages(data) == ["q1", "q2"]
    await restore(data, tmp_path / "backup")
    assert messages(data) == ["q1"]


async def test_it_is_known_what_came_after_the_backup(data: Path, tmp_path: Path):
    at = made_at(tmp_path / "backup")

    assert compare(data, at) == Lost(1, 0, ())
    assert compare(tmp_path / "backup", at) == Lost(0, 0, ())
    assert compare(tmp_path / "nothing", at) is None


async def test_of_data_that_cannot_be_read_nothing_is_said(data: Path, tmp_path: Path):
    (data / "visionbot.db").write_bytes(b"\xff" * 9000)

    assert compare(data, made_at(tmp_path / "backup")) is None


async def test_a_later_backup_holds_nothing_of_what_was_set_aside(data: Path, tmp_path: Path):
    await restore(data, tmp_path / "backup")

    back_up(data, tmp_path / "second")

    names = sorted(one.name for one in (tmp_path / "second").iterdir())
    assert names == ["SHA256SUMS", "made_at", "photos", "visionbot.db"]
    shutil.rmtree(tmp_path / "second")
