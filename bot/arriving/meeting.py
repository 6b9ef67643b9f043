"""Who says something is met first: remembered, and spoken to in a language of theirs."""

from __future__ import annotations

from typing import Literal

from bot import texts
from bot.event import Event
from bot.storage.people import People
from bot.texts import Language

_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_SLASHES = ("/", "／")  # a command's letters say nothing about a person


async def meet(event: Event, people: People) -> Event:
    """The event, with what we know of its person."""
    return await people.meet(event, spoken=_spoken(event))


def _spoken(event: Event) -> Literal["zh", "en", ""]:
    """The language of somebody's own words, where their platform tells of none."""
    own = event.kind == "message" and not event.forwarded
    if event.person.language or not own or event.text.lstrip().startswith(_SLASHES):
        return ""
    found = {texts.language_of(event.text, "", default) for default in _LANGUAGES}
    return found.pop() if len(found) == 1 else ""
