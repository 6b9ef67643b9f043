"""Keys of the API as they are kept, what calls cost, and the upgrade that brought both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError

from bot.access.quota import Limit
from bot.storage.db import Database
from bot.storage.keys import Key, Keys
from bot.storage.ledger import Account, Ledger, Now, Used
from bot.storage.people import People
from bot.storage.tables import keys as table

MIGRATIONS = Path(__file__).parents[3] / "bot" / "storage" / "migrations"
NOW = Now(1000.0, {"day": 0.0, "month": 0.0})
APP = Account("api:k_1", "member", None, [Limit(100, "tokens", "day")])


@pytest.fixture
def keys(db: Database) -> Keys:
    return Keys(db, clock=lambda: 1000.0)


async def made(db: Database, keys: Keys, *ids: str) -> None:
    for id_ in ids:
        async with db.write() as transaction:
            await keys.add_with(transaction, Key(id_, f"app {id_}", "ab" * 32, ("demo",), 5))


async def test_a_key_is_found_as_it_was_made(db: Database, keys: Keys) -> None:
    await made(db, keys, "k_1")

    found = await keys.find("k_1")

    assert found == Key("k_1", "app k_1", "ab" * 32, ("demo",), 5, created_at=1000.0)
    assert await keys.find("k_2") is None
    assert await keys.find("\udcff\0") is None


async def test_keys_that_were_revoked_stand_last_and_do_not_count(db: Database, keys: Keys) -> None:
    await made(db, keys, "k_1", "k_2")
    async with db.write() as transaction:
        assert await keys.revoke_with(transaction, "k_1")
        assert not await keys.revoke_with(transaction, "k_1")
        assert not await keys.revoke_with(transaction, "k_3")

    listed = await keys.all()

    assert [(key.id, key.revoked_at) for key in listed] == [("k_2", None), ("k_1", 1000.0)]
    assert await keys.count() == 1


async def test_who_comes_by_a_key_is_written_down_once_an_hour(db: Database, keys: Keys) -> None:
    now = 10_000.0
    people = People(db, clock=lambda: now)
    await made(db, keys, "k_1")
    seen = []
    for now in (10_000.0, 13_000.0, 14_000.0):  # noqa: B007  (the clock reads it)
        await people.come("api", "k_1")
        key = await keys.find("k_1")
        assert key is not None
        seen.append(key.last_used_at)

    assert seen == [10_000.0, 10_000.0, 14_000.0]


async def test_no_secret_is_in_the_rows_or_in_what_is_printed_of_a_key(
    db: Database, keys: Keys
) -> None:
    await made(db, keys, "k_1")

    async with db.read() as connection:
        row = (await connection.execute(select(table))).one()

    assert row.digest == "ab" * 32
    assert "ab" * 32 not in repr(await keys.find("k_1"))


async def test_calls_made_at_the_same_time_never_use_more_than_there_is(db: Database) -> None:
    ledger = Ledger(db)

    short = await asyncio.gather(
        *(ledger.reserve_call(f"c{number}", APP, NOW, tokens=30) for number in range(8))
    )

    assert sum(not one for one in short) == 3
    assert await ledger.used("api:k_1", 0) == Used(3, 90)


async def test_a_call_is_settled_once_and_what_it_did_not_take_is_free_again(db: Database) -> None:
    ledger = Ledger(db)
    await ledger.reserve_call("c1", APP, NOW, tokens=100)

    first = await ledger.settle_call("c1", questions=1, tokens=40)
    second = await ledger.settle_call("c1", questions=0, tokens=0)

    assert (first, second) == (100, None)
    assert await ledger.used("api:k_1", 0) == Used(1, 40)
    assert await ledger.reserve_call("c2", APP, NOW, tokens=60) == []


async def test_a_name_that_was_used_pays_for_no_second_call(db: Database) -> None:
    ledger = Ledger(db)
    await ledger.reserve_call("c1", APP, NOW, tokens=10)

    with pytest.raises(IntegrityError):
        await ledger.reserve_call("c1", APP, NOW, tokens=10)


async def test_what_a_crash_left_reserved_for_calls_costs_nothing(db: Database) -> None:
    ledger = Ledger(db)
    await ledger.reserve_call("c1", APP, NOW, tokens=40)
    await ledger.settle_call("c1", questions=1, tokens=40)
    await ledger.reserve_call("c2", APP, NOW, tokens=60)

    assert await ledger.recover_calls() == 1
    assert await ledger.used("api:k_1", 0) == Used(1, 40)


def test_the_upgrade_keeps_what_was_used_before() -> None:
    engine = create_engine("sqlite://")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(
            text(
                "INSERT INTO ledger (person, at, reserved_questions, reserved_tokens, state)"
                " VALUES ('test:ann', 5.0, 1, 70, 'reserved')"
            )
        )

        command.upgrade(config, "0006")

        row = connection.execute(text("SELECT * FROM ledger")).mappings().one()
    engine.dispose()
    assert (row["person"], row["reserved_tokens"], row["call"]) == ("test:ann", 70, None)
