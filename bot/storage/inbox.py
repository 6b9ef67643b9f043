"""Every accepted event until it has its end: new, then waiting, then one of the ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.sqlite import insert  # PostgreSQL's takes the same on_conflict clauses

from bot.event import Event
from bot.storage.db import Database
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import clean, clean_event, dump_event, load_event
from bot.storage.tables import inbox, replies

log = logging.getLogger(__name__)

End = Literal[
    "answered", "said", "refused", "stopped", "expired", "undeliverable", "dead", "ignored"
]
OPEN = ("new", "waiting")  # every other state is an end


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the inbox; `attempts` counts how often answering was begun."""

    id: int
    event: Event
    attempts: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many entries have not ended."""

    new: int
    waiting: int


class Inbox:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._arrived = asyncio.Event()
        self._arrived.set()  # rows of an earlier run may be there

    async def accept(self, event: Event) -> bool:
        """Committed when it returns. False: a repetition; the event was accepted before."""
        event = clean_event(event)
        where = event.conversation
        statement = insert(inbox).values(
            platform=where.platform,
            bot=event.bot,
            chat=where.chat,
            thread=where.thread,
            message=event.message,
            person=event.person.id,
            event=dump_event(event),
            state="new",
            attempts=0,
            received_at=self._clock(),
        )
        async with self._db.write() as connection:
            done = await connection.execute(statement.on_conflict_do_nothing())
        if done.rowcount == 0:
            return False
        self._arrived.set()
        return True

    async def arrived(self) -> None:
        """Return when `accept` took a new event since the last call; the first call returns at
        once. For one caller, who then asks for `new`."""
        await self._arrived.wait()
        self._arrived.clear()

    async def new(self, limit: int) -> list[Entry]:
        """Those nobody has looked at, in the order they came."""
        return await self._entries("new", limit)

    async def waiting(self) -> list[Entry]:
        """Those in line or being answered when the program ended, in the order they came."""
        return await self._entries("waiting", None)

    async def wait(self, entry_id: int) -> None:
        """It goes into the line: from now on a restart finds it under `waiting`."""
        statement = update(inbox).where(inbox.c.id == entry_id, inbox.c.state == "new")
        async with self._db.write() as connection:
            await connection.execute(statement.values(state="waiting"))

    async def begin(self, entry_id: int) -> int:
        """The number of this attempt, committed before it is made, so that a crash counts."""
        statement = (
            update(inbox)
            .where(inbox.c.id == entry_id)
            .values(attempts=inbox.c.attempts + 1)
            .returning(inbox.c.attempts)
        )
        async with self._db.write() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def unbegin(self, entry_id: int) -> None:
        """The attempt was cut short by an orderly end of the program, which proves nothing."""
        statement = update(inbox).where(inbox.c.id == entry_id, inbox.c.attempts > 0)
        async with self._db.write() as connection:
            await connection.execute(statement.values(attempts=inbox.c.attempts - 1))

    async def end(self, entry_id: int, state: End) -> None:
        """The first end holds; a later one changes nothing."""
        statement = update(inbox).where(inbox.c.id == entry_id, inbox.c.state.in_(OPEN))
        async with self._db.write() as connection:
            await connection.execute(statement.values(state=state, ended_at=self._clock()))

    async def note_reply(self, entry_id: int, part: int, message_id: str) -> None:
        """Remember a visible message of the answer; a part sent anew replaces the lost one."""
        message = clean(message_id)
        statement = insert(replies).values(inbox_id=entry_id, part=part, message=message)
        statement = statement.on_conflict_do_update(
            index_elements=["inbox_id", "part"], set_={"message": message}
        )
        async with self._db.write() as connection:
            await connection.execute(statement)

    async def replies(self, entry_id: int) -> list[str]:
        """The message ids of the answer's parts, first part first."""
        statement = (
            select(replies.c.message).where(replies.c.inbox_id == entry_id).order_by(replies.c.part)
        )
        async with self._db.read() as connection:
            return list((await connection.execute(statement)).scalars())

    async def backlog(self) -> Backlog:
        statement = (
            select(inbox.c.state, func.count().label("entries"))
            .where(inbox.c.state.in_(OPEN))
            .group_by(inbox.c.state)
        )
        async with self._db.read() as connection:
            counts = {row.state: row.entries for row in await connection.execute(statement)}
        return Backlog(counts.get("new", 0), counts.get("waiting", 0))

    async def _entries(self, state: str, limit: int | None) -> list[Entry]:
        statement = (
            select(inbox.c.id, inbox.c.event, inbox.c.attempts)
            .where(inbox.c.state == state)
            .order_by(inbox.c.id)
            .limit(limit)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(statement)).all()
        entries = {row.id: _read_entry(row) for row in rows}
        await self._bury(id_ for id_, entry in entries.items() if entry is None)
        return [entry for entry in entries.values() if entry is not None]

    async def _bury(self, entry_ids: Iterable[int]) -> None:
        """One row that cannot be read must not hold up all that came after it."""
        for entry_id in entry_ids:
            log.error("inbox row %s holds no readable event; it is given up", entry_id)
            await self.end(entry_id, "dead")


def _read_entry(row: Row[Any, Any, Any]) -> Entry | None:  # Any: the row's columns
    try:
        return Entry(row.id, load_event(row.event), row.attempts)
    except EventUnreadable:
        return None
