"""What a handler is handed besides the event: the stores, the rules of the moment, the words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.access.rights import Rights
from bot.admin.office import Office
from bot.documents.reader import Reader
from bot.event import Attachment, Event
from bot.rules import Rules
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.knowledge import Knowledge
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People
from bot.storage.ratings import Ratings
from bot.storage.tickets import Tickets
from bot.texts import Key, Language, language_for, say


@dataclass(frozen=True, slots=True)
class Desk:
    """One for the whole program."""

    rules: Rules
    inbox: Inbox
    history: History
    people: People
    ledger: Ledger
    tickets: Tickets
    knowledge: Knowledge
    outbox: Outbox
    ratings: Ratings
    # The event's photos and files, checked and kept: their digests. Raises Unusable.
    take: Callable[[Event], Awaitable[list[str]]]
    default_language: Language
    # A file of an event, which may have so many bytes. Raises BadDocument.
    fetch_file: Callable[[Event, Attachment, int], Awaitable[bytes]]
    reader: Reader
    office: Office
    rights: Rights

    def language(self, event: Event) -> Language:
        return language_for(event, self.default_language)

    def say(self, event: Event, key: Key, **values: object) -> str:
        """The text in the person's language."""
        return say(key, self.language(event), **values)
