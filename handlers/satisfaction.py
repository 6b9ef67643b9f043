"""Whether customers are content: thumbs and words of complaint, and the score at the end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from bot.action import Action, Ignore, Say
from bot.event import Event
from bot.service.letters import to_staff
from bot.storage.ticket import Line, Step, Ticket, event_name
from bot.texts import say
from handlers import buttons
from handlers.calling import answer, call, is_served, say_to
from handlers.desk import Desk
from handlers.passing import Passed, id_of

_SCORE = re.compile(r"/\w+(?:@\w+)?\s+([1-5])\s*")
_PRESSED = re.compile(r"rate ([0-9]{1,9}) ([1-5])")  # who has an own app can send anything


async def down(event: Event, desk: Desk) -> Action:
    """A thumb down, which may be one too many."""
    rated = await buttons.down(event, desk)
    return await _displeased(event, desk) or rated


async def say_bad(event: Event, desk: Desk) -> Action:
    """The same as a command."""
    rated = await buttons.say_bad(event, desk)
    return await _displeased(event, desk) or rated


async def up(event: Event, desk: Desk) -> Action:
    """They are content again."""
    await desk.tickets.forgive(event.conversation)
    return await buttons.up(event, desk)


async def say_good(event: Event, desk: Desk) -> Action:
    await desk.tickets.forgive(event.conversation)
    return await buttons.say_good(event, desk)


async def rate(event: Event, desk: Desk) -> Action:
    """/rate 5, about the service that ended last."""
    found = _SCORE.fullmatch(unicodedata.normalize("NFKC", event.text).strip())
    if found is None:
        return Say(say_to(event, desk, "usage_rate"))
    ticket = await desk.tickets.last_of(event.conversation)
    if ticket is not None and not _is_customer(event, ticket):  # in a window that many share
        ticket = None
    return await _rated(event, desk, ticket, int(found[1]))


async def press_rate(event: Event, desk: Desk) -> Action:
    """The button's name is "rate 12 5"."""
    found = _PRESSED.fullmatch(event.text)
    ticket = None if found is None else await desk.tickets.ticket(int(found[1]))
    if found is None or ticket is None or not _is_customer(event, ticket):
        return Ignore()
    return await _rated(event, desk, ticket, int(found[2]))


async def complained(event: Event, desk: Desk, what: Passed) -> Action | None:
    most = desk.rules.now.service.dissatisfied_after
    if most == 0 or await desk.tickets.complain(event_name(event), event.conversation) < most:
        return None
    return await call(event, desk, "dissatisfied", what)


async def _displeased(event: Event, desk: Desk) -> Action | None:
    """None: it calls nobody."""
    if not await is_served(event, desk):
        return None
    if (done := await desk.tickets.done(event_name(event))) is not None:
        return answer(done.said)
    ticket = await desk.tickets.open_of(event.conversation)
    if (ticket is not None and ticket.is_with_people) or not await _has_answer(event, desk):
        return None
    return await complained(event, desk, Passed(""))


async def _has_answer(event: Event, desk: Desk) -> bool:
    """Is there an answer to this person that could be no good?"""
    if event.kind == "press":
        entry = await desk.inbox.answered_by(event.conversation, event.about)
        return entry is not None and entry.event.person.id == event.person.id
    return await desk.history.newest_answer(event.conversation, event.person.id) is not None


async def _rated(event: Event, desk: Desk, ticket: Ticket | None, score: int) -> Action:
    if (done := await desk.tickets.done(event_name(event))) is not None:
        return answer(done.said)
    if ticket is None or ticket.state != "closed":
        return Say(say_to(event, desk, "rate_nothing"))
    said = say_to(event, desk, "rate_thanks", score=score)
    words = say("customer_rated", desk.default_language, number=ticket.id, score=score)

    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step:
        line = Line("system", words, who=id_of(event), said=said)
        return Step(replace(ticket, score=score), line, to_staff(ticket, number, words))

    await desk.tickets.step(event_name(event), ticket.id, make)
    return Say(said)


def _is_customer(event: Event, ticket: Ticket) -> bool:
    where, theirs = event.conversation, ticket.customer
    same_chat = (where.platform, where.chat) == (theirs.where.platform, theirs.where.chat)
    return same_chat and event.person.id == theirs.person
