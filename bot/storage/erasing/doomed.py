"""Photos of deleted rows: their files go when nobody else needs them, and with them what the
database's log beside the file still says of what was deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.storage.answers import drop_answers_about
from bot.storage.db import Database, Transaction
from bot.storage.inbox import OPEN
from bot.storage.photos import Photos
from bot.storage.tables import (
    SOME_PHOTOS,
    forgotten_photos,
    inbox,
    kept_photos,
    outbox,
    page_messages,
    ticket_lines,
    turns,
    windows,
)

_GRACE_S = 60.0  # between the rows and the files
_UNTOUCHED_S = 1800.0  # longer than a question takes from its photos to its turns
_SETTLED_S = 2.0  # the same where no question is open that could have it


class Doomed:
    def __init__(
        self, db: Database, photos: Photos, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._photos = photos
        self._clock = clock
        self._unsettled = False  # rows were deleted since the log was emptied

    def deleted(self) -> None:
        """Rows were, whose words still stand in the log beside the file."""
        self._unsettled = True

    async def doom_with(self, connection: Transaction, digests: Iterable[str]) -> None:
        """In the transaction that deletes the rows."""
        self.deleted()
        rows = [{"digest": digest, "at": self._clock()} for digest in digests]
        if rows:
            await connection.execute(insert(forgotten_photos).on_conflict_do_nothing(), rows)

    async def sweep(self) -> None:
        """Whatever can go by now."""
        await self.settle()
        due = or_(
            forgotten_photos.c.at <= self._clock() - _GRACE_S,
            forgotten_photos.c.at > self._clock(),  # the clock was put back
        )
        for digest in await self._digests(due):
            await self._remove(digest, _UNTOUCHED_S)

    async def sweep_now(self) -> bool:
        """Of all that was doomed, without waiting; False: some are left to `sweep`, for they may be
        just what somebody asks about."""
        asked = select(inbox.c.id).where(inbox.c.state.in_(OPEN), _may_have_photos()).limit(1)
        async with self._db.read() as connection:
            is_open = (await connection.execute(asked)).first() is not None
        untouched_s = _UNTOUCHED_S if is_open else _SETTLED_S
        gone = [await self._remove(one, untouched_s) for one in await self._digests()]
        return all(gone)

    async def settle(self) -> bool:
        """False: somebody is reading or writing; another time."""
        if self._unsettled:
            self._unsettled = False
            self._unsettled = not await self._db.settle()
        return not self._unsettled

    async def _digests(self, *which: ColumnElement[bool]) -> list[str]:
        async with self._db.read() as connection:
            found = await connection.execute(select(forgotten_photos.c.digest).where(*which))
            return list(found.scalars())

    async def _remove(self, digest: str, untouched_s: float) -> bool:
        """With the writer in hand, so that no row comes to need it meanwhile."""
        async with self._db.write() as connection:
            needed = (await connection.execute(select(_is_needed(digest)))).scalar_one()
            gone = bool(needed) or await self._photos.remove(digest, untouched_s=untouched_s)
            if gone:
                done = delete(forgotten_photos).where(forgotten_photos.c.digest == digest)
                await connection.execute(done)
            if gone and not needed:
                await drop_answers_about(connection, [digest])
        return gone


async def drop_turns(connection: Transaction, which: ColumnElement[bool]) -> set[str]:
    """The digests of their photos. NOTE: the numbers of the newest turns are given out again, so no
    window may begin behind them."""
    dropped = delete(turns).where(which).returning(turns.c.photos)
    photos = list((await connection.execute(dropped)).scalars())
    newest = select(func.coalesce(func.max(turns.c.id), 0)).scalar_subquery()
    behind = update(windows).where(windows.c.after_turn > newest)
    await connection.execute(behind.values(after_turn=newest))
    return digests_in(photos)


def digests_in(lists: Iterable[str]) -> set[str]:
    """Of columns that hold a JSON list of them."""
    return {digest for listed in lists for digest in json.loads(listed)}


def lists(column: ColumnElement[str], digest: str) -> ColumnElement[bool]:
    return and_(SOME_PHOTOS, column.contains(f'"{digest}"'))


def _is_needed(digest: str) -> ColumnElement[bool]:
    asked = and_(inbox.c.state.in_(OPEN), inbox.c.event.contains(digest))
    return or_(
        *(
            exists(select(table.c.photos).where(lists(table.c.photos, digest)))
            for table in (page_messages, turns, ticket_lines)
        ),
        exists().where(kept_photos.c.digest == digest),
        exists().where(outbox.c.photo == digest),
        exists().where(asked),
    )


def _may_have_photos() -> ColumnElement[bool]:
    """Events of chats name photos by the platform's own ids."""
    return or_(*(inbox.c.event.contains(f'"{key}":') for key in ("photos", "quoted")))
