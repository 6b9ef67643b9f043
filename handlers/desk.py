"""What a handler is handed besides the event: what it may know, and nothing it could break."""

from __future__ import annotations

from collections import OrderedDict

from bot.event import Event
from bot.texts import Key, Language, language_of, say

_ALBUMS = 1024  # albums arrive within seconds; older ones may be forgotten


class Desk:
    """One for the whole program."""

    def __init__(self, *, default_language: Language) -> None:
        self._default_language = default_language
        self._albums: OrderedDict[tuple[object, str], str] = OrderedDict()

    def say(self, event: Event, key: Key, **values: object) -> str:
        """The text in the person's language."""
        language = language_of(event.text, event.person.language, self._default_language)
        return say(key, language, **values)

    def begins_album(self, event: Event) -> bool:
        """True for a message of no album and for the first one seen of an album."""
        if not event.album:
            return True
        key = (event.conversation, event.album)
        first = self._albums.setdefault(key, event.message)
        if len(self._albums) > _ALBUMS:
            self._albums.popitem(last=False)
        return first == event.message
