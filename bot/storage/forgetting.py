"""Deletes for good what a person asked on the page: bubbles, turns, words of events, photos.

What was passed on to the service desk stays in its tickets, and what was used in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update

from bot.storage.answers import drop_answers_to
from bot.storage.db import Database, Transaction
from bot.storage.erasing.doomed import Doomed, digests_in, drop_turns, lists
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import clean, dump_event, load_event
from bot.storage.inbox import OPEN
from bot.storage.photos import Photos
from bot.storage.tables import (
    inbox,
    kept_photos,
    outbox,
    page_messages,
    parts,
    replies,
    turns,
)

_PLATFORM = "web"
_LARGEST_ID = 2**63 - 1
_SAID = "bot:say-"  # before the number of the entry that a short message of ours answers


class Forgetting:
    """None instead of a list of messages: something in this chat waits or is being answered, and
    would bring back what it is about; nothing was changed."""

    def __init__(
        self, db: Database, photos: Photos, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._doomed = Doomed(db, photos, clock=clock)

    async def forget(self, chat: str, entry: int) -> list[int] | None:
        """One question with all its answers: the messages of the page that are gone."""
        async with self._db.write() as connection:
            if not 0 < entry <= _LARGEST_ID or not await _is_own(connection, chat, entry):
                return []
            if await _is_open(connection, chat):
                return None
            return await self._forget(connection, chat, await _family(connection, entry))

    async def forget_all(self, chat: str) -> list[int] | None:
        """The same for all of this chat."""
        async with self._db.write() as connection:
            if await _is_open(connection, chat):
                return None
            asked = turns.c.platform == _PLATFORM, turns.c.chat == clean(chat)
            await self._doomed.doom_with(connection, await drop_turns(connection, and_(*asked)))
            gone = await self._drop_messages(connection, page_messages.c.chat == clean(chat))
            kept = kept_photos.c.platform == _PLATFORM, kept_photos.c.chat == clean(chat)
            await connection.execute(delete(kept_photos).where(*kept))
            await _silence(connection, _in_chat(chat))
            letters = outbox.c.platform == _PLATFORM, outbox.c.chat == clean(chat)
            sent = update(outbox).where(*letters, outbox.c.state != "waiting")
            await connection.execute(sent.values(text="", photo=""))
            await drop_answers_to(connection, f"{_PLATFORM}:{chat}")
            return gone

    async def sweep(self) -> None:
        """Remove the files of forgotten photos that nobody else has, and the traces of words."""
        await self._doomed.sweep()

    async def _forget(
        self, connection: Transaction, chat: str, entries: Sequence[int]
    ) -> list[int]:
        shown = await _bubbles(connection, chat, entries)
        digests = await drop_turns(connection, turns.c.inbox_id.in_(entries))
        await self._doomed.doom_with(connection, digests)
        gone = await self._drop_messages(connection, page_messages.c.id.in_(shown))
        gone += await self._drop_lone_photos(connection, chat, digests)
        await connection.execute(delete(kept_photos).where(kept_photos.c.inbox_id.in_(entries)))
        await _silence(connection, inbox.c.id.in_(entries))
        # which of their kept answers it was is not known, and without them nothing is lost
        await drop_answers_to(connection, f"{_PLATFORM}:{chat}")
        return gone

    async def _drop_messages(
        self, connection: Transaction, where: ColumnElement[bool]
    ) -> list[int]:
        dropped = delete(page_messages).where(where)
        returning = dropped.returning(page_messages.c.id, page_messages.c.photos)
        rows = (await connection.execute(returning)).all()
        await self._doomed.doom_with(connection, digests_in(row.photos for row in rows))
        return [row.id for row in rows]

    async def _drop_lone_photos(
        self, connection: Transaction, chat: str, digests: Iterable[str]
    ) -> list[int]:
        """Photos that were sent without words for this question, unless another one is about
        them too."""
        gone: list[int] = []
        for digest in digests:
            here = and_(turns.c.platform == _PLATFORM, turns.c.chat == clean(chat))
            other = exists().where(here, lists(turns.c.photos, digest))
            lone = and_(
                page_messages.c.chat == clean(chat),
                page_messages.c.text == "",
                lists(page_messages.c.photos, digest),
                ~other,
            )
            gone += await self._drop_messages(connection, lone)
        return gone


def _in_chat(chat: str) -> ColumnElement[bool]:
    return and_(inbox.c.platform == _PLATFORM, inbox.c.chat == clean(chat))


async def _is_open(connection: Transaction, chat: str) -> bool:
    still = select(exists().where(_in_chat(chat), inbox.c.state.in_(OPEN)))
    return bool((await connection.execute(still)).scalar_one())


async def _is_own(connection: Transaction, chat: str, entry: int) -> bool:
    has_turns = exists().where(turns.c.inbox_id == entry)
    own = select(inbox.c.id).where(inbox.c.id == entry, _in_chat(chat), has_turns)
    return (await connection.execute(own)).first() is not None


async def _family(connection: Transaction, entry: int) -> list[int]:
    """The entries that asked the same question, and what was asked about together with it."""
    replaced = select(turns.c.replaced_by).where(turns.c.inbox_id == entry).limit(1)
    newest = func.coalesce(replaced.scalar_subquery(), entry)
    same = select(turns.c.inbox_id).where(
        or_(turns.c.inbox_id == newest, turns.c.replaced_by == newest)
    )
    asked = set(await _numbers(connection, same.distinct()))
    with_it = select(parts.c.inbox_id).where(parts.c.asked_as.in_(asked))
    return sorted(asked | set(await _numbers(connection, with_it)))


async def _bubbles(connection: Transaction, chat: str, entries: Sequence[int]) -> list[int]:
    """The messages of these entries: what the person said, what we answered, and what we said to
    the presses below that."""
    keys = select(inbox.c.message).where(inbox.c.id.in_(entries))
    answers = select(replies.c.message).where(replies.c.inbox_id.in_(entries))
    shown = {number for number in (await connection.execute(answers)).scalars() if number}
    pressed = select(inbox.c.id, inbox.c.message).where(_in_chat(chat))
    presses = (await connection.execute(pressed.where(inbox.c.message.contains("/press/")))).all()
    about = {*entries, *(row.id for row in presses if row.message.split("/")[0] in shown)}
    own = page_messages.c.chat == clean(chat)
    said = select(page_messages.c.id, page_messages.c.key).where(
        own, page_messages.c.key.startswith(_SAID)
    )
    told = [
        row.id
        for row in (await connection.execute(said)).all()
        if int(row.key.removeprefix(_SAID).split("-")[0]) in about
    ]
    asked = await _numbers(
        connection, select(page_messages.c.id).where(own, page_messages.c.key.in_(keys))
    )
    return [*asked, *told, *(int(number) for number in shown if number.isdecimal())]


async def _silence(connection: Transaction, which: ColumnElement[bool]) -> None:
    """The events stay, so that none is accepted twice; their words do not."""
    rows = await connection.execute(select(inbox.c.id, inbox.c.event).where(which))
    for row in rows.all():
        with suppress(EventUnreadable):
            event = replace(load_event(row.event), text="", photos=(), files=(), quoted=None)
            silent = update(inbox).where(inbox.c.id == row.id).values(event=dump_event(event))
            await connection.execute(silent)


async def _numbers(connection: Transaction, statement: Select[int]) -> list[int]:
    return list((await connection.execute(statement)).scalars())
