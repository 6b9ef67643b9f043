"""The customers' side of the service desk: whose words go to the staff, and how they go back.

A customer whose ticket waits for staff, or is with them, talks to people: the bot is silent until
they close it, give it back, or the customer sends /back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.action import Action, Ignore, Say
from bot.event import Event
from bot.service.letters import spoken, staff_key, to_staff
from bot.service.phrases import is_call, is_complaint
from bot.storage.ticket import Line, Step, Ticket, event_name
from bot.texts import say
from handlers import buttons
from handlers.calling import answer, call, heard, is_served, say_to
from handlers.commands import command_of
from handlers.desk import Desk
from handlers.passing import Passed, id_of, name_of, passed
from handlers.satisfaction import complained


async def customer_talk(event: Event, desk: Desk) -> Action | None:
    """Words of a customer that are not for the bot."""
    section = desk.rules.now.service
    if command_of(event.text) is not None or not await is_served(event, desk):
        return None
    if (done := await desk.tickets.done(event_name(event))) is not None:
        return answer(done.said)
    if await _is_in_line(event, desk):
        return None
    ticket = await desk.tickets.open_of(event.conversation)
    if ticket is not None and ticket.is_with_people:
        return await _pass_on(event, ticket, desk)
    if event.forwarded:
        return None
    if is_call(event.text, section.call_words):
        return await call(event, desk, "words", await passed(event, desk, desk.default_language))
    if is_complaint(event.text, section.dissatisfied_words):
        return await complained(event, desk, await passed(event, desk, desk.default_language))
    return None


async def edited(event: Event, desk: Desk) -> Action | None:
    """What a customer corrects is corrected for the staff; None: it is no line of a ticket."""
    found = await desk.tickets.line_of(event_name(event, event.about))
    if found is None or found[1].side != "customer" or found[1].who != id_of(event):
        return None
    ticket_id, line = found
    text = event.text.strip()
    reply_to = await desk.tickets.message_of(staff_key(ticket_id, line.number))
    language = desk.default_language

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step:
        words = say("customer_corrected", language, name=line.name, text=text)
        note = Line("customer", say("corrected", language, text=text), line.name, line.who)
        return Step(ticket, note, to_staff(ticket, number, words, reply_to=reply_to))

    await desk.tickets.step(event_name(event), ticket_id, make)
    return Ignore()


async def human(event: Event, desk: Desk) -> Action:
    """/human, and the button below an answer."""
    if not await is_served(event, desk):
        return Say(say_to(event, desk, "no_service"))
    return await call(event, desk, "asked", Passed(""))


async def back(event: Event, desk: Desk) -> Action:
    """The customer does not want to wait any more."""
    ticket = await desk.tickets.open_of(event.conversation)
    done = await desk.tickets.done(event_name(event))
    if done is not None:
        return answer(done.said)
    if ticket is None or not ticket.is_with_people:
        return Say(say_to(event, desk, "back_nothing"))
    said = say_to(event, desk, "back_to_bot")
    words = say("customer_back", desk.default_language)

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step:
        after = replace(ticket, state="bot", unanswered_since=None)
        line = Line("system", words, who=id_of(event), said=said)
        return Step(after, line, to_staff(ticket, number, words))

    await desk.tickets.step(event_name(event), ticket.id, make)
    return Say(said)


async def again(event: Event, desk: Desk) -> Action:
    """The bot is silent while people are at it."""
    return await _hushed(event, desk) or await buttons.again(event, desk)


async def show(event: Event, desk: Desk) -> Action:
    return await _hushed(event, desk) or await buttons.show(event, desk)


async def say_again(event: Event, desk: Desk) -> Action:
    return await _hushed(event, desk) or await buttons.say_again(event, desk)


async def _is_in_line(event: Event, desk: Desk) -> bool:
    """A question that was put to the bot before the ticket stays with the bot, also when it is
    looked at again after a restart."""
    entry = await desk.inbox.said(event.conversation, event.message)
    return entry is not None and entry.state == "waiting"


async def _pass_on(event: Event, ticket: Ticket, desk: Desk) -> Action | None:
    what = await passed(event, desk, desk.default_language)
    if what.is_empty:
        return None  # what the bot says of such a message holds here too
    who = name_of(event)
    told = what.said or (say_to(event, desk, "files_stay") if event.files else "")

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
        if not ticket.is_with_people:
            return None
        line = Line("customer", what.text, who, id_of(event), what.photos, event.message, told)
        words = spoken(who, what.text, desk.default_language)
        letters = to_staff(ticket, number, words, photos=what.photos)
        return Step(heard(ticket, event, desk.tickets.now()), line, letters)

    done = await desk.tickets.step(event_name(event), ticket.id, make)
    return None if done is None else answer(done.said)


async def _hushed(event: Event, desk: Desk) -> Action | None:
    ticket = await desk.tickets.open_of(event.conversation)
    if ticket is None or not ticket.is_with_people:
        return None
    return Say(say_to(event, desk, "called_already", number=ticket.id))
