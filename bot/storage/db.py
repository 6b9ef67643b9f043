"""The database file: opened by one program at a time, checked, migrated, written by one at a time.

Every row survives `kill -9` once its `write` block has ended (WAL with synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.storage.errors import AlreadyRunning, NoDatabase, SchemaTooOld
from bot.storage.migrations.upgrade import is_behind, upgrade
from bot.storage.soundness import FILE, damage_named, quick_check, refuse_foreign_file

Transaction = AsyncConnection  # what `write` opens, for those who may not know SQLAlchemy
Also = Callable[[Transaction], Awaitable[object]]  # more that is written at the same stroke

_LOCK = "visionbot.lock"
_BUSY_TIMEOUT_MS = 30_000  # how long we wait for another program, say a backup, that holds the file
_LOCK_PAUSES_S = (0.02, 0.08, 0.4)  # for somebody who only looks, see `holder`
_CONNECTIONS = 8  # each has a thread; a writer holds one, readers share the others


class StorageSection(BaseModel, extra="forbid", frozen=True):
    data_dir: Path = Path("data")


class Database:
    """Made by `open`, or by `join` beside a program that runs; whoever makes it closes it."""

    def __init__(self, file: Path, engine: AsyncEngine, lock: IO[str] | None) -> None:
        self.file = file
        self._engine = engine
        self._writer = engine.execution_options(begin="IMMEDIATE")
        self._lock = lock
        self._one_writer = asyncio.Lock()
        self.committed_at = time.monotonic()  # the newest write; before the first: the opening

    @classmethod
    async def open(cls, data_dir: Path) -> Database:
        """Make or migrate the database. Raises AlreadyRunning, DatabaseDamaged, SchemaTooNew."""
        lock = await asyncio.to_thread(_lock_folder, data_dir)
        file = data_dir / FILE
        db = cls(file, _make_engine(file), lock)
        try:
            await asyncio.to_thread(refuse_foreign_file, file)
            await db._check_and_migrate()
        except BaseException:  # cancelled too: the lock must not outlive a failed opening
            await db.close()
            raise
        return db

    @classmethod
    async def join(cls, data_dir: Path) -> Database:
        """For a second program: the folder's lock is left alone, and so are the tables.

        Raises NoDatabase, SchemaTooOld, SchemaTooNew.
        """
        file = data_dir / FILE
        if not file.exists():
            raise NoDatabase(file)
        db = cls(file, _make_engine(file), None)
        try:
            await db._refuse_older()
        except BaseException:  # cancelled too: no connection is left open
            await db.close()
            raise
        return db

    @classmethod
    async def at(cls, data_dir: Path) -> Database:
        """Joined where there is one, else made."""
        if (data_dir / FILE).exists():
            return await cls.join(data_dir)
        return await cls.open(data_dir)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: committed at the end, undone by an exception.

        Writers stand in line in this program and wait for other programs at BEGIN IMMEDIATE,
        so that no write fails half-way because another one came first.
        """
        async with self._one_writer, self._writer.begin() as connection:
            yield connection
        self.committed_at = time.monotonic()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; never waits for a writer."""
        async with self._engine.connect() as connection:
            yield connection

    async def settle(self) -> bool:
        """Empty the log beside the file, in which deleted words still stand. False: somebody is
        reading or writing; another time."""
        return await asyncio.to_thread(_empty_log, self.file)

    async def close(self) -> None:
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    async def _refuse_older(self) -> None:
        with damage_named(self.file):
            async with self.read() as connection:
                behind = await connection.run_sync(is_behind, self.file)
        if behind:
            raise SchemaTooOld(self.file)

    async def _check_and_migrate(self) -> None:
        with damage_named(self.file):
            async with self.read() as connection:
                await connection.run_sync(quick_check, self.file)
            async with self.write() as connection:
                await connection.run_sync(upgrade, self.file)


def holder(data_dir: Path) -> int | None:
    """The process that holds the folder; None: nobody does."""
    path = data_dir / _LOCK
    try:
        with path.open("r", encoding="ascii", errors="replace") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        number = path.read_text("ascii", "replace").strip()
        return int(number) if number.isdigit() else None
    return None


def _lock_folder(data_dir: Path) -> IO[str]:
    """The kernel gives the lock back when the process ends, however it ends.

    NOTE: a child made by a bare fork would keep it; children are made by spawn or exec.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / _LOCK
    lock = path.open("a+", encoding="ascii", errors="replace")
    try:
        _lock_soon(lock)
    except BlockingIOError as error:
        with closing(lock):
            lock.seek(0)
            holder = lock.read(32).strip()
        raise AlreadyRunning(path, holder) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _lock_soon(lock: IO[str]) -> None:
    """A running program keeps the lock; one that only looks has let go of it before the last try.
    Raises BlockingIOError."""
    for pause_s in _LOCK_PAUSES_S:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_s)  # in a thread
        else:
            return
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _make_engine(file: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(file)),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,  # errors reach the log, and the parameters are what people wrote
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _undo)
    return engine


def _empty_log(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as connection:
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy


def _prepare(connection: Any, _record: Any) -> None:  # Any: SQLAlchemy's driver adapter
    # The driver's own idea of when a transaction begins is switched off; `_begin` says it instead.
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _undo(connection: Any, _record: Any, _error: Any) -> None:  # Any: SQLAlchemy's driver adapter
    """NOTE: a task cancelled between a statement and its rows leaves the statement open; SQLite
    would keep such a connection alive after its close, and with it the transaction and its lock."""
    connection.rollback()


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
