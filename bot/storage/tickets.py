"""The tickets of the service desk: each change, its line and the letters about it at one stroke.

Every step is named by the event that caused it and is taken once: a second try gives back what its
author was told, and changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Table, and_, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.outbox import Outbox
from bot.storage.tables import (
    complaints,
    kept_photos,
    outbox,
    ticket_lines,
    tickets,
    turns,
    windows,
)
from bot.storage.ticket import (
    Customer,
    Done,
    Line,
    Make,
    MakeCall,
    State,
    Step,
    Ticket,
    line_row,
    read_line,
    read_ticket,
    ticket_row,
)

_MOST_BEFORE = 20  # turns of the talk with the bot that go into a ticket
_MOST_COMPLAINTS = 64  # that are looked at


@dataclass(frozen=True, slots=True)
class Figures:
    """What a ticket came to."""

    messages: int = 0  # of the customer
    photos: int = 0  # the same
    staff_messages: int = 0
    answered_at: float | None = None  # by a person, for the first time


class Tickets:
    def __init__(
        self, db: Database, letters: Outbox, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._letters = letters
        self._clock = clock
        self._arrived = asyncio.Event()
        self._arrived.set()  # tickets of an earlier run may be there

    def now(self) -> float:
        return self._clock()

    async def done(self, event: str) -> Done | None:
        """None: the event has had no effect on any ticket."""
        async with self._db.read() as connection:
            return await _done(connection, event)

    async def call(
        self, event: str, customer: Customer, chat: Conversation, make: MakeCall
    ) -> Done:
        """A step on the open ticket of the customer's conversation, which is opened if there is
        none. What was said there before goes into it first; complaints are forgotten."""
        async with self._db.write() as connection:
            done = await self.call_with(connection, event, customer, chat, make)
        self.ring()
        return done

    async def call_with(
        self,
        connection: AsyncConnection,
        event: str,
        customer: Customer,
        chat: Conversation,
        make: MakeCall,
    ) -> Done:
        """The same in the caller's transaction, who rings after it."""
        if (done := await _done(connection, event)) is not None:
            return done
        ticket = await _open_of(connection, customer.where)
        if ticket is None:
            ticket = await self._open(connection, customer, chat)
        if not ticket.is_with_people:
            await _note_the_talk(connection, ticket)
        lines = await _lines(connection, ticket.id)
        step = make(ticket, _next_number(lines), lines)
        done = await self._write(connection, event, step, _next_number(lines))
        await connection.execute(delete(complaints).where(_of(complaints, customer.where)))
        return done

    async def step(self, event: str, ticket_id: int, make: Make) -> Done | None:
        """None: there is no such ticket, or `make` found that nothing is to be done."""
        async with self._db.write() as connection:
            if (done := await _done(connection, event)) is not None:
                return done
            ticket = await _one(connection, tickets.c.id == ticket_id)
            if ticket is None:
                return None
            lines = await _lines(connection, ticket_id)
            step = make(ticket, _next_number(lines), lines)
            if step is None:
                return None
            done = await self._write(connection, event, step, _next_number(lines))
        self.ring()
        return done

    def ring(self) -> None:
        """A step is committed: there may be something to look at, and letters to send."""
        self._letters.ring()
        self._arrived.set()

    async def arrived(self) -> None:
        """Return when a ticket changed since the last call; the first call returns at once."""
        await self._arrived.wait()
        self._arrived.clear()

    async def ticket(self, ticket_id: int) -> Ticket | None:
        async with self._db.read() as connection:
            return await _one(connection, tickets.c.id == ticket_id)

    async def open_of(self, conversation: Conversation) -> Ticket | None:
        async with self._db.read() as connection:
            return await _open_of(connection, conversation)

    async def last_of(self, conversation: Conversation) -> Ticket | None:
        """The newest of the conversation, open or closed."""
        async with self._db.read() as connection:
            return await _one(connection, _of(tickets, conversation))

    async def at_desk(self, conversation: Conversation) -> Ticket | None:
        """The ticket that has this thread of the staff's group."""
        if not conversation.thread:
            return None
        async with self._db.read() as connection:
            return await _one(
                connection,
                tickets.c.staff_platform == clean(conversation.platform),
                tickets.c.staff_chat == clean(conversation.chat),
                tickets.c.staff_thread == clean(conversation.thread),
            )

    async def listed(self, *states: State, since: float = 0.0) -> list[Ticket]:
        """Oldest first; no states: all of them."""
        statement = select(tickets).where(tickets.c.opened_at >= since).order_by(tickets.c.id)
        if states:
            statement = statement.where(tickets.c.state.in_(states))
        async with self._db.read() as connection:
            return [read_ticket(row) for row in await connection.execute(statement)]

    async def to_announce(self) -> list[Ticket]:
        """Those that people shall see to and that staff have not been shown."""
        statement = select(tickets).where(
            tickets.c.announce, tickets.c.state.in_(("waiting", "staff"))
        )
        async with self._db.read() as connection:
            rows = await connection.execute(statement.order_by(tickets.c.id))
            return [read_ticket(row) for row in rows]

    async def lines(self, ticket_id: int) -> list[Line]:
        async with self._db.read() as connection:
            return await _lines(connection, ticket_id)

    async def figures(self) -> dict[int, Figures]:
        """By the number of the ticket; one in which nothing was said has none."""
        line = ticket_lines.c
        customer, staff = line.side == "customer", line.side == "staff"
        statement = select(
            line.ticket_id,
            func.count().filter(customer).label("messages"),
            func.sum(_photos_in(line.photos)).filter(customer).label("photos"),
            func.count().filter(staff).label("staff_messages"),
            func.min(line.at).filter(staff).label("answered_at"),
        ).group_by(line.ticket_id)
        async with self._db.read() as connection:
            return {
                row.ticket_id: Figures(
                    row.messages, row.photos or 0, row.staff_messages, row.answered_at
                )
                for row in await connection.execute(statement)
            }

    async def line_of(self, event: str) -> tuple[int, Line] | None:
        """The ticket and the line that this event wrote."""
        statement = select(ticket_lines).where(ticket_lines.c.event == clean(event))
        async with self._db.read() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else (row.ticket_id, read_line(row))

    async def message_of(self, key: str) -> str | None:
        """The message in which people read the letter with this key; None: not sent yet."""
        statement = select(outbox.c.message).where(outbox.c.key == clean(key))
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar()

    async def undelivered(self, batch: str) -> list[str]:
        """Keys of the letters that nobody could be given, without those that are noted in a
        ticket by an event called lost/ and the key."""
        noted = exists().where(ticket_lines.c.event == literal("lost/").concat(outbox.c.key))
        failed = and_(outbox.c.batch == batch, outbox.c.state == "failed")
        statement = select(outbox.c.key).where(failed, ~noted)
        async with self._db.read() as connection:
            return list((await connection.execute(statement)).scalars())

    async def complain(self, event: str, conversation: Conversation) -> int:
        """How many complaints in a row there are with this one: an answer between two of them
        that nobody complained about ends the row."""
        answers = select(func.count()).where(_of(turns, conversation), turns.c.role == "assistant")
        mine = (
            select(complaints.c.answers)
            .where(_of(complaints, conversation))
            .order_by(complaints.c.id.desc())
            .limit(_MOST_COMPLAINTS)
        )
        async with self._db.write() as connection:
            row = _key(conversation) | {
                "event": clean(event),
                "answers": (await connection.execute(answers)).scalar_one(),
            }
            await connection.execute(insert(complaints).values(**row).on_conflict_do_nothing())
            counts = list((await connection.execute(mine)).scalars())
        in_row = 1
        while in_row < len(counts) and counts[in_row - 1] - counts[in_row] <= 1:
            in_row += 1
        return in_row

    async def forgive(self, conversation: Conversation) -> None:
        """They are content; no complaint counts any more."""
        async with self._db.write() as connection:
            await connection.execute(delete(complaints).where(_of(complaints, conversation)))

    async def _open(
        self, connection: AsyncConnection, customer: Customer, chat: Conversation
    ) -> Ticket:
        now = self._clock()
        ticket = Ticket(0, customer, chat, opened_at=now, changed_at=now)
        done = await connection.execute(tickets.insert().values(**ticket_row(ticket)))
        assert done.inserted_primary_key is not None
        return replace(ticket, id=int(done.inserted_primary_key[0]))

    async def _write(
        self, connection: AsyncConnection, event: str, step: Step, number: int
    ) -> Done:
        now = self._clock()
        ticket = replace(step.ticket, changed_at=now)
        if not ticket.announce:
            ticket = replace(ticket, told=number)
        changes = update(tickets).where(tickets.c.id == ticket.id)
        await connection.execute(changes.values(**ticket_row(ticket)))
        line = replace(step.line, number=number, at=now)
        await connection.execute(ticket_lines.insert().values(**line_row(ticket.id, event, line)))
        await self._letters.put_with(connection, step.letters)
        return Done(ticket, step.line.said)


