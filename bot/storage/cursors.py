"""How far a platform's stream of events has been read, where only we can know that (Matrix)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.storage.db import Database
from bot.storage.tables import cursors


class Cursors:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, platform: str, bot: str) -> str | None:
        """None: nothing has been read yet."""
        statement = select(cursors.c.value).where(
            cursors.c.platform == platform, cursors.c.bot == bot
        )
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar()

    async def put(self, platform: str, bot: str, value: str) -> None:
        """After all events up to it were accepted, never before."""
        statement = insert(cursors).values(platform=platform, bot=bot, value=value)
        statement = statement.on_conflict_do_update(
            index_elements=["platform", "bot"], set_={"value": value}
        )
        async with self._db.write() as connection:
            await connection.execute(statement)
