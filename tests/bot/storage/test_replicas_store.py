"""Who runs on the database: numbers that only grow, beats, and burials that hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.storage.db import Database
from bot.storage.erasing.erasures import Erasures
from bot.storage.errors import Buried
from bot.storage.inbox import Inbox
from bot.storage.repeats import KeptAnswers
from bot.storage.replicas import Living, Replicas
from bot.storage.tables import claims, let_go, replicas
from tests.bot.storage.ground import Ground, on_postgres, on_sqlite


@pytest.fixture
async def others(ground: Ground, tmp_path: Path):
    """Opens further programs on the same server."""
    opened: list[Database] = []

    async def open_one() -> Database:
        home = tmp_path / f"home {len(opened)}"
        opened.append(await Database.open(home, ground.url))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


async def numbers(db: Database) -> list[int]:
    async with db.read() as connection:
        return list((await connection.execute(select(replicas.c.id))).scalars())


async def claimed(db: Database) -> list[int]:
    async with db.read() as connection:
        return list((await connection.execute(select(claims.c.replica))).scalars())


async def test_each_start_has_a_larger_number_than_all_before(db: Database):
    first = await Replicas(db).enlist("home")
    second = await Replicas(db).enlist("home")

    third = await Replicas(db).enlist("home")

    assert first < second < third
    assert await numbers(db) == [third]


@on_sqlite
async def test_where_one_alone_can_have_the_database_all_others_are_dead(db: Database):
    await Replicas(db).enlist("home")

    number = await Replicas(db).enlist("another home, from a backup")

    assert await numbers(db) == [number]


@on_postgres
async def test_others_of_another_home_go_on(db: Database, others):
    first = await Replicas(db).enlist("home")

    second = await Replicas(await others()).enlist("another home")

    assert await numbers(db) == [first, second]


@on_postgres
async def test_a_beat_tells_of_all_the_oldest_first(db: Database, others):
    first = await Replicas(db).enlist("home")
    second = await Replicas(await others()).enlist("another home")
    await Replicas(db).beat()

    assert await Replicas(db).beat() == [Living(first, 2, 0), Living(second, 0, 0)]


@on_postgres
@pytest.mark.row(48)
async def test_row_48_who_was_buried_writes_nothing_and_knows_it(db: Database, others, make_event):
    stale = await others()
    await Replicas(db).enlist("home")
    number = await Replicas(stale).enlist("another home")

    await Replicas(db).bury([Living(number, 0, 0)])

    with pytest.raises(Buried, match=str(number)):
        await Inbox(stale).accept(make_event())
    with pytest.raises(Buried):
        await stale.until_broken()
    with pytest.raises(Buried):
        await Replicas(stale).beat()
    assert await Inbox(db).unended(10) == []


@on_postgres
@pytest.mark.row(48)
async def test_row_48_who_has_beaten_since_is_not_buried(db: Database, others, make_event):
    alive = await others()
    await Replicas(db).enlist("home")
    number = await Replicas(alive).enlist("another home")
    await Replicas(alive).beat()

    await Replicas(db).bury([Living(number, 0, 0)])

    assert await Inbox(alive).accept(make_event()) is True


@on_postgres
async def test_what_belonged_to_the_dead_is_nobodys(db: Database, others, make_event):
    dead = await others()
    await Replicas(db).enlist("home")
    number = await Replicas(dead).enlist("another home")
    await Inbox(dead).accept(make_event("1"), here=True)
    await Inbox(db).accept(make_event("2"), here=True)

    await Replicas(db).bury([Living(number, 0, 0)])

    assert await claimed(db) == [db.replica]


@on_postgres
async def test_who_comes_home_again_takes_over_at_once(db: Database, others, make_event):
    dead = await others()
    await Replicas(dead).enlist("home")
    await Inbox(dead).accept(make_event("1"), here=True)

    await Replicas(db).enlist("home")

    assert await claimed(db) == []


@on_postgres
async def test_all_are_asked_to_read_the_rules_again(db: Database, others):
    other = await others()
    await Replicas(db).enlist("home")
    await Replicas(other).enlist("another home")

    async with db.write() as connection:
        await Replicas(db).ask_reload_with(connection)

    assert [one.reloads for one in await Replicas(other).beat()] == [1, 1]


@on_postgres
async def test_who_comes_later_was_not_asked(db: Database, others):
    await Replicas(db).enlist("home")
    async with db.write() as connection:
        await Replicas(db).ask_reload_with(connection)
    other = await others()

    await Replicas(other).enlist("another home")

    assert [one.reloads for one in await Replicas(other).beat()] == [1, 1]


@on_postgres
async def test_somebody_is_forgotten_when_all_programs_have_let_go(db: Database, others):
    other = await others()
    await Replicas(db).enlist("home")
    await Replicas(other).enlist("another home")
    leading, following = Erasures(db), Erasures(other)
    async with db.write() as connection:
        await leading.order_with(connection, "test", "ann")
    [ann] = await leading.pending()

    before = await leading.others_at_it(ann)
    await following.let_go(ann)

    assert (before, await leading.others_at_it(ann)) == (True, False)


async def test_who_lets_go_too_late_does_not_write_the_name_again(db: Database):
    await Replicas(db).enlist("home")
    erasures = Erasures(db)
    async with db.write() as connection:
        await erasures.order_with(connection, "test", "ann")
    [ann] = await erasures.pending()
    await erasures.end(ann)

    await erasures.let_go(ann)

    async with db.read() as connection:
        assert (await connection.execute(select(let_go))).all() == []


@on_postgres
async def test_under_one_key_one_program_answers_at_a_time(db: Database, others):
    other = await others()
    await Replicas(db).enlist("home")
    await Replicas(other).enlist("another home")
    here, there = KeptAnswers(db), KeptAnswers(other)

    first = await here.begin("api:ann", "key", "request")
    meanwhile = await there.begin("api:ann", "key", "another request")
    await there.end("api:ann", "key")  # which is not its own
    still = await there.begin("api:ann", "key", "another request")
    await here.end("api:ann", "key")

    assert (first, meanwhile, still) == (None, "request", "request")
    assert await there.begin("api:ann", "key", "another request") is None
