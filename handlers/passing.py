"""What is passed on between customers and staff: words, photos, and the names of files."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import Unusable
from bot.event import Event
from bot.texts import Language, is_visible, say
from handlers.desk import Desk


@dataclass(frozen=True, slots=True)
class Passed:
    """`said`: why something of it cannot be passed on, for who sent it; mostly empty."""

    text: str
    photos: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_empty(self) -> bool:
        """A sticker or a voice message, of which nothing can be passed on."""
        return not is_visible(self.text) and not self.photos


async def passed(event: Event, desk: Desk, reader: Language) -> Passed:
    """`reader`: the language of those who get it."""
    names = [file.name or file.media_type or "?" for file in event.files]
    files = [say("file_named", reader, name=name) for name in names]
    text = "\n".join(filter(None, [event.text.strip(), *files]))
    if not event.photos:
        return Passed(text)
    try:
        return Passed(text, tuple(await desk.take(event)))
    except Unusable as error:
        lost = say("photo_lost", reader)
        return Passed(f"{text}\n{lost}".strip(), said=error.said)


def name_of(event: Event) -> str:
    """In one line, as it stands before what they say."""
    return " ".join(event.person.name.split()) or event.person.id


def id_of(event: Event) -> str:
    return f"{event.conversation.platform}:{event.person.id}"
