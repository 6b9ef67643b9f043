"""Every accepted event until it has its end: new, then waiting, then one of the ends.

Which program deals with it is seen to in claims.py.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.event import Conversation, Event
from bot.storage.db import Database, Transaction
from bot.storage.erasing.spent import is_spent
from bot.storage.errors import EventUnreadable, StorageError
from bot.storage.event_json import clean, clean_event, dump_event, load_event
from bot.storage.tables import claims, inbox, parts, promises, replies

log = logging.getLogger(__name__)

End = Literal[
    "answered", "said", "refused", "stopped", "expired", "undeliverable", "dead", "ignored"
]
_AT_ONCE = 100  # events in one transaction: some ten milliseconds
OPEN = ("new", "waiting")  # every other state is an end
_ENTRIES = select(inbox.c.id, inbox.c.event, inbox.c.attempts, inbox.c.received_at, inbox.c.state)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the inbox; `attempts` counts how often answering was begun."""

    id: int
    event: Event
    attempts: int
    received_at: float = 0.0  # seconds since 1970
    state: str = "new"

    @property
    def trace(self) -> str:
        """In the log, beside all that is done for it."""
        return f"entry-{self.id}"


@dataclass(slots=True, eq=False)
class _Coming:
    """An event on its way in."""

    event: Event
    here: bool
    at: float
    is_new: bool | None = None  # None: not committed yet
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A message of an answer; no id: it was about to be sent when the program ended."""

    key: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many entries have not ended."""

    new: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Unended:
    """An accepted event that has no end yet, without what was said."""

    id: int
    platform: str
    chat: str
    state: str
    received_at: float
    replica: int | None = None  # who has it in hand; None: nobody yet


