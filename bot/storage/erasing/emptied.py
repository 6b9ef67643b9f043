"""Tickets of which only number, times and score stay: their customers were forgotten, or they were
closed long ago."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, update

from bot.storage.db import Transaction
from bot.storage.erasing.doomed import digests_in
from bot.storage.tables import ticket_lines, tickets

_WORDS = ("chat", "thread", "member", "person", "name", "message")


async def empty_tickets(connection: Transaction, ids: Sequence[int], now: float) -> set[str]:
    """The digests of the photos that their lines named."""
    lines = delete(ticket_lines).where(ticket_lines.c.ticket_id.in_(ids))
    listed = (await connection.execute(lines.returning(ticket_lines.c.photos))).scalars()
    photos = digests_in(listed)
    closed = {
        "state": "closed",
        "staff_thread": None,
        "announce": False,
        "unanswered_since": None,
        "closed_at": func.coalesce(tickets.c.closed_at, now),
    }
    emptied = update(tickets).where(tickets.c.id.in_(ids))
    await connection.execute(emptied.values(**dict.fromkeys(_WORDS, ""), **closed))
    return photos
