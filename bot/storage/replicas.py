"""The programs that run on this database: each has a number, beats, and is buried by the others
when it does so no more.

The number is the fence: whoever was buried has no row any more, and then writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, delete, func, insert, or_, select, update

from bot.storage.db import Database, Transaction
from bot.storage.errors import Buried
from bot.storage.tables import claims, let_go, replicas, under_way


@dataclass(frozen=True, slots=True)
class Living:
    """One of the programs, as its row says."""

    id: int
    beats: int
    reloads: int


class Replicas:
    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def are_shared(self) -> bool:
        """Can there be others beside us at all?"""
        return self._db.is_shared

    async def enlist(self, home: str) -> int:
        """A number larger than all before. Earlier ones of this home are dead, since somebody else
        holds it now; and so is everybody where only one can have the database open."""
        dead = replicas.c.home == home if self._db.is_shared else replicas.c.id > 0
        newest = select(func.coalesce(func.max(replicas.c.reloads), 0)).scalar_subquery()
        born = insert(replicas).values(home=home, beats=0, reloads=newest)
        async with self._db.write() as connection:
            await connection.execute(delete(replicas).where(dead))
            number = int((await connection.execute(born.returning(replicas.c.id))).scalar_one())
            await _release(connection)
        self._db.replica = number
        if self._db.is_shared:  # else the lock of the folder is the fence
            self._db.fence_with(self._refuse_buried)
        return number

    async def beat(self) -> list[Living]:
        """All that live, the oldest first, ourselves among them. Raises Buried."""
        own = replicas.c.id == self._db.replica
        async with self._db.stroke() as connection:
            await connection.execute(update(replicas).where(own).values(beats=replicas.c.beats + 1))
            columns = replicas.c.id, replicas.c.beats, replicas.c.reloads
            rows = await connection.execute(select(*columns).order_by(replicas.c.id))
            return [Living(*row) for row in rows]

    async def bury(self, dead: Iterable[Living]) -> None:
        """Those that have not beaten since; others may take what they had in hand."""
        same = [and_(replicas.c.id == one.id, replicas.c.beats == one.beats) for one in dead]
        async with self._db.write() as connection:
            await connection.execute(delete(replicas).where(or_(*same)))
            await _release(connection)

    async def leave(self) -> None:
        """In order: what we had in hand can be taken at once."""
        async with self._db.write() as connection:
            await connection.execute(delete(replicas).where(replicas.c.id == self._db.replica))
            await _release(connection)

    async def is_anybody(self) -> bool:
        """One that was killed counts until the others have seen it."""
        async with self._db.read() as connection:
            return (await connection.execute(select(replicas.c.id).limit(1))).first() is not None

    async def ask_reload_with(self, connection: Transaction) -> None:
        """All shall read the rules again."""
        await connection.execute(update(replicas).values(reloads=replicas.c.reloads + 1))

    async def _refuse_buried(self, connection: Transaction) -> None:
        """Nobody can bury us until the end of the transaction."""
        own = select(replicas.c.id).where(replicas.c.id == self._db.replica)
        stands = await connection.execute(own.with_for_update(read=True, key_share=True))
        if stands.first() is None:
            raise Buried(self._db.replica, "was taken for dead")


async def _release(connection: Transaction) -> None:
    """What belonged to those who are gone."""
    for table in (claims, let_go, under_way):
        gone = table.c.replica.not_in(select(replicas.c.id))
        await connection.execute(delete(table).where(gone))
