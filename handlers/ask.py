"""Photos and words that are no command: a question for the model, or photos to keep for one."""

from __future__ import annotations

from bot.action import Action, Ask, Ignore, Keep, Stop
from bot.event import Event
from bot.texts import is_visible
from handlers.desk import Desk


async def ask(event: Event, desk: Desk) -> Action:
    """A photo alone waits for its question; where people did not turn to us, without a word."""
    if is_visible(event.text):
        return Ask(event.text)
    return Keep(desk.say(event, "photo_kept") if event.addressed else "")


async def deleted(event: Event, desk: Desk) -> Action:
    """Who takes a question back does not want its answer."""
    entry = await desk.inbox.said(event.conversation, event.about)
    if entry is None or entry.event.person.id != event.person.id:
        return Ignore()
    return Stop("", entry.id)
