"""What people thought of the answers: one thumb for each, the last one counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.storage.db import Database
from bot.storage.tables import ratings

Value = Literal[1, -1]


@dataclass(frozen=True, slots=True)
class Tally:
    up: int
    down: int


class Ratings:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def rate(self, entry_id: int, value: Value) -> None:
        """Of the answer to this entry. The same thumb again changes nothing but its time."""
        values = {"value": value, "at": self._clock()}
        statement = insert(ratings).values(inbox_id=entry_id, **values)
        statement = statement.on_conflict_do_update(index_elements=["inbox_id"], set_=values)
        async with self._db.write() as connection:
            await connection.execute(statement)

    async def tally(self, *, since: float = 0.0) -> Tally:
        """Of the thumbs since then; seconds since 1970."""
        statement = (
            select(ratings.c.value, func.count().label("thumbs"))
            .where(ratings.c.at >= since)
            .group_by(ratings.c.value)
        )
        async with self._db.read() as connection:
            counts = {row.value: row.thumbs for row in await connection.execute(statement)}
        return Tally(counts.get(1, 0), counts.get(-1, 0))
