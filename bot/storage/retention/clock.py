"""A clock by which things are thrown away: it does not believe a leap.

A clock that was put forward by a day would make everything a day older at once. So a leap counts
only when the clock has gone on from there for an hour; until then things age as fast as the
program runs. The newest time is kept, so that this holds over a restart too: after a week in which
the program was off, things are thrown away an hour later. A clock that was put back is believed at
once, for that only keeps things longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.storage.db import Database
from bot.storage.tables import upkeep

_LEAP_S = 900.0
_DOUBT_S = 3600.0


class TrustedClock:
    def __init__(
        self,
        db: Database,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ticks = ticks
        self._seen: tuple[float, float] | None = None  # the time that was believed, and its tick
        self._doubted_since: float | None = None  # a tick

    async def now(self) -> float:
        """Seconds since 1970 that are not too many."""
        said, tick = self._clock(), self._ticks()
        seen_at, seen_tick = self._seen or (await self._kept(said), tick)
        believed = seen_at + (tick - seen_tick)
        if said <= believed + _LEAP_S:
            self._doubted_since, believed = None, said
        elif self._doubted_since is None:
            self._doubted_since = tick
        elif tick - self._doubted_since >= _DOUBT_S:
            self._doubted_since, believed = None, said
        self._seen = believed, tick
        await self._keep(believed)
        return believed

    @property
    def doubts(self) -> bool:
        """Was there a leap that is not believed yet?"""
        return self._doubted_since is not None

    async def _kept(self, otherwise: float) -> float:
        async with self._db.read() as connection:
            kept = (await connection.execute(select(upkeep.c.seen_at))).scalar()
        return otherwise if kept is None else float(kept)

    async def _keep(self, at: float) -> None:
        statement = insert(upkeep).values(id=1, seen_at=at)
        statement = statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": at})
        async with self._db.write() as connection:
            await connection.execute(statement)
