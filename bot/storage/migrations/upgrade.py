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


def upgrade(connection: Connection, file: Path) -> None:
    """`file` is named in the error: SchemaTooNew, and then nothing was touched."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    for revision in MigrationContext.configure(connection).get_current_heads():
        if not _is_known(scripts, revision):
            raise SchemaTooNew(file, revision)
    command.upgrade(config, "head")


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:  # how Alembic says that there is no such script
        return False
