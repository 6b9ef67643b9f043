"""How a person is called: for whom, by which rules, and what the customer reads about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.access.roles import is_at_least, role_of_person
from bot.action import Action, Ignore, Say
from bot.answering.ended import Care, Ended
from bot.event import Conversation, Event
from bot.rules import ServiceSection
from bot.service.letters import WHY, opens, to_customer, to_staff
from bot.service.phrases import contains
from bot.storage.db import Transaction
from bot.storage.inbox import Entry
from bot.storage.ticket import Customer, Line, MakeCall, Step, Ticket, Why, event_name
from bot.texts import Key, Language, say
from handlers.commands import command_of
from handlers.desk import Desk
from handlers.passing import Passed, id_of, name_of, passed


async def after(desk: Desk, entry: Entry, ended: Ended) -> Care | None:
    """An answer that was none may call a person, who is told what was asked."""
    section, event = desk.rules.now.service, entry.event
    why = _why(section, ended)
    if why is None or not await is_served(event, desk):
        return None
    open_ticket = await desk.tickets.open_of(event.conversation)
    if open_ticket is not None and open_ticket.is_with_people:
        return None
    answered = ended.end == "answered"  # then question and answer are part of the talk already
    what = Passed("") if answered else await _whole_question(entry, desk)
    name = f"after/{entry.id}/{event_name(event)}"
    opening = _opening(event, desk, why, what, ended.language, tell=True)

    async def write(transaction: Transaction) -> None:
        await desk.tickets.call_with(transaction, name, *opening)

    return Care(write, desk.tickets.ring)


async def is_served(event: Event, desk: Desk) -> bool:
    """Those whom [service] customers names; where it names nobody, those who may ask the bot."""
    rules, where = desk.rules.now, event.conversation
    if not rules.service.serves(where.platform, where.chat, group=event.group):
        return False
    if rules.service.customers or rules.access.who == "everyone":
        return True
    role = await role_of_person(desk.people, desk.rules, where.platform, event.person.id)
    return is_at_least(role, "member")


async def call(event: Event, desk: Desk, why: Why, what: Passed) -> Action:
    language = _language(event, desk)
    opening = _opening(event, desk, why, what, language, tell=False)
    done = await desk.tickets.call(event_name(event), *opening)
    return Say(done.said)


def say_to(event: Event, desk: Desk, key: Key, **values: object) -> str:
    return say(key, _language(event, desk), **values)


def answer(said: str) -> Action:
    return Say(said) if said else Ignore()


def heard(ticket: Ticket, event: Event, now: float) -> Ticket:
    """The customer has written and waits for an answer, from now on if they did not before."""
    waits = ticket.unanswered_since is not None
    return replace(
        ticket,
        message=event.message if event.kind == "message" else ticket.message,
        last_customer_at=now,
        unanswered_since=ticket.unanswered_since if waits else now,
        reminded_at=ticket.reminded_at if waits else None,
        escalated_at=ticket.escalated_at if waits else None,
    )


def _why(section: ServiceSection, ended: Ended) -> Why | None:
    rules = section.hand_off
    failed = ended.end == "dead" and ended.key != "instead_mark"
    if ended.calls_person or (failed and "engine" in rules):
        return "engine"
    if "refused" in rules and ended.key == "no_words":
        return "refused"
    if ended.end != "answered":
        return None
    if "unsure" in rules and contains(ended.text, section.unsure_words):
        return "unsure"
    return "unknown" if "unknown" in rules and ended.found_nothing else None


async def _whole_question(entry: Entry, desk: Desk) -> Passed:
    """With the photos and words that were asked about together with it."""
    entries = sorted([*await desk.inbox.parts(entry.id), entry], key=lambda one: one.id)
    parts = [await passed(one.event, desk, desk.default_language) for one in entries]
    words = "\n".join(part.text for part in parts if part.text)
    return Passed(words, tuple(photo for part in parts for photo in part.photos))


def _opening(
    event: Event, desk: Desk, why: Why, what: Passed, language: Language, *, tell: bool
) -> tuple[Customer, Conversation, MakeCall]:
    """What Tickets.call takes. `tell`: by a letter, since nobody waits for what is said."""
    section, now = desk.rules.now.service, desk.tickets.now()
    answers_all = desk.rules.now.groups.answer == "all"
    who, reader = name_of(event), desk.default_language
    customer = Customer(event.conversation, event.person.id, who, language, event.group)

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step:
        if ticket.is_with_people:
            return _called_again(ticket, number, event, language, reader)
        after = replace(
            heard(ticket, event, now),
            customer=customer,
            state="waiting",
            why=why,
            taken_by="",
            taken_name="",
            announce=True,
        )
        told = _called(section, after, language, now, answers_all=answers_all)
        if what.text or what.photos:
            line = Line("customer", what.text, who, photos=what.photos)
        else:
            line = Line("system", say("customer_called" if why == "asked" else WHY[why], reader))
        line = replace(line, who=id_of(event), message=event.message, said=told)
        return Step(after, line, to_customer(after, number, told) if tell else ())

    staff_chat = Conversation(*section.staff_chat.split(":", 1))
    return customer, staff_chat, make


def _called_again(
    ticket: Ticket, number: int, event: Event, language: Language, reader: Language
) -> Step:
    words = say("customer_called_again", reader)
    said = say("called_already", language, number=ticket.id)
    line = Line("system", words, who=id_of(event), said=said)
    return Step(ticket, line, to_staff(ticket, number, words))


def _called(
    section: ServiceSection, ticket: Ticket, language: Language, now: float, *, answers_all: bool
) -> str:
    """What the customer reads: that a person was called, when they come, and the way back."""
    asked = ticket.why in ("asked", "words")
    words = [say("called" if asked else "called_for_you", language, number=ticket.id)]
    office = section.office()
    if not office.is_open(now):
        words.append(opens(office, now, language, "called_hours"))
    hears_all = answers_all or not ticket.customer.shared
    return "\n".join([*words, say("called_next" if hears_all else "called_next_group", language)])


def _language(event: Event, desk: Desk) -> Language:
    """A command and a press have no words that would say something about a person."""
    wordless = event.kind == "press" or command_of(event.text) is not None
    return desk.language(replace(event, text="") if wordless else event)