async def _done(connection: AsyncConnection, event: str) -> Done | None:
    statement = select(ticket_lines.c.ticket_id, ticket_lines.c.said)
    found = await connection.execute(statement.where(ticket_lines.c.event == clean(event)))
    row = found.first()
    if row is None:
        return None
    ticket = await _one(connection, tickets.c.id == row.ticket_id)
    assert ticket is not None
    return Done(ticket, row.said)


async def _open_of(connection: AsyncConnection, conversation: Conversation) -> Ticket | None:
    return await _one(connection, _of(tickets, conversation), tickets.c.state != "closed")


async def _one(connection: AsyncConnection, *where: ColumnElement[bool]) -> Ticket | None:
    statement = select(tickets).where(*where).order_by(tickets.c.id.desc()).limit(1)
    row = (await connection.execute(statement)).first()
    return None if row is None else read_ticket(row)


async def _lines(connection: AsyncConnection, ticket_id: int) -> list[Line]:
    statement = select(ticket_lines).where(ticket_lines.c.ticket_id == ticket_id)
    rows = await connection.execute(statement.order_by(ticket_lines.c.number))
    return [read_line(row) for row in rows]


async def _note_the_talk(connection: AsyncConnection, ticket: Ticket) -> None:
    """What customer and bot said since the last time, and photos that still wait for a question."""
    where = ticket.customer.where
    begin = select(windows.c.after_turn).where(_of(windows, where)).scalar_subquery()
    said = (
        select(turns)
        .where(_of(turns, where), turns.c.replaced_by.is_(None))
        .where(turns.c.id > func.coalesce(begin, 0))
        .order_by(turns.c.id.desc())
        .limit(_MOST_BEFORE)
    )
    waiting = select(kept_photos).where(_of(kept_photos, where)).order_by(kept_photos.c.id)
    # NOTE: named by their entries: numbers of turns and of photos that wait are given out again.
    talk = [
        (f"turn/{row.inbox_id}/{row.role}/{ticket.id}", row.role, row.text, row.photos, row.at)
        for row in reversed((await connection.execute(said)).all())
    ]
    talk += [
        (f"kept/{row.inbox_id}/{row.digest}/{ticket.id}", "user", "", f'["{row.digest}"]', row.at)
        for row in await connection.execute(waiting)
    ]
    noted = select(ticket_lines.c.event).where(ticket_lines.c.ticket_id == ticket.id)
    known = set((await connection.execute(noted)).scalars())
    number = _next_number(await _lines(connection, ticket.id))
    for event, role, text, photos, at in talk:
        if event in known:
            continue
        row = line_row(ticket.id, event, _line_of_turn(role, text, number, at, ticket))
        await connection.execute(ticket_lines.insert().values(**row | {"photos": photos}))
        number += 1


def _line_of_turn(role: str, text: str, number: int, at: float, ticket: Ticket) -> Line:
    if role == "assistant":
        return Line("bot", text, number=number, at=at)
    return Line("customer", text, ticket.customer.name, number=number, at=at)


def _photos_in(listed: ColumnElement[str]) -> ColumnElement[int]:
    """How many a JSON list of digests names: each takes 64 letters, its quotes, and a comma with a
    space or the brackets."""
    return func.length(listed) // 68


def _next_number(lines: list[Line]) -> int:
    return lines[-1].number + 1 if lines else 1


def _key(conversation: Conversation) -> dict[str, str]:
    return {
        "platform": clean(conversation.platform),
        "chat": clean(conversation.chat),
        "thread": clean(conversation.thread),
        "member": clean(conversation.person),
    }


def _of(table: Table, conversation: Conversation) -> ColumnElement[bool]:
    """The rows of this conversation."""
    return and_(*(table.c[name] == value for name, value in _key(conversation).items()))
