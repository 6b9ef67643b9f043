"""What a handler is handed besides the event: what it may know, and nothing it could break."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from dataclasses import dataclass

from bot.event import Event
from bot.texts import Key, Language, language_of, say

_ALBUMS = 1024  # albums arrive within seconds; older ones may be forgotten


@dataclass(frozen=True, slots=True)
class Album:
    """The parts of an album that came before: how many, and whether one of them was a question."""

    parts: int
    asked: bool


@dataclass(frozen=True, slots=True)
class _Part:
    message: str
    asks: bool


class Desk:
    """One for the whole program."""

    def __init__(self, *, default_language: Language) -> None:
        self._default_language = default_language
        self._albums: OrderedDict[tuple[object, str], list[_Part]] = OrderedDict()

    def say(self, event: Event, key: Key, **values: object) -> str:
        """The text in the person's language."""
        language = language_of(event.text, event.person.language, self._default_language)
        return say(key, language, **values)

    def album_before(self, event: Event) -> Album:
        """What is known of the event's album besides this event. An event looked at twice counts
        once; after a restart an album begins anew."""
        if not event.album:
            return Album(parts=0, asked=False)
        parts = self._albums.setdefault((event.conversation, event.album), [])
        if len(self._albums) > _ALBUMS:
            self._albums.popitem(last=False)
        messages = [part.message for part in parts]
        if event.message not in messages:
            parts.append(_Part(event.message, asks=is_visible(event.text)))
            return Album(len(messages), any(part.asks for part in parts[:-1]))
        earlier = parts[: messages.index(event.message)]
        return Album(len(earlier), any(part.asks for part in earlier))


def is_visible(text: str) -> bool:
    """Is anything there but spaces, line ends and characters without a shape?"""
    return any(unicodedata.category(letter)[0] not in "ZC" for letter in text)
