"""What an event must pass before a handler sees it: None lets it through."""

from __future__ import annotations

from bot.action import Action, Ignore, Say
from bot.event import Attachment, Event
from bot.texts import is_visible
from handlers.commands import command_of
from handlers.desk import Desk

_LONGEST_QUESTION = 20_000  # characters; a model with a small context refuses shorter ones itself


async def addressed(event: Event, desk: Desk) -> Action | None:
    """What people in a group say to each other is not ours to answer, unless all questions are."""
    if event.addressed:
        return None
    is_question = command_of(event.text) is None and not _is_beyond_us(event)
    if desk.rules.now.groups.answer == "all" and is_question:
        return None
    return Ignore()


async def supported(event: Event, desk: Desk) -> Action | None:
    """A platform shows a sticker or a video as an event without anything in it. A command knows
    what to do with a file."""
    if command_of(event.text) is None and _is_beyond_us(event):
        return Say(desk.say(event, "unsupported"), notice=True)
    return None


async def not_empty(event: Event, desk: Desk) -> Action | None:
    if event.photos or is_visible(event.text):
        return None
    return Say(desk.say(event, "empty"), notice=True)


async def not_endless(event: Event, desk: Desk) -> Action | None:
    """More than any model reads as a question is told at once, and does not wait in the line. What
    a command takes is its own affair."""
    count = len(event.text)
    if count <= _LONGEST_QUESTION or command_of(event.text) is not None:
        return None
    said = desk.say(event, "question_too_long", count=count, limit=_LONGEST_QUESTION)
    return Say(said, notice=True)


def _is_beyond_us(event: Event) -> bool:
    nothing = not event.text and not event.photos
    return nothing or bool(event.files) or any(map(_is_no_picture, event.photos))


def _is_no_picture(photo: Attachment) -> bool:
    kind = photo.media_type.lower()
    return bool(kind) and not kind.startswith("image/")
