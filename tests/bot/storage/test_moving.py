"""From the file to a server: all of it, once, and only onto an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, insert, select

from bot.event import Conversation, Event, Person
from bot.storage.audit import Act
from bot.storage.db import Database
from bot.storage.errors import AlreadyRunning, NoDatabase, NotEmpty
from bot.storage.inbox import Inbox
from bot.storage.knowledge import Knowledge, NewDocument, Piece
from bot.storage.moving import move
from bot.storage.people import People
from bot.storage.replicas import Replicas
from bot.storage.tables import inbox, metadata, page_messages, replicas
from tests.postgres import Cluster

ROW = {"chat": "c", "side": "bot", "text": "你好", "photos": "[]", "final": True, "at": 0.25}
ROW |= {"rich": False, "buttons": "[]"}
MESSAGES = 603  # more than are moved at a stroke


@pytest.fixture
async def url(postgres: Cluster) -> SecretStr:
    return postgres.url(await postgres.fresh(migrated=False))


async def fill(folder: Path) -> None:
    db = await Database.open(folder)
    for number in range(3):
        event = Event("bot", str(number), Conversation("test", "7"), Person("p"), "what is it?")
        await Inbox(db).accept(event)
    await People(db).choose_language("test", "ann", "zh")
    pieces = (Piece("p. 1", "退票须在开场前。"), Piece("p. 2", "改签免费。"))
    rules = NewDocument("规定", "txt", "digest", "web:1", pieces)
    await Knowledge(db).add(Act("learn", "web:1", "/learn"), rules, lambda *_: "")
    async with db.write() as connection:
        await connection.execute(insert(page_messages), [ROW] * MESSAGES)
        newest = page_messages.c.id > MESSAGES - 3
        await connection.execute(delete(page_messages).where(newest))
        await connection.execute(insert(replicas).values(home="old", beats=1, reloads=0))
    await db.close()


async def rows(db: Database) -> dict[str, list[tuple[object, ...]]]:
    async with db.read() as connection:
        return {
            table.name: [
                tuple(row)
                for row in await connection.execute(
                    select(table).order_by(*table.primary_key.columns)
                )
            ]
            for table in metadata.sorted_tables
            if table is not replicas
        }


async def test_every_row_arrives_as_it_is(tmp_path: Path, url: SecretStr):
    await fill(tmp_path)
    steps: list[tuple[int, int]] = []

    moved = await move(tmp_path, url, lambda *step: steps.append(step))

    there, here = await Database.join(tmp_path, url), await Database.join(tmp_path)
    kept = await rows(here)
    assert await rows(there) == kept
    assert moved == sum(map(len, kept.values())) > MESSAGES
    assert steps[-1] == (moved, moved)
    assert len(steps) > 3
    await there.close()
    await here.close()


async def test_what_was_taught_is_found_there(tmp_path: Path, url: SecretStr):
    await fill(tmp_path)

    await move(tmp_path, url, lambda *_: None)

    db = await Database.open(tmp_path, url)
    assert [one.place for one in await Knowledge(db).find("怎么退票", 5)] == ["p. 1"]
    await db.close()


async def test_numbers_go_on_where_they_were_also_those_of_deleted_rows(
    tmp_path: Path, url: SecretStr
):
    await fill(tmp_path)

    await move(tmp_path, url, lambda *_: None)

    db = await Database.open(tmp_path, url)
    async with db.write() as connection:
        added = insert(page_messages).values(ROW).returning(page_messages.c.id)
        message = (await connection.execute(added)).scalar_one()
    event = Event("bot", "new", Conversation("test", "7"), Person("p"), "and this?")
    await Inbox(db).accept(event)
    async with db.read() as connection:
        numbers = list(
            (await connection.execute(select(inbox.c.id).order_by(inbox.c.id))).scalars()
        )
    assert message == MESSAGES + 1
    assert numbers == [1, 2, 3, 4]
    assert await Replicas(db).enlist("home") == 2
    await db.close()


async def test_a_database_with_something_in_it_is_left_alone(tmp_path: Path, url: SecretStr):
    await fill(tmp_path)
    await move(tmp_path, url, lambda *_: None)

    with pytest.raises(NotEmpty, match="holds something already"):
        await move(tmp_path, url, lambda *_: None)


async def test_nothing_is_moved_under_a_running_bot(tmp_path: Path, url: SecretStr):
    await fill(tmp_path)
    running = await Database.open(tmp_path)

    with pytest.raises(AlreadyRunning):
        await move(tmp_path, url, lambda *_: None)

    await running.close()


async def test_without_a_file_there_is_nothing_to_move(tmp_path: Path, url: SecretStr):
    with pytest.raises(NoDatabase):
        await move(tmp_path, url, lambda *_: None)
