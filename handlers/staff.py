"""The staff's side of the service desk: what they write goes to customers, what they press or type
moves tickets.

Staff is who writes in the staff's group, or, without [service] trust_staff_chat, who has the role.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from bot.access.roles import is_at_least, role_of, speaks_for_itself
from bot.action import Action, Ignore, Say
from bot.event import Event
from bot.service.letters import (
    customer_key,
    key_parts,
    minutes_since,
    spoken,
    to_customer,
    whole,
)
from bot.service.moves import CLOSE, GIVE_BACK, TAKE, Move, Mover
from bot.storage.audit import act_of
from bot.storage.ticket import Line, Make, Side, State, Step, Ticket, event_name
from bot.texts import Key, Language, is_visible, say
from handlers import service
from handlers.commands import Handler, command_of
from handlers.desk import Desk
from handlers.passing import id_of, name_of, passed

_NOTE = ("//", "／／")
_NUMBER = re.compile(r"/\w+(?:@\w+)?\s+#?(\d{1,9})\s*")
_STATES: dict[State, Key] = {
    "bot": "state_bot",
    "waiting": "state_waiting",
    "staff": "state_staff",
    "closed": "state_closed",
}
_MOST_LISTED = 30
_URGENCY: tuple[State, ...] = ("waiting", "staff", "bot")
_DELETED: dict[Side, Key] = {"customer": "customer_deleted", "staff": "staff_deleted"}


async def staff_talk(event: Event, desk: Desk) -> Action | None:
    """All that is said in the staff's group, but commands that are not about tickets."""
    if not _is_staff_chat(event, desk):
        return None
    command = command_of(event.text)
    if command in _COMMANDS and await is_staff(event, desk):
        return await _COMMANDS[command](event, desk)
    if command is not None:
        return None if event.addressed else Ignore()
    found = await _ticket_of(event, desk)
    if found is None:
        return None if event.addressed else Ignore()
    if not await is_staff(replace(event, forwarded=False), desk):  # to pass words on is no order
        return Say(say("not_staff", _language(event, desk)))
    return await _write(event, desk, *found)


async def edited(event: Event, desk: Desk) -> Action | None:
    """What staff correct is corrected for the customer; None: it went to no customer."""
    found = await desk.tickets.line_of(event_name(event, event.about))
    if found is None or found[1].side != "staff" or found[1].who != id_of(event):
        return None
    ticket_id, line = found
    reply_to = await desk.tickets.message_of(customer_key(ticket_id, line.number))
    text = event.text.strip()

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
        if ticket.state == "closed":
            return None
        if text.startswith(_NOTE):
            return Step(ticket, Line("note", text[2:].strip(), line.name, line.who))
        words = say("corrected", ticket.customer.language, text=text)
        told = spoken(_signature(desk, line.name), words, ticket.customer.language)
        note = Line("staff", say("corrected", desk.default_language, text=text), line.name)
        letters = to_customer(ticket, number, told, reply_to=reply_to)
        return Step(ticket, replace(note, who=line.who), letters)

    await desk.tickets.step(event_name(event), ticket_id, make)
    return Ignore()


async def deleted(event: Event, desk: Desk) -> Action | None:
    """What was passed on stays with who has it, and whoever takes it back shall know. None: it is
    no line of a ticket."""
    found = await desk.tickets.line_of(event_name(event, event.about))
    if found is None or found[1].who != id_of(event) or found[1].side not in _DELETED:
        return None
    return Say(say(_DELETED[found[1].side], _language(event, desk)))


async def take(event: Event, desk: Desk) -> Action:
    """Also one that is closed, unless its customer has a newer one."""
    return await _move(event, desk, TAKE)


async def back(event: Event, desk: Desk) -> Action:
    """Of the staff: the bot answers again; of a customer: the same for the own ticket."""
    is_about_any = _NUMBER.fullmatch(_plain(event)) is not None and await is_staff(event, desk)
    if not is_about_any and not _is_staff_chat(event, desk):
        return await service.back(event, desk)
    return await _move(event, desk, GIVE_BACK)