class Inbox:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._arrived = asyncio.Event()
        self._arrived.set()  # rows of an earlier run may be there
        self._coming: list[_Coming] = []
        self._one_stroke = asyncio.Lock()

    async def accept(self, event: Event, *, here: bool = False) -> bool:
        """Committed when it returns. False: a repetition; the event was accepted before. `here`: as
        long as this program lives, no other may take it.

        Those that come while the database writes are committed together, in the order they came.
        Raises NoRoom also while what is left is kept for the ends of what was accepted.
        """
        self._db.room.check()
        mine = _Coming(clean_event(event), here, self._clock())
        self._coming.append(mine)
        try:
            async with self._one_stroke:
                while mine.is_new is None and mine.error is None:
                    await self._accept(self._coming[:_AT_ONCE])
        finally:
            if mine in self._coming:  # cancelled: whoever asked may ask again
                self._coming.remove(mine)
        if mine.error is not None:
            raise mine.error
        return bool(mine.is_new)

    async def arrived(self) -> None:
        """Return when `accept` took a new event since the last call; the first call returns at
        once. For one caller, who then asks for `new`."""
        await self._arrived.wait()
        self._arrived.clear()

    def ring(self) -> None:
        """There may be something to look at again."""
        self._arrived.set()

    async def these(self, entry_ids: Sequence[int]) -> list[Entry]:
        """Of these the open ones, in the order they came."""
        found = _ENTRIES.where(inbox.c.id.in_(entry_ids), inbox.c.state.in_(OPEN))
        return await self._entries(found.order_by(inbox.c.id))

    async def wait(self, entry_id: int, parts_ids: Sequence[int] = ()) -> None:
        """It goes into the line: from now on a restart finds it under `waiting`, together with
        these parts of it, which have their end with that."""
        async with self._db.write() as connection:
            await self._wait(connection, entry_id, parts_ids)

    async def wait_with(
        self, connection: Transaction, entry_id: int, parts_ids: Sequence[int]
    ) -> None:
        """In the caller's transaction, and with the key of its answer's first message, which is
        about to be sent."""
        first = insert(replies).values(inbox_id=entry_id, part=0, key=_new_key())
        await connection.execute(first.on_conflict_do_nothing())
        await self._wait(connection, entry_id, parts_ids)

    async def promise(self, entry_id: int) -> None:
        """Its person is about to read that the answer will come. Once is enough."""
        statement = insert(promises).values(inbox_id=entry_id, at=self._clock())
        async with self._db.write() as connection:
            await connection.execute(statement.on_conflict_do_nothing())

    async def is_promised(self, entry_id: int) -> bool:
        statement = select(promises.c.inbox_id).where(promises.c.inbox_id == entry_id)
        async with self._db.read() as connection:
            return (await connection.execute(statement)).first() is not None

    async def parts(self, entry_id: int) -> list[Entry]:
        """What is asked about together with it, in the order it came."""
        joined = _ENTRIES.join(parts, parts.c.inbox_id == inbox.c.id)
        return await self._entries(joined.where(parts.c.asked_as == entry_id).order_by(inbox.c.id))

    async def asked_as(self, entry_id: int) -> int:
        """The number of the question this is a part of; its own if it is none."""
        statement = select(parts.c.asked_as).where(parts.c.inbox_id == entry_id)
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar() or entry_id

    async def recent(self, entry: Entry, *, since: float, limit: int = 50) -> list[Entry]:
        """What the same person said in the same conversation before this, newest first; but for
        what became a part of a question."""
        event = entry.event
        found = _ENTRIES.where(
            *_in_chat(event.conversation),
            inbox.c.id < entry.id,
            inbox.c.person == clean(event.person.id),
            inbox.c.received_at >= since,
            ~exists().where(parts.c.inbox_id == inbox.c.id),
        )
        entries = await self._entries(found.order_by(inbox.c.id.desc()).limit(limit))
        return [one for one in entries if one.event.conversation == event.conversation]

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
        async with self._db.write() as connection:
            await self.end_with(connection, entry_id, state)

    async def end_with(self, connection: Transaction, entry_id: int, state: End) -> None:
        """In the caller's transaction."""
        statement = update(inbox).where(inbox.c.id == entry_id, inbox.c.state.in_(OPEN))
        await connection.execute(statement.values(state=state, ended_at=self._clock()))

    async def open_reply(self, entry_id: int, part: int) -> str:
        """The key under which this part of the answer is about to be sent, committed before that;
        a part that is sent anew, since its message was lost, gets a new one."""
        key = _new_key()
        statement = insert(replies).values(inbox_id=entry_id, part=part, key=key)
        statement = statement.on_conflict_do_update(
            index_elements=["inbox_id", "part"], set_={"key": key, "message": None}
        )
        async with self._db.write() as connection:
            await connection.execute(statement)
        return key

    async def note_reply(self, entry_id: int, part: int, message_id: str) -> None:
        """Remember a visible message of the answer, which was opened before."""
        statement = update(replies).where(replies.c.inbox_id == entry_id, replies.c.part == part)
        async with self._db.write() as connection:
            await connection.execute(statement.values(message=clean(message_id)))

    async def replies(self, entry_id: int) -> list[Opened]:
        """The answer's parts, first part first."""
        statement = (
            select(replies.c.key, replies.c.message)
            .where(replies.c.inbox_id == entry_id)
            .order_by(replies.c.part)
        )
        async with self._db.read() as connection:
            rows = await connection.execute(statement)
            return [Opened(row.key, row.message) for row in rows]

    async def entry(self, entry_id: int) -> Entry | None:
        """Also one that has ended."""
        return await self._one(_ENTRIES.where(inbox.c.id == entry_id))

    async def said(self, conversation: Conversation, message: str) -> Entry | None:
        """The entry of a person's message, whenever it came."""
        return await self._one(
            _ENTRIES.where(*_in_chat(conversation), inbox.c.message == clean(message))
        )

    async def answered_by(self, conversation: Conversation, message: str) -> Entry | None:
        """The entry whose answer people read in this message of ours."""
        joined = _ENTRIES.join(replies, replies.c.inbox_id == inbox.c.id)
        return await self._one(
            joined.where(*_in_chat(conversation), replies.c.message == clean(message))
        )

    async def backlog(self) -> Backlog:
        statement = (
            select(inbox.c.state, func.count().label("entries"))
            .where(inbox.c.state.in_(OPEN))
            .group_by(inbox.c.state)
        )
        async with self._db.read() as connection:
            counts = {row.state: row.entries for row in await connection.execute(statement)}
        return Backlog(counts.get("new", 0), counts.get("waiting", 0))

    async def unended(self, limit: int) -> list[Unended]:
        """All that are open, the oldest first."""
        columns = (inbox.c.id, inbox.c.platform, inbox.c.chat, inbox.c.state, inbox.c.received_at)
        taken = and_(claims.c.inbox_id == inbox.c.id, claims.c.taken)
        statement = (
            select(*columns, claims.c.replica)
            .join(claims, taken, isouter=True)
            .where(inbox.c.state.in_(OPEN))
            .order_by(inbox.c.id)
        )
        async with self._db.read() as connection:
            return [Unended(*row) for row in await connection.execute(statement.limit(limit))]

    async def _accept(self, batch: Sequence[_Coming]) -> None:
        """All of them or none; but what is wrong with one of them stops no other."""
        try:
            async with self._db.write() as connection:
                found = [await self._add(connection, one) for one in batch]
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, StorageError):
                for one in batch:
                    await self._accept([one])
                return
            for one in batch:
                one.error = error
        else:
            for one, is_new in zip(batch, found, strict=True):
                one.is_new = is_new
        finally:
            self._arrived.set()  # also if it is not known whether that was committed
        self._coming = [one for one in self._coming if one not in batch]

    async def _add(self, connection: Transaction, one: _Coming) -> bool:
        event, where = one.event, one.event.conversation
        if await is_spent(connection, event):
            return False
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
            received_at=one.at,
        )
        added = statement.on_conflict_do_nothing().returning(inbox.c.id)
        number = (await connection.execute(added)).scalar_one_or_none()
        if number is not None and one.here:
            ours = {"inbox_id": number, "replica": self._db.replica, "taken": False}
            await connection.execute(insert(claims).values(**ours))
        return number is not None

    async def _wait(self, connection: Transaction, entry_id: int, parts_ids: Sequence[int]) -> None:
        statement = update(inbox).where(inbox.c.id == entry_id, inbox.c.state == "new")
        said = update(inbox).where(inbox.c.id.in_(parts_ids), inbox.c.state.in_(OPEN))
        rows = [{"inbox_id": part, "asked_as": entry_id} for part in parts_ids]
        await connection.execute(statement.values(state="waiting"))
        if rows:
            await connection.execute(said.values(state="said", ended_at=self._clock()))
            await connection.execute(insert(parts).on_conflict_do_nothing(), rows)

    async def _one(self, statement: Select[Any]) -> Entry | None:  # Any: the columns of _ENTRIES
        async with self._db.read() as connection:
            row = (await connection.execute(statement.order_by(inbox.c.id.desc()))).first()
        return None if row is None else _read_entry(row)

    async def _entries(self, statement: Select[Any]) -> list[Entry]:  # Any: the columns of _ENTRIES
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


def _new_key() -> str:
    return secrets.token_hex(16)


def _in_chat(conversation: Conversation) -> tuple[ColumnElement[bool], ...]:
    """A message has its id in the chat, whichever thread it stands in."""
    return (
        inbox.c.platform == clean(conversation.platform),
        inbox.c.chat == clean(conversation.chat),
    )


def _read_entry(row: Any) -> Entry | None:  # Any: the row's columns
    try:
        return Entry(row.id, load_event(row.event), row.attempts, row.received_at, row.state)
    except EventUnreadable:
        return None
