"""Letters about tickets: who reads what, where, and under which key. Pure.

The key of a letter tells its ticket and its line, so that whoever answers it answers these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from bot.event import Button, Conversation
from bot.service.hours import OfficeHours
from bot.storage.outbox import Letter
from bot.storage.ticket import Line, Ticket, Why
from bot.texts import Key, Language, say

TO_CUSTOMERS = "customers"  # the batch of all letters to customers

WHY: dict[Why, Key] = {
    "asked": "why_asked",
    "words": "why_words",
    "dissatisfied": "why_dissatisfied",
    "refused": "why_refused",
    "engine": "why_engine",
    "unsure": "why_unsure",
    "unknown": "why_unknown",
}

_KEY = re.compile(r"ticket/(\d+)/(\d+)/")
_COLON = {"zh": "：", "en": ": "}
_MOST_SHOWN = 20  # lines of the talk that staff see at once; /ticket shows all
_MOST_PHOTOS = 10
_LONGEST_LINE = 1000  # letters of one line in a transcript
_LONGEST_LAST = 200  # letters of the last words in a summary
_LONGEST_NAME = 64


def key_parts(key: str) -> tuple[int, int] | None:
    """The ticket and the line that a letter is about; None: it is about no ticket."""
    found = _KEY.match(key)
    return (int(found[1]), int(found[2])) if found else None


def customer_key(ticket_id: int, number: int) -> str:
    """The first letter to the customer about this line."""
    return f"ticket/{ticket_id}/{number}/customer/0"


def staff_key(ticket_id: int, number: int) -> str:
    return f"ticket/{ticket_id}/{number}/staff/0"


def to_customer(
    ticket: Ticket,
    number: int,
    text: str,
    *,
    photos: Sequence[str] = (),
    buttons: tuple[Button, ...] = (),
    reply_to: str | None = None,
) -> tuple[Letter, ...]:
    """In a group it is a reply to their newest message, so that everybody sees whom it is for."""
    if reply_to is None and ticket.customer.shared:
        reply_to = ticket.message or None
    where = ticket.customer.where
    to = Conversation(where.platform, where.chat, where.thread)
    key = f"ticket/{ticket.id}/{number}/customer"
    return tuple(_letters(key, to, text, photos, buttons, reply_to, batch=TO_CUSTOMERS))


def to_staff(
    ticket: Ticket,
    number: int,
    text: str,
    *,
    photos: Sequence[str] = (),
    buttons: tuple[Button, ...] = (),
    reply_to: str | None = None,
) -> tuple[Letter, ...]:
    """None while they have not been shown the ticket: then its lines will tell them."""
    if ticket.desk is None or ticket.announce:
        return ()
    key = f"ticket/{ticket.id}/{number}/staff"
    mark = "" if ticket.desk.thread else f"#{ticket.id}"
    marked = marked_with(ticket.id, text) if mark else text
    return tuple(_letters(key, ticket.desk, marked, photos, buttons, reply_to, further=mark))


def marked_with(number: int, text: str) -> str:
    """In a group without threads every message about a ticket shows its number."""
    mark = f"#{number}"
    is_marked = re.search(rf"{mark}(?!\d)", text.split("\n", 1)[0])
    return text if is_marked else f"{mark} {text}"


def spoken(who: str, text: str, language: Language) -> str:
    return f"{who}{_COLON[language]}{text}" if who else text


def buttons_of(number: int, language: Language) -> tuple[Button, ...]:
    return (
        Button(f"take {number}", say("take_button", language)),
        Button(f"back {number}", say("back_button", language)),
        Button(f"close {number}", say("close_button", language)),
    )


def score_buttons(number: int) -> tuple[Button, ...]:
    return tuple(Button(f"rate {number} {score}", str(score)) for score in range(1, 6))


def title(ticket: Ticket) -> str:
    return f"#{ticket.id} {ticket.customer.name[:_LONGEST_NAME]}"


def announcement(
    ticket: Ticket,
    number: int,
    lines: Sequence[Line],
    office: OfficeHours,
    now: float,
    language: Language,
) -> tuple[Letter, ...]:
    """The head with its buttons and summary, then what was said that staff have not seen."""
    assert ticket.desk is not None
    words = [
        _head(ticket, language),
        summary(lines, language),
        *([] if office.is_open(now) else [opens(office, now, language, "head_hours")]),
        say("head_thread" if ticket.desk.thread else "head_reply", language, number=ticket.id),
    ]
    buttons = buttons_of(ticket.id, language)
    head = to_staff(ticket, number, "\n".join(words), buttons=buttons)
    unseen = [line for line in lines if line.number > ticket.told]
    return (*head, *_talk(ticket, number, unseen, language))


def summary(lines: Sequence[Line], language: Language) -> str:
    theirs = [line for line in lines if line.side == "customer"]
    last = next((line.text for line in reversed(theirs) if line.text), "—")
    return say(
        "ticket_summary",
        language,
        messages=len(theirs),
        photos=sum(len(line.photos) for line in theirs),
        last=_short(last, _LONGEST_LAST),
    )


def transcript(lines: Sequence[Line], language: Language) -> Iterator[str]:
    """A text for each line; photos are counted, and further lines of one text stand further in, so
    that nobody can pose as somebody else."""
    for line in lines:
        if not line.text and not line.photos:
            continue  # nothing was said: staff were shown the ticket
        words = line.text
        if line.photos:
            mark = say("photos_mark", language, count=len(line.photos))
            words = f"{words} {mark}".strip()
        yield spoken(_speaker(line, language), words.replace("\n", "\n    "), language)


def whole(
    ticket: Ticket, lines: Sequence[Line], to: Conversation, name: str, language: Language
) -> Iterator[Letter]:
    """All that was said, for who asks for it by the event `name`; the newest photos with it. Who
    replies to it replies to the customer."""
    key = f"ticket/{ticket.id}/0/show/{name}"
    text = "\n".join([title(ticket), *transcript(lines, language)])
    yield Letter(f"{key}/0", to, text)
    photos = [photo for line in lines for photo in line.photos][-_MOST_PHOTOS:]
    for place, photo in enumerate(photos, 1):
        yield Letter(f"{key}/{place}", to, title(ticket), photo)


def opens(office: OfficeHours, now: float, language: Language, key: Key) -> str:
    """The sentence, with the day and time from which on somebody is there."""
    today, then = office.wall(now).date(), office.wall(office.next_open(now))
    time = f"{then:%H:%M}"
    if then.date() == today:
        when = say("today", language, time=time)
    elif then.date() == today + timedelta(days=1):
        when = say("tomorrow", language, time=time)
    else:
        when = f"{say('weekdays', language).split()[then.weekday()]} {time}"
    return say(key, language, when=when)


def minutes_since(since: float, now: float) -> int:
    return int(max(0.0, now - since) // 60)


def _head(ticket: Ticket, language: Language) -> str:
    where = ticket.customer.where
    return say(
        "head",
        language,
        number=ticket.id,
        name=ticket.customer.name,
        person=f"{where.platform}:{ticket.customer.person}",
        why=say(WHY[ticket.why], language),
    )


def _talk(
    ticket: Ticket, number: int, lines: Sequence[Line], language: Language
) -> Iterator[Letter]:
    """The words in one letter, then the photos, each with the words it came with."""
    assert ticket.desk is not None
    shown = lines[-_MOST_SHOWN:]
    if not shown:
        return
    words = [_short(text, _LONGEST_LINE) for text in transcript(shown, language)]
    cut = len(lines) > len(shown)
    text = "\n".join(
        [
            say("ticket_talk", language),
            *([say("ticket_talk_cut", language, number=ticket.id)] if cut else []),
            *words,
        ]
    )
    key = f"ticket/{ticket.id}/{number}/talk"
    thread = bool(ticket.desk.thread)
    yield Letter(f"{key}/0", ticket.desk, text if thread else marked_with(ticket.id, text))
    photos = [(line, digest) for line in shown for digest in line.photos if line.side == "customer"]
    for place, (line, digest) in enumerate(photos[-_MOST_PHOTOS:], 1):
        caption = spoken(_speaker(line, language), _short(line.text, _LONGEST_LAST), language)
        caption = caption if thread else marked_with(ticket.id, caption)
        # The line's own number: who answers the photo answers what it came with.
        own = f"ticket/{ticket.id}/{line.number}/talk/{number}/{place}"
        yield Letter(own, ticket.desk, caption, digest)


def _letters(
    key: str,
    to: Conversation,
    text: str,
    photos: Sequence[str],
    buttons: tuple[Button, ...],
    reply_to: str | None,
    *,
    batch: str = "",
    further: str = "",
) -> Iterator[Letter]:
    """One for each photo; the first one has the words, all others `further`."""
    for place, photo in enumerate(photos or [""]):
        first = place == 0
        yield Letter(
            f"{key}/{place}",
            to,
            text if first else further,
            photo,
            buttons if first else (),
            reply_to,
            batch,
        )


def _speaker(line: Line, language: Language) -> str:
    if line.side == "bot":
        return say("bot_name", language)
    if line.side == "note":
        return f"{line.name} ({say('note_mark', language)})"
    return line.name if line.side in ("customer", "staff") else ""


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
