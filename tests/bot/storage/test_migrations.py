"""The migrations, from the first to the newest, make the tables that tables.py declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, inspect, text

from bot.storage import migrations
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


def test_messages_of_the_page_are_kept_when_their_table_is_made_anew(connection: Connection):
    earlier = Config(attributes={"connection": connection})
    earlier.set_main_option("script_location", str(Path(migrations.__file__).parent))
    earlier.set_main_option("path_separator", "os")
    command.upgrade(earlier, "0006")
    row = "(7, 'c', 'bot', '你好', '[]', true, 5.0, 'bot:k')"
    connection.execute(text(f"INSERT INTO page_messages VALUES {row}"))

    upgrade(connection, FILE)

    rows = connection.execute(text("SELECT * FROM page_messages")).all()
    assert [tuple(row) for row in rows] == [(7, "c", "bot", "你好", "[]", 1, 5.0, "bot:k", 0, "[]")]
    connection.execute(text("DELETE FROM page_messages"))
    columns = "chat, side, text, photos, final, at, rich, buttons"
    added = f"INSERT INTO page_messages ({columns}) VALUES ('c', 'bot', '', '[]', 1, 0, 0, '[]')"
    connection.execute(text(added))
    assert connection.execute(text("SELECT id FROM page_messages")).scalar_one() == 8


def test_an_interrupted_migration_leaves_nothing(connection: Connection):
    upgrade(connection, FILE)

    connection.rollback()

    assert inspect(connection).get_table_names() == []