async def close(event: Event, desk: Desk) -> Action:
    return await _move(event, desk, CLOSE)


async def press(event: Event, desk: Desk) -> Action:
    """A button of a ticket's head: its name is the command and the number."""
    if not _is_staff_chat(event, desk):  # nobody was shown it there
        await desk.office.audit.deny(act_of(event))
        return Ignore()
    name, _, number = event.text.partition(" ")
    if name not in ("take", "back", "close") or not number.isdecimal():
        return Ignore()
    return await _COMMANDS[name](event, desk)


async def show_tickets(event: Event, desk: Desk) -> Action:
    if not await is_staff(event, desk):
        return Ignore()
    language, now = _language(event, desk), desk.tickets.now()
    found = await desk.tickets.listed(*_URGENCY)
    if not found:
        return Say(say("no_tickets", language))
    found.sort(key=lambda ticket: _URGENCY.index(ticket.state))
    lines = [_listed(ticket, now, language) for ticket in found[:_MOST_LISTED]]
    if more := len(found) - len(lines):
        lines.append(say("tickets_more", language, count=more))
    return Say("\n".join([say("tickets_open", language, count=len(found)), *lines]))


async def show_ticket(event: Event, desk: Desk) -> Action:
    """By letters, since it may be long and has photos."""
    if not await is_staff(event, desk):
        return Ignore()
    found = await _named(event, desk)
    if isinstance(found, str):
        return Say(found)
    lines = await desk.tickets.lines(found.id)
    here = replace(event.conversation, person="")
    letters = whole(found, lines, here, event_name(event), _language(event, desk))
    await desk.outbox.put(list(letters))
    return Ignore()


async def is_staff(event: Event, desk: Desk) -> bool:
    if not speaks_for_itself(event):
        return False
    if desk.rules.now.service.trust_staff_chat and _is_staff_chat(event, desk):
        return True
    return is_at_least(await role_of(event, desk.people, desk.rules), "staff")


async def _write(event: Event, desk: Desk, ticket_id: int, quoted: int) -> Action:
    """`quoted`: the line that is answered; 0: none in particular."""
    name = event_name(event)
    if (done := await desk.tickets.done(name)) is not None:
        return Say(done.said) if done.said else Ignore()
    language = _language(event, desk)
    if event.text.lstrip().startswith(_NOTE):
        await desk.tickets.step(name, ticket_id, _noting(event))
        return Ignore()
    ticket = await desk.tickets.ticket(ticket_id)
    if ticket is None or ticket.state == "closed":
        return Say(say("closed_already", language, number=ticket_id))
    unsupported = say("staff_unsupported", language)
    if not event.photos and not is_visible(event.text):
        return Say(unsupported)
    what = await passed(event, desk, ticket.customer.language)
    said = what.said or (unsupported if event.files else "")

    def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step | None:
        if ticket.state == "closed":
            return None
        who = name_of(event)
        line = Line("staff", what.text, who, id_of(event), what.photos, event.message, said)
        words = spoken(_signature(desk, who), what.text, ticket.customer.language)
        answered = next((one for one in lines if one.number == quoted), None)
        reply_to = answered.message if answered and answered.side == "customer" else None
        letters = to_customer(ticket, number, words, photos=what.photos, reply_to=reply_to or None)
        return Step(_answering(event, ticket), line, letters)

    done = await desk.tickets.step(name, ticket_id, make)
    if done is None:
        return Say(say("closed_already", language, number=ticket_id))
    return Say(done.said) if done.said else Ignore()


def _noting(event: Event) -> Make:
    text = event.text.lstrip()[2:].strip()

    def make(ticket: Ticket, _number: int, _lines: Sequence[Line]) -> Step:
        return Step(ticket, Line("note", text, name_of(event), id_of(event)))

    return make


