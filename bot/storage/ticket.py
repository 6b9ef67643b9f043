"""One ticket of the service desk, its lines, what one event does to it; and their rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row

from bot.event import Conversation, Event
from bot.storage.event_json import clean
from bot.storage.outbox import Letter

State = Literal["bot", "waiting", "staff", "closed"]
Why = Literal["asked", "words", "dissatisfied", "refused", "engine", "unsure", "unknown"]
Side = Literal["customer", "bot", "staff", "note", "system"]


@dataclass(frozen=True, slots=True)
class Customer:
    where: Conversation
    person: str
    name: str
    language: Literal["zh", "en"]
    shared: bool  # others read there too


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    customer: Customer
    chat: Conversation  # of the staff
    state: State = "bot"
    why: Why = "asked"
    taken_by: str = ""  # "platform:id"
    taken_name: str = ""
    desk: Conversation | None = None  # where staff read and write; None: not made yet
    announce: bool = True  # staff must still be shown it, and get no relays until then
    told: int = 0  # the last line that staff were shown
    message: str = ""  # the customer's newest, which answers reply to
    opened_at: float = 0.0
    changed_at: float = 0.0
    last_customer_at: float | None = None
    unanswered_since: float | None = None  # None: staff have answered all
    reminded_at: float | None = None
    escalated_at: float | None = None
    closed_at: float | None = None
    score: int | None = None

    @property
    def is_with_people(self) -> bool:
        return self.state in ("waiting", "staff")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said, or that happened; the store gives it number and time."""

    side: Side
    text: str
    name: str = ""
    who: str = ""  # "platform:id"
    photos: tuple[str, ...] = ()
    message: str = ""  # its id where it was written
    said: str = ""  # what its author is told about it
    number: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one event does: the ticket as it is from now on, what is noted, who hears of it."""

    ticket: Ticket
    line: Line
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The ticket as it is now, and what the step's author is told."""

    ticket: Ticket
    said: str


# A step is made of the ticket, the number of the new line, and all lines before it. None: the
# event has no effect any more.
Make = Callable[[Ticket, int, Sequence[Line]], Step | None]
MakeCall = Callable[[Ticket, int, Sequence[Line]], Step]


def event_name(event: Event, message: str = "") -> str:
    """The name of an event for ever; or of the earlier one about `message` in its chat."""
    where = event.conversation
    return json.dumps([where.platform, event.bot, where.chat, message or event.message])


def ticket_row(ticket: Ticket) -> dict[str, object]:
    where, desk = ticket.customer.where, ticket.desk
    return {
        "platform": clean(where.platform),
        "chat": clean(where.chat),
        "thread": clean(where.thread),
        "member": clean(where.person),
        "person": clean(ticket.customer.person),
        "name": clean(ticket.customer.name),
        "language": ticket.customer.language,
        "shared": ticket.customer.shared,
        "state": ticket.state,
        "why": ticket.why,
        "taken_by": clean(ticket.taken_by),
        "taken_name": clean(ticket.taken_name),
        "staff_platform": clean(ticket.chat.platform),
        "staff_chat": clean(ticket.chat.chat),
        "staff_thread": None if desk is None else clean(desk.thread),
        "announce": ticket.announce,
        "told": ticket.told,
        "message": clean(ticket.message),
        "opened_at": ticket.opened_at,
        "changed_at": ticket.changed_at,
        "last_customer_at": ticket.last_customer_at,
        "unanswered_since": ticket.unanswered_since,
        "reminded_at": ticket.reminded_at,
        "escalated_at": ticket.escalated_at,
        "closed_at": ticket.closed_at,
        "score": ticket.score,
    }


def read_ticket(row: Row[Any]) -> Ticket:  # Any: the columns of the table
    where = Conversation(row.platform, row.chat, row.thread, row.member)
    staff = Conversation(row.staff_platform, row.staff_chat)
    thread = row.staff_thread
    return Ticket(
        id=row.id,
        customer=Customer(where, row.person, row.name, row.language, row.shared),
        chat=staff,
        state=row.state,
        why=row.why,
        taken_by=row.taken_by,
        taken_name=row.taken_name,
        desk=None if thread is None else Conversation(staff.platform, staff.chat, thread),
        announce=row.announce,
        told=row.told,
        message=row.message,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        last_customer_at=row.last_customer_at,
        unanswered_since=row.unanswered_since,
        reminded_at=row.reminded_at,
        escalated_at=row.escalated_at,
        closed_at=row.closed_at,
        score=row.score,
    )


def line_row(ticket_id: int, event: str, line: Line) -> dict[str, object]:
    return {
        "ticket_id": ticket_id,
        "number": line.number,
        "event": clean(event),
        "side": line.side,
        "who": clean(line.who),
        "name": clean(line.name),
        "text": clean(line.text),
        "photos": json.dumps(line.photos),
        "message": clean(line.message),
        "said": clean(line.said),
        "at": line.at,
    }


def read_line(row: Row[Any]) -> Line:  # Any: the columns of the table
    return Line(
        row.side,
        row.text,
        row.name,
        row.who,
        tuple(json.loads(row.photos)),
        row.message,
        row.said,
        row.number,
        row.at,
    )
