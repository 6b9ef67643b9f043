"""Photos and words that are no command: a question for the model, or photos to keep for one."""

from __future__ import annotations

from bot.action import Action, Ask, Keep
from bot.event import Event
from handlers.desk import Desk
from handlers.gates import is_visible


async def ask(event: Event, desk: Desk) -> Action:
    """A photo alone waits for its question; of an album only the first part is spoken about."""
    first = desk.begins_album(event)
    if is_visible(event.text):
        return Ask(event.text)
    return Keep(desk.say(event, "photo_kept") if first else "")
