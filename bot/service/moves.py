"""What staff do to a ticket: take it, give it back to the bot, close it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.event import Conversation
from bot.service.letters import score_buttons, to_customer, to_staff
from bot.storage.outbox import Letter
from bot.storage.ticket import Line, Step, Ticket
from bot.texts import Key, Language, say


@dataclass(frozen=True, slots=True)
class Mover:
    """Who does it, and where, and how."""

    id: str  # "platform:id"; empty: nobody, it happened by itself
    name: str
    where: Conversation | None
    language: Language
    pressed: bool  # a button, which is easily pressed by two at once
    asks_score: bool
    now: float
    signature: str = ""  # what customers read as the name; empty: none


@dataclass(frozen=True, slots=True)
class Move:
    """`refusal`: why it cannot be done, for who wanted it; empty: it can."""

    refusal: Callable[[Mover, Ticket], str]
    step: Callable[[Mover, Ticket, int], Step]


def _no_taking(mover: Mover, ticket: Ticket) -> str:
    if ticket.state != "staff" or (ticket.taken_by != mover.id and not mover.pressed):
        return ""
    return say("taken_already", mover.language, number=ticket.id, name=ticket.taken_name)


def _take(mover: Mover, ticket: Ticket, number: int) -> Step:
    after = replace(ticket, state="staff", taken_by=mover.id, taken_name=mover.name, closed_at=None)
    key: Key = "taken_for_you" if mover.signature else "taken_by_staff"
    told = say(key, ticket.customer.language, name=mover.signature)
    if ticket.state == "staff":
        values = {"name": mover.name, "number": ticket.id, "other": ticket.taken_name}
        words = say("took_over", mover.language, **values)
    else:
        words = say("took", mover.language, name=mover.name, number=ticket.id)
    return _step(mover, after, number, words, to_customer(ticket, number, told))


def _no_giving_back(mover: Mover, ticket: Ticket) -> str:
    return "" if ticket.is_with_people else _refused(mover, ticket)


def _give_back(mover: Mover, ticket: Ticket, number: int) -> Step:
    after = replace(ticket, state="bot", unanswered_since=None)
    told = say("back_by_staff", ticket.customer.language)
    words = say("gave_back", mover.language, name=mover.name, number=ticket.id)
    return _step(mover, after, number, words, to_customer(ticket, number, told))


def _no_closing(mover: Mover, ticket: Ticket) -> str:
    return _refused(mover, ticket) if ticket.state == "closed" else ""


def _close(mover: Mover, ticket: Ticket, number: int) -> Step:
    """Who was with the bot again by then is only asked how it was, and hears nothing when the
    ticket closes by itself."""
    after = replace(ticket, state="closed", unanswered_since=None, closed_at=mover.now)
    language = ticket.customer.language
    is_over = not mover.id and not ticket.is_with_people  # days ago
    asks = mover.asks_score and bool(ticket.taken_by) and not is_over
    told = [say("closed_for_you", language, number=ticket.id)] if ticket.is_with_people else []
    told += [say("rate_ask", language)] if asks else []
    buttons = score_buttons(ticket.id) if asks else ()
    letters = to_customer(ticket, number, "\n".join(told), buttons=buttons) if told else ()
    key: Key = "closed" if mover.id else "closed_idle"
    words = say(key, mover.language, name=mover.name, number=ticket.id)
    return _step(mover, after, number, words, letters)


TAKE = Move(_no_taking, _take)
GIVE_BACK = Move(_no_giving_back, _give_back)
CLOSE = Move(_no_closing, _close)


def _refused(mover: Mover, ticket: Ticket) -> str:
    key: Key = "closed_before" if ticket.state == "closed" else "bot_already"
    return say(key, mover.language, number=ticket.id)


def _step(
    mover: Mover, after: Ticket, number: int, words: str, letters: tuple[Letter, ...]
) -> Step:
    """In a topic of its own the answer to the command is enough. In a group it is a letter instead,
    since whoever replies to it means the ticket. Elsewhere it is both."""
    here = after.desk is not None and mover.where == after.desk
    in_topic = here and after.desk is not None and bool(after.desk.thread)
    told = () if in_topic else to_staff(after, number, words)
    said = "" if here and told else words
    return Step(after, Line("system", words, who=mover.id, said=said), (*letters, *told))
