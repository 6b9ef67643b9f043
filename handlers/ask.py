"""Photos and words that are no command: a question for the model, or photos to keep for one."""

from __future__ import annotations

from bot.action import Action, Ask, Ignore, Keep, Say
from bot.event import Event
from handlers.desk import Desk, is_visible


async def ask(event: Event, desk: Desk) -> Action:
    """A photo alone waits for its question; of an album only the first part is spoken about.

    An album comes as one message for each photo. Its words go with the photos up to them; the
    photos after them would only spoil the next question, so they are not kept, and that is said.
    """
    album = desk.album_before(event)
    if is_visible(event.text):
        return Ask(event.text)
    if album.asked:
        return Say(desk.say(event, "album_rest")) if album.parts == 1 else Ignore()
    return Keep("" if album.parts else desk.say(event, "photo_kept"))
