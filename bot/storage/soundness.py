"""Whether the database file is one of ours and sound; nothing here changes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import NullPool, create_engine, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from bot.storage.errors import DatabaseDamaged, DiskFailed, NoRoom
from bot.storage.migrations.upgrade import is_behind
from bot.storage.tables import keys

FILE = "visionbot.db"

LAST_BACKUP = "last_backup"  # beside the database: where the newest one went

# How the names of such errors begin.
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
_FAILED = ("SQLITE_IOERR",)
_TAKEN_AWAY = ("SQLITE_READONLY", "SQLITE_READONLY_DBMOVED")  # in full: the disk was writable
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
    engine = create_engine("sqlite://", creator=lambda: open_to_read(file), poolclass=NullPool)
    try:
        with damage_named(file), engine.connect() as connection:
            quick_check(connection, file)
            if is_behind(connection, str(file)):
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
            raise _damaged(file, "it does not begin like an SQLite file")


def quick_check(connection: Connection, file: Path) -> None:
    findings = connection.exec_driver_sql("PRAGMA quick_check(3)").scalars()
    found = " ".join(" ".join(findings).split())
    if found != "ok":
        raise _damaged(file, found)


def integrity_check(connection: Connection, file: Path) -> None:
    """The same in full: that every index agrees with its table, and every row with the rules."""
    findings = [*connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars()]
    if findings == ["ok"]:
        rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        findings = [f"{len(rows)} rows name others that are not there"] if rows else []
    if findings:
        raise _damaged(file, " ".join(" ".join(findings).split()))


@contextmanager
def damage_named(file: Path) -> Iterator[None]:
    """What SQLite says when it stumbles over damage, over a disk that is full or fails."""
    try:
        yield
    except DBAPIError as error:
        name = getattr(error.orig, "sqlite_errorname", "")
        if name.startswith(_DAMAGE):
            raise _damaged(file, str(error.orig)) from error
        if name.startswith(_FULL):
            raise NoRoom(file.parent) from error
        if name.startswith(_FAILED) or name in _TAKEN_AWAY:
            raise DiskFailed(str(file), f"{error.orig}, {name}") from error
        raise


def newest_backup(data_dir: Path) -> Path | None:
    """The newest that is known and still there."""
    with suppress(OSError, ValueError):
        folder = Path((data_dir / LAST_BACKUP).read_text("utf-8").strip())
        if folder.is_absolute() and (folder / FILE).exists():
            return folder
    return None


def open_to_read(file: Path) -> sqlite3.Connection:
    """Beside a program that has it open, or without one."""
    # NOTE: `mode=ro` alone makes a -wal and a -shm file where there are none, and leaves them.
    # Without a -wal file nobody has the database open, and all of it stands in the file itself.
    unused = not file.with_name(f"{file.name}-wal").exists()
    access = "mode=ro&immutable=1" if unused else "mode=ro"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{access}", uri=True)


def _damaged(file: Path, finding: str) -> DatabaseDamaged:
    return DatabaseDamaged(file, finding, newest_backup(file.parent))
