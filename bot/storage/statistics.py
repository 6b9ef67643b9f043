"""How much is going on: numbers for those who run the bot."""

from __future__ import annotations

from sqlalchemy import func, select

from bot.storage.db import Database
from bot.storage.tables import inbox, outbox


class Statistics:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def entries(self, since: float) -> dict[str, int]:
        """State -> how many of the entries that came since then have it."""
        statement = (
            select(inbox.c.state, func.count().label("entries"))
            .where(inbox.c.received_at >= since)
            .group_by(inbox.c.state)
        )
        async with self._db.read() as connection:
            return {row.state: row.entries for row in await connection.execute(statement)}

    async def letters_waiting(self) -> int:
        statement = select(func.count()).where(outbox.c.state == "waiting")
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar_one()
