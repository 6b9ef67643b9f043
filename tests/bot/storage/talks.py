"""Questions and answers that were kept, for tests of what is made of them."""

from __future__ import annotations

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.history import History, Said
from bot.storage.inbox import Inbox


async def answered(
    db: Database, where: Conversation, question: str, answer: str, photos: tuple[str, ...] = ()
) -> int:
    """The number of the entry; each question can be asked once in a chat."""
    inbox = Inbox(db)
    await inbox.accept(Event("bot", f"asked {question}", where, Person("ann"), question))
    entry = await inbox.said(where, f"asked {question}")
    assert entry is not None
    await History(db).answered(
        entry, Said("user", question, photos, 1), Said("assistant", answer, (), 1), ()
    )
    return entry.id
