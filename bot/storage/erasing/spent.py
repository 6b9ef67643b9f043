"""Entries of which nothing is left but that they were accepted: a hash of their event's name.

By it an event that a platform delivers again is known, and nobody can read from it who wrote where.
The row keeps its number, which nobody else may get while the program runs.
"""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import ColumnElement, select, update

from bot.event import Event
from bot.storage.db import Transaction
from bot.storage.tables import inbox

AT_ONCE = 200  # rows in one transaction: a few milliseconds
_GONE = {"thread": "", "event": "", "chat": ""}


async def is_spent(connection: Transaction, event: Event) -> bool:
    where = event.conversation
    name = _hashed(where.platform, event.bot, where.chat, event.message)
    statement = select(inbox.c.id).where(
        inbox.c.platform == where.platform,
        inbox.c.bot == event.bot,
        inbox.c.chat == "",
        inbox.c.message == name,
    )
    return (await connection.execute(statement)).first() is not None


async def spend(
    connection: Transaction, which: ColumnElement[bool], now: float, *, person: str = ""
) -> int:
    """Of these entries, as many as one transaction shall take, the oldest first: how many.
    `person`: what is to stand there."""
    columns = (inbox.c.id, inbox.c.platform, inbox.c.bot, inbox.c.chat, inbox.c.message)
    found = select(*columns).where(which, inbox.c.event != "").order_by(inbox.c.id).limit(AT_ONCE)
    rows = (await connection.execute(found)).all()
    for row in rows:
        own = update(inbox).where(inbox.c.id == row.id)
        name = _hashed(row.platform, row.bot, row.chat, row.message)
        still_open = own.where(inbox.c.ended_at.is_(None))
        await connection.execute(still_open.values(state="ignored", ended_at=now))
        await connection.execute(own.values(**_GONE, message=name, person=person))
    return len(rows)


def _hashed(platform: str, bot: str, chat: str, message: str) -> str:
    return hashlib.sha256(json.dumps([platform, bot, chat, message]).encode()).hexdigest()
