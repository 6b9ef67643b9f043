"""Answers of the API kept for requests that are repeated under the same Idempotency-Key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import repeats, under_way

_LASTS_S = 86_400.0
_MOST_OF_ONE = 1000  # answers kept for one person; the oldest goes
_MOST_CHARACTERS = 256 * 2**20  # of all together; the oldest go


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    request: str  # the digest of what was asked
    answer: str


class KeptAnswers:
    def __init__(
        self,
        db: Database,
        *,
        most_of_one: int = _MOST_OF_ONE,
        most_characters: int = _MOST_CHARACTERS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._most_of_one = most_of_one
        self._most_characters = most_characters
        self._clock = clock

    async def find(self, person: str, key: str) -> KeptAnswer | None:
        """What is older than a day is not found, whether or not it was purged yet."""
        statement = select(repeats.c.request, repeats.c.answer).where(
            repeats.c.person == clean(person),
            repeats.c.key == key,
            repeats.c.at > self._clock() - _LASTS_S,
        )
        async with self._db.read() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else KeptAnswer(row.request, row.answer)

    async def begin(self, person: str, key: str, request: str) -> str | None:
        """We answer it now. What another program is answering under this key; None: nothing."""
        if not self._db.is_shared:
            return None
        name, mine = {"person": clean(person), "key": key}, {"request": request}
        statement = insert(under_way).values(**name, **mine, replica=self._db.replica)
        ours = statement.on_conflict_do_update(
            index_elements=list(name), set_=mine, where=under_way.c.replica == self._db.replica
        )
        other = select(under_way.c.request).filter_by(**name)
        async with self._db.stroke() as connection:
            while (await connection.execute(ours.returning(under_way.c.key))).first() is None:
                running: str | None = (await connection.execute(other)).scalar()
                if running is not None:  # else it has ended in between
                    return running
        return None

    async def end(self, person: str, key: str) -> None:
        """We do not any more."""
        if self._db.is_shared:
            own = delete(under_way).where(
                under_way.c.person == clean(person),
                under_way.c.key == key,
                under_way.c.replica == self._db.replica,
            )
            async with self._db.stroke() as connection:
                await connection.execute(own)

    async def put(self, person: str, key: str, request: str, answer: str) -> None:
        values = {"request": request, "answer": clean(answer), "at": self._clock()}
        name = {"person": clean(person), "key": key}
        statement = insert(repeats).values(**name, **values)
        own = repeats.c.person == clean(person)
        beyond = (
            select(repeats.c.id).where(own).order_by(repeats.c.id.desc()).offset(self._most_of_one)
        )
        async with self._db.write() as connection:
            await connection.execute(
                statement.on_conflict_do_update(index_elements=list(name), set_=values)
            )
            await connection.execute(delete(repeats).where(repeats.c.id.in_(beyond)))

    async def purge(self) -> int:
        """How many were too old, or too many."""
        old = repeats.c.at <= self._clock() - _LASTS_S
        size = func.sum(func.length(repeats.c.answer)).over(order_by=repeats.c.id.desc())
        sized = select(repeats.c.id, size.label("upto")).subquery()
        beyond = select(sized.c.id).where(sized.c.upto > self._most_characters)
        async with self._db.write() as connection:
            gone = await connection.execute(delete(repeats).where(old | repeats.c.id.in_(beyond)))
        return gone.rowcount
