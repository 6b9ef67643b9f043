"""The migrations, from the first to the newest, make the tables that tables.py declares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.storage import migrations
from bot.storage.db import Database
from bot.storage.migrations.upgrade import upgrade
from bot.storage.tables import metadata
from tests.postgres import Cluster

NAME = "visionbot.db"
# What PostgreSQL has made of the statements. Of a table that was made anew, the sequence and the
# index of its key have a number behind their names.
_MADE = (
    "SELECT table_name, concat_ws(' ', ordinal_position, column_name, data_type, is_nullable,"
    " regexp_replace(column_default, 'seq[0-9]+', 'seq'))"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT tablename, regexp_replace(indexdef, 'key[0-9]+ ON', 'key ON')"
    " FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT regexp_replace(sequencename, '[0-9]+$', ''), data_type::text"
    " FROM pg_sequences WHERE schemaname = 'public'",
)


@pytest.fixture(params=["sqlite", "postgres"])
async def connection(request: pytest.FixtureRequest) -> AsyncIterator[AsyncConnection]:
    """An empty database in a transaction, as Database gives it."""
    if request.param == "sqlite":
        engine = create_async_engine("sqlite+aiosqlite://")
        event.listen(engine.sync_engine, "connect", _leave_it_to_us)
        event.listen(engine.sync_engine, "begin", _begin)
        async with engine.connect() as connection:
            yield connection
        await engine.dispose()
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    name = await cluster.fresh(migrated=False)
    url = f"postgresql+asyncpg://visionbot@/{name}?host={cluster.folder}&port={cluster.port}"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()
    await cluster.drop(name)


def _leave_it_to_us(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def schema(connection: Connection) -> list[tuple[str, str]]:
    statements = _MADE
    if connection.dialect.name == "sqlite":
        statements = ("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL",)
    rows = [tuple(row) for one in statements for row in connection.execute(text(one))]
    return sorted((name, sql) for name, sql in rows if name != "alembic_version")


def is_no_index_of_words(name: str | None, *_: object) -> bool:
    """Each engine has its own, which are not ours to declare."""
    return not (name or "").startswith("passage_words")


async def test_migrations_and_tables_agree(connection: AsyncConnection):
    def difference(connection: Connection) -> list[object]:
        options = {"include_name": is_no_index_of_words}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    await connection.run_sync(upgrade, NAME)

    assert await connection.run_sync(difference) == []


async def test_migrations_and_tables_give_the_same_statements(connection: AsyncConnection):
    await connection.run_sync(upgrade, NAME)
    migrated = await connection.run_sync(schema)
    await connection.rollback()
    await connection.run_sync(metadata.create_all)

    assert migrated == await connection.run_sync(schema)


async def test_upgrading_twice_changes_nothing(connection: AsyncConnection):
    await connection.run_sync(upgrade, NAME)
    once = await connection.run_sync(schema)

    await connection.run_sync(upgrade, NAME)

    assert await connection.run_sync(schema) == once


@pytest.mark.parametrize("connection", ["sqlite"], indirect=True)  # no PostgreSQL is that old
async def test_messages_of_the_page_are_kept_when_their_table_is_made_anew(
    connection: AsyncConnection,
):
    def begin_earlier(connection: Connection) -> None:
        earlier = Config(attributes={"connection": connection})
        earlier.set_main_option("script_location", str(Path(migrations.__file__).parent))
        earlier.set_main_option("path_separator", "os")
        command.upgrade(earlier, "0006")

    await connection.run_sync(begin_earlier)
    row = "(7, 'c', 'bot', '你好', '[]', true, 5.0, 'bot:k')"
    await connection.execute(text(f"INSERT INTO page_messages VALUES {row}"))

    await connection.run_sync(upgrade, NAME)

    rows = (await connection.execute(text("SELECT * FROM page_messages"))).all()
    assert [tuple(row) for row in rows] == [(7, "c", "bot", "你好", "[]", 1, 5.0, "bot:k", 0, "[]")]
    await connection.execute(text("DELETE FROM page_messages"))
    columns = "chat, side, text, photos, final, at, rich, buttons"
    added = f"INSERT INTO page_messages ({columns}) VALUES ('c', 'bot', '', '[]', 1, 0, 0, '[]')"
    await connection.execute(text(added))
    assert (await connection.execute(text("SELECT id FROM page_messages"))).scalar_one() == 8


async def test_an_interrupted_migration_leaves_nothing(connection: AsyncConnection):
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    await connection.run_sync(upgrade, NAME)

    await connection.rollback()

    assert await connection.run_sync(tables) == []


async def test_several_that_start_at_once_make_the_tables_once(postgres: Cluster, tmp_path: Path):
    url = postgres.url(await postgres.fresh(migrated=False))

    started = await asyncio.gather(
        *(Database.open(tmp_path / str(number), url) for number in range(4))
    )

    for db in started:
        async with db.read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM inbox"))).scalar_one() == 0
        await db.close()
