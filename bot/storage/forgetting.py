"""Deletes for good what a person asked on the page: bubbles, turns, words of events, photos.

What was passed on to the service desk stays in its tickets, and what was used in the ledger.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.storage.db import Database, Transaction
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import clean, dump_event, load_event
from bot.storage.inbox import OPEN
from bot.storage.photos import Photos
from bot.storage.tables import (
    forgotten_photos,
    inbox,
    kept_photos,
    outbox,
    page_messages,
    parts,
    replies,
    ticket_lines,
    turns,
    windows,
)

_PLATFORM = "web"
_LARGEST_ID = 2**63 - 1
_GRACE_S = 60.0  # between the rows and the files
_UNTOUCHED_S = 1800.0  # longer than a question takes from its photos to its turns
_SAID = "bot:say-"  # before the number of the entry that a short message of ours answers


class Forgetting:
    """None instead of a list of messages: something in this chat waits or is being answered, and
    would bring back what it is about; nothing was changed."""

    def __init__(
        self, db: Database, photos: Photos, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._photos = photos
        self._clock = clock
        self._deleted = False  # since the last sweep

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
            await self._doom(connection, await _drop_turns(connection, chat, and_(*asked)))
            gone = await self._drop_messages(connection, page_messages.c.chat == clean(chat))
            kept = kept_photos.c.platform == _PLATFORM, kept_photos.c.chat == clean(chat)
            await connection.execute(delete(kept_photos).where(*kept))
            await _silence(connection, _in_chat(chat))
            letters = outbox.c.platform == _PLATFORM, outbox.c.chat == clean(chat)
            sent = update(outbox).where(*letters, outbox.c.state != "waiting")
            await connection.execute(sent.values(text="", photo=""))
            return gone

    async def sweep(self) -> None:
        """Remove the files of forgotten photos that nobody else has, and the traces of words."""
        if self._deleted:
            self._deleted = False
            if not await self._db.settle():
                self._deleted = True
        due = select(forgotten_photos.c.digest).where(
            or_(
                forgotten_photos.c.at <= self._clock() - _GRACE_S,
                forgotten_photos.c.at > self._clock(),  # the clock was put back
            )
        )
        async with self._db.read() as connection:
            digests = list((await connection.execute(due)).scalars())
        for digest in digests:
            await self._sweep_one(digest)

    async def _sweep_one(self, digest: str) -> None:
        """With the writer in hand, so that no row comes to need it meanwhile."""
        async with self._db.write() as connection:
            needed = (await connection.execute(select(_is_needed(digest)))).scalar_one()
            if needed or await self._photos.remove(digest, untouched_s=_UNTOUCHED_S):
                done = delete(forgotten_photos).where(forgotten_photos.c.digest == digest)
                await connection.execute(done)

    async def _forget(
        self, connection: Transaction, chat: str, entries: Sequence[int]
    ) -> list[int]:
        shown = await _bubbles(connection, chat, entries)
        digests = await _drop_turns(connection, chat, turns.c.inbox_id.in_(entries))
        await self._doom(connection, digests)
        gone = await self._drop_messages(connection, page_messages.c.id.in_(shown))
        gone += await self._drop_lone_photos(connection, chat, digests)
        await connection.execute(delete(kept_photos).where(kept_photos.c.inbox_id.in_(entries)))
        await _silence(connection, inbox.c.id.in_(entries))
        return gone

    async def _drop_messages(
        self, connection: Transaction, where: ColumnElement[bool]
    ) -> list[int]:
        dropped = delete(page_messages).where(where)
        returning = dropped.returning(page_messages.c.id, page_messages.c.photos)
        rows = (await connection.execute(returning)).all()
        self._deleted = True
        await self._doom(connection, {one for row in rows for one in json.loads(row.photos)})
        return [row.id for row in rows]

    async def _drop_lone_photos(
        self, connection: Transaction, chat: str, digests: Iterable[str]
    ) -> list[int]:
        """Photos that were sent without words for this question, unless another one is about
        them too."""
        gone: list[int] = []
        for digest in digests:
            here = and_(turns.c.platform == _PLATFORM, turns.c.chat == clean(chat))
            other = exists().where(here, _lists(turns.c.photos, digest))
            lone = and_(
                page_messages.c.chat == clean(chat),
                page_messages.c.text == "",
                _lists(page_messages.c.photos, digest),
                ~other,
            )
            gone += await self._drop_messages(connection, lone)
        return gone

    async def _doom(self, connection: Transaction, digests: Iterable[str]) -> None:
        rows = [{"digest": digest, "at": self._clock()} for digest in digests]
        if rows:
            await connection.execute(insert(forgotten_photos).on_conflict_do_nothing(), rows)


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


async def _drop_turns(connection: Transaction, chat: str, which: ColumnElement[bool]) -> set[str]:
    """The digests of their photos. NOTE: the numbers of the newest turns are given out again, so no
    window may begin behind them."""
    dropped = delete(turns).where(which).returning(turns.c.photos)
    photos = list((await connection.execute(dropped)).scalars())
    here = windows.c.platform == _PLATFORM, windows.c.chat == clean(chat)
    older = and_(
        *(turns.c[name] == windows.c[name] for name in ("platform", "chat", "thread", "member")),
        turns.c.id <= windows.c.after_turn,
    )
    newest = select(func.coalesce(func.max(turns.c.id), 0)).where(older).scalar_subquery()
    await connection.execute(update(windows).where(*here).values(after_turn=newest))
    return {digest for listed in photos for digest in json.loads(listed)}


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


def _is_needed(digest: str) -> ColumnElement[bool]:
    asked = and_(inbox.c.state.in_(OPEN), inbox.c.event.contains(digest))
    return or_(
        exists().where(_lists(page_messages.c.photos, digest)),
        exists().where(_lists(turns.c.photos, digest)),
        exists().where(_lists(ticket_lines.c.photos, digest)),
        exists().where(kept_photos.c.digest == digest),
        exists().where(outbox.c.photo == digest),
        exists().where(asked),
    )


def _lists(column: ColumnElement[str], digest: str) -> ColumnElement[bool]:
    return column.contains(f'"{digest}"')
