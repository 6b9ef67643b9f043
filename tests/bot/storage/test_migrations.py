"""The migrations, from the first to the newest, make the tables that tables.py declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, inspect, text

from bot.storage.migrations.upgrade import upgrade
from bot.storage.tables import metadata

FILE = Path("visionbot.db")


@pytest.fixture
def connection() -> Iterator[Connection]:
    """An empty database in a transaction, as Database.write gives it."""
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def schema(connection: Connection) -> set[tuple[str, str]]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {(name, sql) for name, sql in rows if name != "alembic_version"}


def is_no_index_of_words(name: str | None, *_: object) -> bool:
    """SQLite keeps a full-text index in tables of its own, which are not ours to declare."""
    return not (name or "").startswith("passage_words")


def test_migrations_and_tables_agree(connection: Connection):
    upgrade(connection, FILE)

    context = MigrationContext.configure(connection, opts={"include_name": is_no_index_of_words})
    assert compare_metadata(context, metadata) == []


def test_migrations_and_tables_give_the_same_statements(connection: Connection):
    upgrade(connection, FILE)
    migrated = schema(connection)
    connection.rollback()
    metadata.create_all(connection)

    assert migrated == schema(connection)


def test_upgrading_twice_changes_nothing(connection: Connection):
    upgrade(connection, FILE)
    once = schema(connection)

    upgrade(connection, FILE)

    assert schema(connection) == once


def test_an_interrupted_migration_leaves_nothing(connection: Connection):
    upgrade(connection, FILE)

    connection.rollback()

    assert inspect(connection).get_table_names() == []
