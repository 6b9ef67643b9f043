"""Photos on the disk that were sent too long ago, and those that no row names."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, and_, select

from bot.storage.db import Database
from bot.storage.inbox import OPEN
from bot.storage.photos import Photos
from bot.storage.tables import (
    inbox,
    kept_photos,
    outbox,
    page_messages,
    parts,
    ticket_lines,
    tickets,
    turns,
)

log = logging.getLogger(__name__)

_ORPHAN_S = 86_400.0  # far longer than it takes from a photo to the row that names it
_UNTOUCHED_S = 1800.0  # who put it again meanwhile keeps it
_DIGEST = re.compile(r"[0-9a-f]{64}")

_QUESTION = inbox.alias()
_OF_QUESTIONS = select(_QUESTION.c.event).where(_QUESTION.c.state.in_(OPEN))
_OF_PARTS = (  # which have their end before the question
    select(inbox.c.event)
    .join(parts, parts.c.inbox_id == inbox.c.id)
    .join(_QUESTION, _QUESTION.c.id == parts.c.asked_as)
    .where(_QUESTION.c.state.in_(OPEN))
)
_OF_CHATS = tuple(
    select(column)
    .join(
        _QUESTION, and_(table.c.platform == _QUESTION.c.platform, table.c.chat == _QUESTION.c.chat)
    )
    .where(_QUESTION.c.state.in_(OPEN))
    for table, column in ((kept_photos, kept_photos.c.digest), (turns, turns.c.photos))
)
_OF_TICKETS = (
    select(ticket_lines.c.photos)
    .join(tickets, tickets.c.id == ticket_lines.c.ticket_id)
    .where(tickets.c.state.in_(("waiting", "staff")), ticket_lines.c.photos != "[]")
)
_OF_LETTERS = select(outbox.c.photo).where(outbox.c.state == "waiting", outbox.c.photo != "")


class OldPhotos:
    def __init__(self, db: Database, photos: Photos) -> None:
        self._db = db
        self._photos = photos

    async def remove(self, now: float, lasts_s: float) -> None:
        """`lasts_s`: 0, only what no row names goes. What is waited for stays in any case: rows may
        name photos that are gone, and people go on without these."""
        old = await self._photos.put_before(now - (lasts_s or _ORPHAN_S))
        if not old:
            return
        needed = await self._waited_for()
        if not lasts_s:
            needed |= await self._named()
        removed = 0
        for digest in old:
            if digest not in needed:
                removed += await self._photos.remove(digest, untouched_s=_UNTOUCHED_S)
        if removed:
            log.info("%d too old: photos deleted", removed)

    async def _waited_for(self) -> set[str]:
        """By open questions, which may be about any photo of their chat; by people who see to a
        ticket; by letters that are to be brought."""
        columns = (_OF_QUESTIONS, _OF_PARTS, *_OF_CHATS, _OF_TICKETS, _OF_LETTERS)
        return {one for some in columns for one in _found_in(await self._column(some))}

    async def _named(self) -> set[str]:
        lists = (page_messages.c.photos, turns.c.photos, ticket_lines.c.photos)
        found = {*await self._column(select(kept_photos.c.digest))}
        found |= {*await self._column(select(outbox.c.photo).where(outbox.c.photo != ""))}
        for column in lists:
            some = select(column).where(column != "[]")
            found |= {one for listed in await self._column(some) for one in json.loads(listed)}
        return found

    async def _column(self, statement: Select[Any]) -> list[str]:  # Any: one column of text
        async with self._db.read() as connection:
            return list((await connection.execute(statement)).scalars())


def _found_in(texts: Iterable[str]) -> set[str]:
    return {digest for text in texts for digest in _DIGEST.findall(text)}
