"""SQLite: one file in the data folder, which one program holds; readers never wait for a writer.

Every row survives `kill -9` once its transaction has ended (WAL with synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolResetState

from bot.storage.backend import Kind
from bot.storage.errors import NoDatabase, NotWritten
from bot.storage.soundness import FILE, damage_named, quick_check, refuse_foreign_file

_BUSY_TIMEOUT_MS = 30_000  # how long we wait for another program, say a backup, that holds the file
_CONNECTIONS = 8  # each has a thread; a writer holds one, readers share the others


class Sqlite:
    is_shared = False

    def __init__(self, data_dir: Path) -> None:
        self.file = data_dir / FILE
        self.name = str(self.file)
        self._engine = _make_engine(self.file)
        self._writer = self._engine.execution_options(begin="IMMEDIATE")

    @asynccontextmanager
    async def begin(self, kind: Kind) -> AsyncIterator[AsyncConnection]:
        """A writer waits for other programs at BEGIN IMMEDIATE, so that no write fails half-way
        because another one came first."""
        if kind == "read":
            async with self._engine.connect() as connection:
                yield connection
        else:
            async with self._writer.begin() as connection:
                yield connection
                await self._refuse_undone(connection)

    def named(self) -> AbstractContextManager[None]:
        return damage_named(self.file)

    async def check(self, *, joins: bool) -> None:
        if joins:
            if not self.file.exists():
                raise NoDatabase(self.file)
            return
        await asyncio.to_thread(refuse_foreign_file, self.file)
        with self.named():
            async with self.begin("read") as connection:
                await connection.run_sync(quick_check, self.file)

    async def settle(self) -> bool:
        return await asyncio.to_thread(_empty_log, self.file)

    async def close(self) -> None:
        await self._engine.dispose()

    async def _refuse_undone(self, connection: AsyncConnection) -> None:
        """NOTE: SQLite may undo all of a transaction where a statement fails, and the driver would
        commit nothing without a word, had somebody caught that error."""
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is None or not driver.in_transaction:
            raise NotWritten(self.name, "a statement failed in it")


def _make_engine(file: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(file)),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_reset_on_return=None,  # see _reset
        hide_parameters=True,  # errors reach the log, and the parameters are what people wrote
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _undo)
    event.listen(engine.sync_engine, "reset", _reset)
    return engine


def _empty_log(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=1.0, isolation_level=None)) as connection:
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy


def _prepare(connection: Any, _record: Any) -> None:  # Any: SQLAlchemy's driver adapter
    # The driver's own idea of when a transaction begins is switched off; `_begin` says it instead.
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
    connection.isolation_level = None
    # A damaged letter is shown as such; the driver's error would tell the words around it.
    connection.driver_connection.text_factory = partial(str, encoding="utf-8", errors="replace")
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


def _reset(connection: Any, _record: Any, state: PoolResetState) -> None:
    """Whatever is still open when a connection comes back is undone; after a commit that would be
    one way to its thread too many."""
    if not state.terminate_only and connection.driver_connection.in_transaction:
        connection.rollback()


def _undo(connection: Any, _record: Any, _error: Any) -> None:  # Any: SQLAlchemy's driver adapter
    """NOTE: a task cancelled between a statement and its rows leaves the statement open; SQLite
    would keep such a connection alive after its close, and with it the transaction and its lock."""
    connection.rollback()


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
