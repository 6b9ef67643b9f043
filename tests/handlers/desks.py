"""A desk with stores of its own, for the tests of handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.access.rights import Rights
from bot.admin.office import Office
from bot.documents.block import BadDocument
from bot.documents.reader import Reader
from bot.event import Attachment, Event
from bot.rules import Rules, RuleSet
from bot.storage.copy import Copies
from bot.storage.db import Database
from bot.storage.erasing.erasures import Erasures
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.knowledge import Knowledge
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.tickets import Tickets
from handlers.desk import Desk


@asynccontextmanager
async def a_desk(folder: Path) -> AsyncIterator[Desk]:
    db = await Database.open(folder)
    try:
        letters = Outbox(db)
        rules, people, ledger = Rules(RuleSet()), People(db), Ledger(db)
        yield Desk(
            rules,
            Inbox(db),
            History(db),
            people,
            ledger,
            Tickets(db, letters),
            Knowledge(db),
            letters,
            Ratings(db),
            _refs,
            "zh",
            _file,
            Reader(),
            Office(db, rules, people, ledger, letters, question_tokens=5120),
            Rights(Copies(db, Photos(folder / "photos")), Erasures(db), lambda to: True),
        )
    finally:
        await db.close()


async def _refs(event: Event) -> list[str]:
    """As if each photo's reference were the digest of its file."""
    return [photo.ref for photo in event.photos]


async def _file(event: Event, file: Attachment, max_bytes: int) -> bytes:
    """As if each file's reference were a path on this machine."""
    if file.size_bytes > max_bytes:
        raise BadDocument("too_large", value=file.size_bytes, limit=max_bytes)
    return await asyncio.to_thread(Path(file.ref).read_bytes)
