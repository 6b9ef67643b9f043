"""Whether the database file is one of ours and sound; nothing here changes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import NullPool, create_engine, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from bot.storage.errors import DatabaseDamaged
from bot.storage.migrations.upgrade import is_behind
from bot.storage.tables import keys

FILE = "visionbot.db"

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")  # how the names of such errors begin
_SQLITE_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Found:
    state: Literal["missing", "sound", "behind"]  # the last will be migrated at the next start
    keys: int = 0  # of the API, that can be used


def inspect(data_dir: Path) -> Found:
    """What the next start will find there.

    Raises DatabaseDamaged, SchemaTooNew; OSError when the file cannot be read.
    """
    file = data_dir / FILE
    if not file.exists():
        return Found("missing")
    refuse_foreign_file(file)
    engine = create_engine("sqlite://", creator=lambda: _open(file), poolclass=NullPool)
    try:
        with damage_named(file), engine.connect() as connection:
            quick_check(connection, file)
            if is_behind(connection, file):
                return Found("behind")
            usable = select(func.count()).select_from(keys).where(keys.c.revoked_at.is_(None))
            return Found("sound", connection.execute(usable).scalar_one())
    except DBAPIError as error:
        raise OSError(f"{file} cannot be read: {error.orig}") from error


def refuse_foreign_file(file: Path) -> None:
    """SQLite takes an empty file for a new database; ours is never empty once it exists."""
    if not file.exists():
        return
    with file.open("rb") as opened:
        if opened.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
            raise DatabaseDamaged(file, "it does not begin like an SQLite file")


def quick_check(connection: Connection, file: Path) -> None:
    findings = connection.exec_driver_sql("PRAGMA quick_check(3)").scalars()
    found = " ".join(" ".join(findings).split())
    if found != "ok":
        raise DatabaseDamaged(file, found)


@contextmanager
def damage_named(file: Path) -> Iterator[None]:
    """What SQLite says when it stumbles over the damage itself becomes DatabaseDamaged too."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", "").startswith(_DAMAGE):
            raise DatabaseDamaged(file, str(error.orig)) from error
        raise


def _open(file: Path) -> sqlite3.Connection:
    # NOTE: `mode=ro` alone makes a -wal and a -shm file where there are none, and leaves them.
    # Without a -wal file nobody has the database open, and all of it stands in the file itself.
    unused = not file.with_name(f"{file.name}-wal").exists()
    access = "mode=ro&immutable=1" if unused else "mode=ro"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{access}", uri=True)
