"""What is pressed below an answer, and the same as commands: stop, again, thumbs.

Only who asked may press. A command means the person's newest answer there.
"""

from __future__ import annotations

from dataclasses import replace

from bot.access.periods import Periods
from bot.action import Action, Again, Ignore, Say, Stop
from bot.event import Button, Event
from bot.storage.inbox import Entry
from bot.storage.ratings import Value
from bot.texts import Key
from handlers.commands import command_of
from handlers.desk import Desk

_LONGEST_NUMBER = 18


def below(entry: Entry, desk: Desk) -> tuple[Button, ...]:
    """The buttons of a finished answer."""
    again = Button("again", desk.say(entry.event, "again_button"))
    thumbs = (Button("up", "👍"), Button("down", "👎"))
    where, section = entry.event.conversation, desk.rules.now.service
    if not section.serves(where.platform, where.chat, group=entry.event.group):
        return again, *thumbs
    return again, *thumbs, Button("person", desk.say(entry.event, "person_button"))


def hint(entry: Entry, number: int, at: float, desk: Desk) -> Say:
    """Whether an earlier answer is meant, given about a picture that looks the same."""
    when = Periods(desk.rules.now.quota.timezone).written(at)
    show = Button(f"show {number}", desk.say(entry.event, "show_button"))
    anew = Button("again", desk.say(entry.event, "anew_button"))
    return Say(desk.say(entry.event, "similar_seen", when=when), (show, anew))


async def show(event: Event, desk: Desk) -> Action:
    """The answer that was asked about; only its owner gets it."""
    number = event.text.partition(" ")[2]
    if not (number.isascii() and number.isdecimal() and len(number) < _LONGEST_NUMBER):
        return Ignore()
    match await again(event, desk):
        case Again(first):
            return Again(first, shown=int(number))
        case other:
            return other


async def stop(event: Event, desk: Desk) -> Action:
    entry = await desk.inbox.answered_by(event.conversation, event.about)
    if entry is None and not event.group:
        # a placeholder that a crash left behind: what it was for is answered elsewhere, if at all
        return Stop(_say(event, desk, "nothing_to_stop"))
    return Stop("", entry.id) if entry and _is_theirs(entry, event) else Ignore()


async def again(event: Event, desk: Desk) -> Action:
    entry = await _asked(event, desk)
    first = await _first_asked(entry, desk) if entry else None
    return Again(first) if first is not None else Ignore()


async def up(event: Event, desk: Desk) -> Action:
    return await _press_thumb(event, desk, 1)


async def down(event: Event, desk: Desk) -> Action:
    return await _press_thumb(event, desk, -1)


async def unknown(event: Event, desk: Desk) -> Action:
    """A button of an earlier version, or a name somebody made up."""
    return Ignore()


async def say_again(event: Event, desk: Desk) -> Action:
    answered = await desk.history.newest_answer(event.conversation, event.person.id)
    first = await desk.history.first_asked(answered) if answered is not None else None
    return Again(first) if first is not None else Say(_say(event, desk, "no_answer_yet"))


async def say_good(event: Event, desk: Desk) -> Action:
    return await _say_thumb(event, desk, 1)


async def say_bad(event: Event, desk: Desk) -> Action:
    return await _say_thumb(event, desk, -1)


async def _asked(event: Event, desk: Desk) -> Entry | None:
    """The entry in whose answer this person pressed; None: it is somebody else's."""
    entry = await desk.inbox.answered_by(event.conversation, event.about)
    return entry if entry and _is_theirs(entry, event) else None


def _is_theirs(entry: Entry, event: Event) -> bool:
    """Did who presses also ask?"""
    return entry.event.person.id == event.person.id


async def _first_asked(answered: Entry, desk: Desk) -> int | None:
    """The question itself. An answer may be seen before it is kept; then the presses lead back."""
    first = await desk.history.first_asked(answered.id)
    if first is not None:
        return first
    entry: Entry | None = answered
    while entry is not None and entry.event.kind == "press":
        event = entry.event
        entry = await desk.inbox.answered_by(event.conversation, event.about)
    return entry.id if entry and command_of(entry.event.text) is None else None


async def _press_thumb(event: Event, desk: Desk, value: Value) -> Action:
    """In a group nobody wants to read that somebody pressed something."""
    answered = await _asked(event, desk)
    if answered is None:
        return Ignore()
    await desk.ratings.rate(answered.id, value)
    return Say("" if event.group else _say(event, desk, "rated"), thanks=True)


async def _say_thumb(event: Event, desk: Desk, value: Value) -> Action:
    answered = await desk.history.newest_answer(event.conversation, event.person.id)
    if answered is None:
        return Say(_say(event, desk, "no_answer_yet"))
    await desk.ratings.rate(answered, value)
    return Say(_say(event, desk, "rated"))


def _say(event: Event, desk: Desk, key: Key) -> str:
    """A button's name and a command say nothing about the language of a person."""
    return desk.say(replace(event, text=""), key)
