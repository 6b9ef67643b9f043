"""The database: opened, checked, migrated, written by one at a time.

What SQLite and PostgreSQL do differently stands in sqlite.py and postgres.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.backend import Backend, Kind
from bot.storage.errors import Broken, NoDatabase, NoRoom, SchemaTooOld
from bot.storage.holding import lock_folder
from bot.storage.journal import finish
from bot.storage.migrations.upgrade import is_behind, upgrade
from bot.storage.postgres import PATIENCE_S, Postgres
from bot.storage.room import Room
from bot.storage.section import NO_URL
from bot.storage.sqlite import Sqlite

Transaction = AsyncConnection  # what `write` opens, for those who may not know SQLAlchemy
Also = Callable[[Transaction], Awaitable[object]]  # more that is written at the same stroke


class Database:
    """Made by `open`, or by `join` beside a program that runs; whoever makes it closes it."""

    def __init__(self, data_dir: Path, backend: Backend, lock: IO[str] | None) -> None:
        self.data_dir = data_dir
        self._backend = backend
        self._lock = lock
        self._fence: Also | None = None
        self.replica = 0  # our number among the programs that run, see replicas.py; 0: none
        self._one_writer = asyncio.Lock()
        self._broken: Broken | None = None
        self._broke = asyncio.Event()
        self.room = Room(data_dir)
        self.committed_at = time.monotonic()  # the newest write; before the first: the opening

    @classmethod
    async def open(cls, data_dir: Path, url: SecretStr = NO_URL) -> Database:
        """Make or migrate the database. Raises AlreadyRunning, DatabaseDamaged, SchemaTooNew,
        DatabaseUnreachable, DatabaseRefused, DatabaseUnfit, NoDriver."""
        lock = await asyncio.to_thread(lock_folder, data_dir)
        try:
            await asyncio.to_thread(finish, data_dir)
            db = cls(data_dir, _backend(data_dir, url, patience_s=PATIENCE_S), lock)
        except BaseException:
            lock.close()
            raise
        try:
            await db._check_and_migrate()
        except BaseException:  # cancelled too: the lock must not outlive a failed opening
            await db.close()
            raise
        return db

    @classmethod
    async def join(cls, data_dir: Path, url: SecretStr = NO_URL) -> Database:
        """For a second program: the folder's lock is left alone, and so are the tables.

        Raises NoDatabase, SchemaTooOld, SchemaTooNew, and what a server is at fault with.
        """
        db = cls(data_dir, _backend(data_dir, url, patience_s=0.0), None)
        try:
            await db._backend.check(joins=True)
            await db._refuse_older()
        except BaseException:  # cancelled too: no connection is left open
            await db.close()
            raise
        return db

    @classmethod
    async def at(cls, data_dir: Path, url: SecretStr = NO_URL) -> Database:
        """Joined where there is one, else made."""
        try:
            return await cls.join(data_dir, url)
        except NoDatabase:
            return await cls.open(data_dir, url)

    @property
    def name(self) -> str:
        """For reports; without a password."""
        return self._backend.name

    @property
    def is_shared(self) -> bool:
        """Other programs may write there as we do."""
        return self._backend.is_shared

    @property
    def away_since(self) -> float | None:
        """Monotonic, since the first try that failed; None: it answers, as a file always does."""
        return self._backend.away_since if isinstance(self._backend, Postgres) else None

    def fence_with(self, fence: Also) -> None:
        """From now on it runs first in every `write` and `stroke`; what it raises undoes them.

        Where it looks for a row of ours, `FOR KEY SHARE` keeps that row from being deleted until
        the end of the transaction, and lets it be updated.
        """
        self._fence = fence

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: committed at the end, undone by an exception.

        Nobody else writes meanwhile, in this program or another one: what it has read still holds
        when it writes.
        """
        async with self._one_writer, self._fenced("write") as connection:
            yield connection
        self.committed_at = time.monotonic()

    @asynccontextmanager
    async def stroke(self) -> AsyncIterator[AsyncConnection]:
        """A write that stands in no line where the database allows it: for single statements that
        are right whatever others write at the same time."""
        if not self.is_shared:
            async with self.write() as connection:
                yield connection
            return
        async with self._fenced("stroke") as connection:
            yield connection
        self.committed_at = time.monotonic()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; never waits for a writer."""
        async with self._begin("read") as connection:
            yield connection

    async def until_broken(self) -> None:
        """Until something raised Broken, which then is raised here and by all that comes after."""
        await self._broke.wait()
        assert self._broken is not None
        raise self._broken

    async def settle(self) -> bool:
        """Empty the log beside the file, in which deleted words still stand. False: somebody is
        reading or writing; another time."""
        return await self._backend.settle()

    async def close(self) -> None:
        await self._backend.close()
        if self._lock is not None:
            self._lock.close()

    @asynccontextmanager
    async def _fenced(self, kind: Kind) -> AsyncIterator[AsyncConnection]:
        async with self._begin(kind) as connection:
            if self._fence is not None:
                await self._fence(connection)
            yield connection

    @asynccontextmanager
    async def _begin(self, kind: Kind) -> AsyncIterator[AsyncConnection]:
        if self._broken is not None:
            raise self._broken
        try:
            with self._backend.named():
                async with self._backend.begin(kind) as connection:
                    yield connection
        except NoRoom:
            self.room.ran_out()
            raise
        except Broken as error:
            self._broken = self._broken or error
            self._broke.set()
            raise

    async def _refuse_older(self) -> None:
        with self._backend.named():
            async with self.read() as connection:
                behind = await connection.run_sync(is_behind, self.name)
        if behind:
            raise SchemaTooOld(self.name)

    async def _check_and_migrate(self) -> None:
        await self._backend.check(joins=False)
        with self._backend.named():
            async with self._backend.begin("migrate") as connection:
                await connection.run_sync(upgrade, self.name)
        self.committed_at = time.monotonic()


def _backend(data_dir: Path, url: SecretStr, *, patience_s: float) -> Backend:
    return Postgres(url, patience_s=patience_s) if url else Sqlite(data_dir)