def _answering(event: Event, ticket: Ticket) -> Ticket:
    """Who answers a ticket that nobody has taken takes it by that."""
    answered = replace(ticket, unanswered_since=None, reminded_at=None, escalated_at=None)
    if ticket.state == "staff":
        return answered
    return replace(answered, state="staff", taken_by=id_of(event), taken_name=name_of(event))


async def _move(event: Event, desk: Desk, move: Move) -> Action:
    if not await is_staff(event, desk):
        return Ignore()
    name = event_name(event)
    if (done := await desk.tickets.done(name)) is not None:
        return Say(done.said)
    found = await _named(event, desk)
    if isinstance(found, str):
        return Say(found)
    newer = await desk.tickets.open_of(found.customer.where)
    if found.state == "closed" and move is TAKE and newer is not None:
        return Say(say("newer_ticket", _language(event, desk), other=newer.id))
    mover = _mover(event, desk)

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
        return None if move.refusal(mover, ticket) else move.step(mover, ticket, number)

    done = await desk.tickets.step(name, found.id, make)
    if done is None:
        now = await desk.tickets.ticket(found.id)
        return Say(move.refusal(mover, now or found))
    return Say(done.said)


def _mover(event: Event, desk: Desk) -> Mover:
    return Mover(
        id_of(event),
        name_of(event),
        replace(event.conversation, person=""),
        _language(event, desk),
        pressed=event.kind == "press",
        asks_score=desk.rules.now.service.ask_satisfaction,
        now=desk.tickets.now(),
        signature=_signature(desk, name_of(event)),
    )


async def _named(event: Event, desk: Desk) -> Ticket | str:
    """The ticket whose number is given, or in whose topic this is said; or what is wrong."""
    language = _language(event, desk)
    found = _NUMBER.fullmatch(_plain(event))
    number = int(found[1]) if found else None
    if number is None and " " not in _plain(event):
        number = ((await _ticket_of(event, desk)) or (None, 0))[0]
    if number is None:
        return say("which_ticket", language, command=command_of(_plain(event)))
    ticket = await desk.tickets.ticket(number)
    return say("no_ticket", language, number=number) if ticket is None else ticket


async def _ticket_of(event: Event, desk: Desk) -> tuple[int, int] | None:
    """The ticket to which this belongs, and the line that it answers, or 0."""
    key = None
    if event.quoted is not None:
        key = await desk.outbox.key_of(event.conversation, event.quoted.message)
    answered = key_parts(key) if key else None
    ticket = await desk.tickets.at_desk(event.conversation)
    if ticket is None or (answered and answered[0] == ticket.id):
        return answered
    return ticket.id, 0


def _listed(ticket: Ticket, now: float, language: Language) -> str:
    words = [f"#{ticket.id} {ticket.customer.name}", say(_STATES[ticket.state], language)]
    if ticket.state == "staff":
        words.append(ticket.taken_name)
    if ticket.unanswered_since is not None:
        minutes = minutes_since(ticket.unanswered_since, now)
        words.append(say("waits_minutes", language, minutes=minutes))
    return " · ".join(words)


def _is_staff_chat(event: Event, desk: Desk) -> bool:
    chat = f"{event.conversation.platform}:{event.conversation.chat}"
    return chat == desk.rules.now.service.staff_chat


def _signature(desk: Desk, name: str) -> str:
    return desk.rules.now.service.signature.replace("{name}", name)


def _plain(event: Event) -> str:
    """The command in narrow letters; a button's name is one without its slash."""
    text = unicodedata.normalize("NFKC", event.text).strip()
    return f"/{text}" if event.kind == "press" else text


def _language(event: Event, desk: Desk) -> Language:
    """Commands, names of buttons and words for customers do not show what staff read."""
    return desk.language(replace(event, text=""))


_COMMANDS: dict[str, Handler] = {
    "take": take,
    "back": back,
    "close": close,
    "tickets": show_tickets,
    "ticket": show_ticket,
}
