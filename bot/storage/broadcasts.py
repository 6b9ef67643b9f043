"""What goes to every chat: written, confirmed, under way, done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.outbox import Letter, Outbox
from bot.storage.tables import broadcasts, outbox

State = Literal["draft", "cancelled", "sending", "done"]


@dataclass(frozen=True, slots=True)
class Broadcast:
    number: int
    text: str
    actor: str  # "platform:id", or "machine:user"
    language: Literal["zh", "en"]
    report_to: Conversation | None = None  # where the actor learns of its end
    state: State = "draft"
    chats: int = 0  # how many it goes to, once it was confirmed
    at: float = 0.0

    @property
    def batch(self) -> str:
        """Of its letters in the outbox."""
        return f"broadcast/{self.number}"


class Broadcasts:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def write_with(
        self,
        connection: AsyncConnection,
        event: str,
        actor: str,
        text: str,
        language: Literal["zh", "en"],
        report_to: Conversation | None,
    ) -> int:
        """Its number. In the caller's transaction, like those below."""
        to = report_to or Conversation("", "")
        statement = broadcasts.insert().values(
            event=event,
            at=self._clock(),
            actor=clean(actor),
            platform=clean(to.platform),
            chat=clean(to.chat),
            thread=clean(to.thread),
            language=language,
            text=clean(text),
            state="draft",
            chats=0,
        )
        return int((await connection.execute(statement.returning(broadcasts.c.id))).scalar_one())

    async def get_with(self, connection: AsyncConnection, number: int) -> Broadcast | None:
        return await _one(connection, select(broadcasts).where(broadcasts.c.id == number))

    async def move_with(
        self, connection: AsyncConnection, number: int, state: State, *, chats: int = 0
    ) -> None:
        statement = update(broadcasts).where(broadcasts.c.id == number)
        await connection.execute(statement.values(state=state, chats=chats))

    async def of_event(self, event: str) -> Broadcast | None:
        """The one that this event wrote."""
        async with self._db.read() as connection:
            return await _one(connection, select(broadcasts).where(broadcasts.c.event == event))

    async def find(self, number: int | None) -> Broadcast | None:
        """None: the newest."""
        statement = select(broadcasts).order_by(broadcasts.c.id.desc()).limit(1)
        if number is not None:
            statement = statement.where(broadcasts.c.id == number)
        async with self._db.read() as connection:
            return await _one(connection, statement)

    async def under_way(self) -> list[Broadcast]:
        statement = select(broadcasts).where(broadcasts.c.state == "sending")
        async with self._db.read() as connection:
            rows = await connection.execute(statement.order_by(broadcasts.c.id))
            return [_read(row) for row in rows]

    async def finish(self, number: int, letters: Outbox, notices: Sequence[Letter]) -> None:
        """It is done, and the notices about that are put, or neither."""
        async with self._db.write() as connection:
            statement = update(broadcasts).where(broadcasts.c.id == number)
            await connection.execute(statement.values(state="done"))
            await letters.put_with(connection, notices)

    async def unreached(self, broadcast: Broadcast) -> Sequence[Conversation]:
        """The chats whose letter failed."""
        statement = select(outbox.c.platform, outbox.c.chat).where(
            outbox.c.batch == broadcast.batch, outbox.c.state == "failed"
        )
        async with self._db.read() as connection:
            rows = await connection.execute(statement)
            return [Conversation(row.platform, row.chat) for row in rows]


async def _one(connection: AsyncConnection, statement: Select[Any]) -> Broadcast | None:
    # Any: the columns of broadcasts
    row = (await connection.execute(statement)).first()
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> Broadcast:  # Any: the columns are known to tables.py alone
    to = Conversation(row.platform, row.chat, row.thread) if row.platform else None
    return Broadcast(row.id, row.text, row.actor, row.language, to, row.state, row.chats, row.at)
