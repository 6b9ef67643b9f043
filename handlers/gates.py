"""What an event must pass before a handler sees it: None lets it through."""

from __future__ import annotations

from bot.action import Action, Ignore, Say
from bot.event import Event
from handlers.desk import Desk, is_visible


async def addressed(event: Event, desk: Desk) -> Action | None:
    """What people in a group say to each other is not ours to answer."""
    return None if event.addressed else Ignore()


async def supported(event: Event, desk: Desk) -> Action | None:
    """A platform shows a sticker or a video as an event without anything in it."""
    nothing = not event.text and not event.photos
    if nothing or any(_is_no_picture(photo.media_type) for photo in event.photos):
        return Say(desk.say(event, "unsupported"))
    return None


async def not_empty(event: Event, desk: Desk) -> Action | None:
    if event.photos or is_visible(event.text):
        return None
    return Say(desk.say(event, "empty"))


def _is_no_picture(media_type: str) -> bool:
    return bool(media_type) and not media_type.lower().startswith("image/")
