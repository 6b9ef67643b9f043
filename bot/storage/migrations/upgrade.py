"""Brings a database to the schema of this version, inside the caller's transaction.

Either all of it happens or nothing: SQLite and PostgreSQL both undo DDL.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from bot.storage.errors import SchemaTooNew

_FOLDER = Path(__file__).parent


def upgrade(connection: Connection, name: str) -> None:
    """`name` stands in the error: SchemaTooNew, and then nothing was touched."""
    config = _config(connection)
    _refuse_newer(connection, ScriptDirectory.from_config(config), name)
    command.upgrade(config, "head")


def is_behind(connection: Connection, name: str) -> bool:
    """Would `upgrade` change anything? Raises SchemaTooNew, and never writes."""
    scripts = ScriptDirectory.from_config(_config(connection))
    return set(_refuse_newer(connection, scripts, name)) != set(scripts.get_heads())


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(connection: Connection, scripts: ScriptDirectory, name: str) -> tuple[str, ...]:
    """The revisions that the database is at."""
    heads = MigrationContext.configure(connection).get_current_heads()
    for revision in heads:
        if not _is_known(scripts, revision):
            raise SchemaTooNew(name, revision)
    return heads


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:  # how Alembic says that there is no such script
        return False
