"""Known bad pictures: the list that staff keep, and a copy of it for looking at every picture."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.db import Database, Transaction
from bot.storage.errors import NotNow
from bot.storage.event_json import clean
from bot.storage.tables import blocked_pictures

MOST = 10_000  # each is compared with every picture

_LOOK_EVERY_S = 2.0  # whether another program has changed the list

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BlockedPicture:
    id: int
    digest: str  # SHA-256 of its pixels
    likeness: bytes  # empty: not known
    who: str  # "platform:id"
    why: str
    at: float


class BlockedPictures:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._mark: tuple[object, ...] | None = None
        self._listed: list[tuple[str, bytes]] = []

    def listed(self) -> list[tuple[str, bytes]]:
        """Digest and likeness of each, as of the last `refresh`; a change makes a new list."""
        return self._listed

    async def refresh(self) -> None:
        count, newest = func.count(), func.max(blocked_pictures.c.at)
        statement = select(count, func.max(blocked_pictures.c.id), newest)
        async with self._db.read() as connection:
            mark = tuple((await connection.execute(statement)).one())
        if mark != self._mark:
            self._listed = [(one.digest, one.likeness) for one in await self.all()]
            self._mark = mark

    async def run(self) -> None:
        """Refreshes, until cancelled."""
        while True:
            try:
                await self.refresh()
            except (SQLAlchemyError, NotNow):  # until it can be read again the list stays as it was
                log.exception("the list of blocked pictures cannot be read")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def block(self, digest: str, likeness: bytes, *, who: str, why: str) -> int | None:
        """Its number, also if it was blocked before; None: there are `MOST` of them. It holds at
        once."""
        async with self._db.write() as connection:
            number = await self.block_with(connection, digest, likeness, who=who, why=why)
        await self.refresh()
        return number

    async def block_with(
        self, transaction: Transaction, digest: str, likeness: bytes, *, who: str, why: str
    ) -> int | None:
        """The same at one stroke with more; it holds two seconds after the commit, or from the
        next `refresh` on."""
        same = blocked_pictures.c.digest == digest
        count = select(func.count()).select_from(blocked_pictures).where(~same)
        if (await transaction.execute(count)).scalar_one() >= MOST:
            log.warning("there are %s blocked pictures; this one is not taken", MOST)
            return None
        values = {"who": clean(who), "why": clean(why), "at": self._clock()}
        looks = {"likeness": likeness.hex()}
        statement = insert(blocked_pictures).values(digest=digest, **values, **looks)
        changed = values | looks if likeness else values
        statement = statement.on_conflict_do_update(index_elements=["digest"], set_=changed)
        number = statement.returning(blocked_pictures.c.id)
        return int((await transaction.execute(number)).scalar_one())

    async def allow_with(self, transaction: Transaction, number: int) -> bool:
        """False: there is no such one."""
        gone = await transaction.execute(
            delete(blocked_pictures).where(blocked_pictures.c.id == number)
        )
        return gone.rowcount > 0

    async def all(self) -> list[BlockedPicture]:
        """Newest first."""
        statement = select(blocked_pictures).order_by(blocked_pictures.c.id.desc())
        async with self._db.read() as connection:
            rows = await connection.execute(statement)
            return [
                BlockedPicture(
                    row.id, row.digest, bytes.fromhex(row.likeness), row.who, row.why, row.at
                )
                for row in rows
            ]
