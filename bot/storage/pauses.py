"""Whether questions are taken at all; kept, so that a pause survives a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import pauses

_ONLY = 1  # there is one pause at a time


@dataclass(frozen=True, slots=True)
class Pause:
    since: float
    until: float | None  # None: until somebody ends it
    text: str  # what people are told; empty: our own words


class Pauses:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def now(self) -> Pause | None:
        async with self._db.read() as connection:
            return await pause_with(connection, self._clock())

    async def begin_with(
        self, connection: AsyncConnection, seconds: float | None, text: str
    ) -> Pause:
        """In the caller's transaction; it takes the place of one that is on. None: no end."""
        now = self._clock()
        until = None if seconds is None else now + seconds
        values = {"since": now, "until": until, "text": clean(text)}
        statement = insert(pauses).values(id=_ONLY, **values)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=values)
        )
        return Pause(now, until, clean(text))

    async def end_with(self, connection: AsyncConnection) -> bool:
        """False: there was none."""
        was = await pause_with(connection, self._clock())
        await connection.execute(delete(pauses))
        return was is not None


async def pause_with(connection: AsyncConnection, now: float) -> Pause | None:
    """The one that is on, in the caller's transaction."""
    row = (await connection.execute(select(pauses))).first()
    if row is None or (row.until is not None and row.until <= now):
        return None
    return Pause(row.since, row.until, row.text)
