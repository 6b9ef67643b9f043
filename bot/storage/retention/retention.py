"""What is older than `[retention]` allows is deleted, a little at a time.

Each transaction takes a few milliseconds, so that whoever writes meanwhile does not wait; whatever
is interrupted goes on with the next round, for what is left is found by its age again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from bot.storage.db import Database, Transaction
from bot.storage.erasing.doomed import Doomed, digests_in, drop_turns
from bot.storage.erasing.emptied import empty_tickets
from bot.storage.erasing.hidden import is_hidden
from bot.storage.erasing.spent import spend
from bot.storage.inbox import OPEN
from bot.storage.photos import Photos
from bot.storage.retention.clock import TrustedClock
from bot.storage.retention.old_photos import OldPhotos
from bot.storage.retention.section import RetentionSection
from bot.storage.tables import (
    audit,
    broadcasts,
    cases,
    chats,
    inbox,
    kept_photos,
    ledger,
    outbox,
    outbox_messages,
    page_messages,
    parts,
    people,
    promises,
    ratings,
    replies,
    sessions,
    sign_in_links,
    tellings,
    tickets,
    turns,
    windows,
)

log = logging.getLogger(__name__)

_AT_ONCE = 200  # rows in one transaction: a few milliseconds
_EVERY_S = 600.0
_AFTER_FAULT_S = 60.0
_MONTH_S = 32 * 86_400.0
_WEEK_S = 7 * 86_400.0

Sleep = Callable[[float], Awaitable[None]]
# More that goes with people's words: all from before a moment.
Further = Callable[[Transaction, float], Awaitable[object]]
_Drop = Callable[[Transaction, Sequence[Row[Any]]], Awaitable[None]]  # Any: of whatever columns


@dataclass(frozen=True, slots=True)
class _Kind:
    """`what`: in the log. `lasts_s`: 0, for ever. `old`: the keys of rows from before a moment."""

    what: str
    lasts_s: float
    old: Callable[[float], Select[Any]]  # Any: of whatever columns
    drop: _Drop


class Retention:
    def __init__(
        self,
        db: Database,
        photos: Photos,
        section: Callable[[], RetentionSection],
        further: Sequence[Further] = (),
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._db = db
        self._section = section
        self._further = further
        self._clock = TrustedClock(db, clock=clock, ticks=ticks)
        self._sleep = sleep
        self._doomed = Doomed(db, photos, clock=clock)
        self._old_photos = OldPhotos(db, photos)

    async def run(self) -> None:
        """Until cancelled: now, then every few minutes."""
        while True:
            pause_s = _EVERY_S
            try:
                await self.look()
            except Exception:  # the database may be full or locked; what is old stays a while
                log.exception("what is too old could not be deleted")
                pause_s = _AFTER_FAULT_S
            await self._sleep(pause_s)

    async def look(self) -> None:
        """Once through all that is kept."""
        now = await self._clock.now()
        if self._clock.doubts:
            log.warning("the clock has leapt forward; nothing counts as older by that for an hour")
        section = self._section()
        for kind in self._kinds(section):
            if kind.lasts_s:
                await self._delete(kind, now - kind.lasts_s)
        if section.text_s:
            async with self._db.write() as connection:
                for forget in self._further:
                    await forget(connection, now - section.text_s)
        await self._old_photos.remove(now, section.photos_s)
        await self._doomed.sweep()

    def _kinds(self, section: RetentionSection) -> list[_Kind]:
        text_s = section.text_s
        rows_s = max(text_s, section.names_s) if text_s and section.names_s else 0.0
        return [
            _Kind("turns", text_s, _old(turns, turns.c.at), self._drop_turns),
            _Kind("windows", text_s, _empty_windows, _dropper(windows)),
            _Kind("messages of the page", text_s, _old_messages, self._drop_messages),
            _Kind(
                "photos without a question",
                text_s,
                _old(kept_photos, kept_photos.c.at),
                self._drop_kept_photos,
            ),
            _Kind("events", text_s, _old_events, self._spend),
            _Kind("letters", text_s, _old_letters, _drop_letters),
            _Kind("names of events", rows_s, _old_entries, _drop_entries),
            _Kind("tickets", section.tickets_s, _old_tickets, self._empty_tickets),
            _Kind("cases", section.cases_s, _old(cases, cases.c.at), _dropper(cases)),
            _Kind("acts", section.audit_s, _old(audit, audit.c.at), _dropper(audit)),
            _Kind("broadcasts", section.audit_s, _old_broadcasts, _dropper(broadcasts)),
            _Kind("amounts", section.ledger_s, _old_amounts, _dropper(ledger)),
            _Kind("hashes of names", _MONTH_S, _old_hidden, _drop_hidden),
            _Kind("people", section.people_s, _old_people, _dropper(people)),
            _Kind("chats", section.people_s, _old(chats, chats.c.last_seen), _dropper(chats)),
            _Kind("tellings", _WEEK_S, _old(tellings, tellings.c.at), _dropper(tellings)),
            _Kind("sessions", 1.0, _old(sessions, sessions.c.expires_at), _dropper(sessions)),
            _Kind(
                "sign-in links",
                1.0,
                _old(sign_in_links, sign_in_links.c.expires_at),
                _dropper(sign_in_links),
            ),
        ]

    async def _delete(self, kind: _Kind, before: float) -> None:
        """They are looked for without the writer in hand, which may take longer."""
        deleted = 0
        while True:
            async with self._db.read() as connection:
                rows = (await connection.execute(kind.old(before).limit(_AT_ONCE))).all()
            if not rows:
                break
            async with self._db.write() as connection:
                await kind.drop(connection, rows)
            deleted += len(rows)
        if deleted:
            self._doomed.deleted()
            log.info("%d too old: %s deleted", deleted, kind.what)

    async def _drop_turns(self, connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        digests = await drop_turns(connection, turns.c.id.in_(_ids(rows)))
        await self._doomed.doom_with(connection, digests)

    async def _drop_messages(self, connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        dropped = delete(page_messages).where(page_messages.c.id.in_(_ids(rows)))
        listed = (await connection.execute(dropped.returning(page_messages.c.photos))).scalars()
        await self._doomed.doom_with(connection, digests_in(listed))

    async def _drop_kept_photos(self, connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        dropped = delete(kept_photos).where(kept_photos.c.id.in_(_ids(rows)))
        digests = (await connection.execute(dropped.returning(kept_photos.c.digest))).scalars()
        await self._doomed.doom_with(connection, set(digests))

    async def _spend(self, connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        await spend(connection, inbox.c.id.in_(_ids(rows)), 0.0)

    async def _empty_tickets(self, connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        digests = await empty_tickets(connection, _ids(rows), 0.0)
        await self._doomed.doom_with(connection, digests)


def _ids(rows: Sequence[Row[Any]]) -> list[int]:
    return [row.id for row in rows]


def _old(table: Table, at: ColumnElement[float]) -> Callable[[float], Select[Any]]:
    def old(before: float) -> Select[Any]:
        return select(*table.primary_key.columns).where(at < before)

    return old


def _dropper(table: Table) -> _Drop:
    async def drop(connection: Transaction, rows: Sequence[Row[Any]]) -> None:
        keys = [tuple(row) for row in rows]
        own = tuple_(*table.primary_key.columns).in_(keys)
        await connection.execute(delete(table).where(own))

    return drop


def _empty_windows(_before: float) -> Select[Any]:
    names = ("platform", "chat", "thread", "member")
    same = and_(*(turns.c[name] == windows.c[name] for name in names))
    return select(*windows.primary_key.columns).where(~exists().where(same))


def _old_messages(before: float) -> Select[Any]:
    return select(page_messages.c.id).where(page_messages.c.at < before, page_messages.c.final)


def _old_events(before: float) -> Select[Any]:
    """But those that are asked about together with a question that still waits."""
    question = inbox.alias()
    joined = and_(parts.c.inbox_id == inbox.c.id, question.c.id == parts.c.asked_as)
    waits = exists().where(joined, question.c.state.in_(OPEN))
    return select(inbox.c.id).where(inbox.c.ended_at < before, inbox.c.event != "", ~waits)


def _old_letters(before: float) -> Select[Any]:
    """But those of a broadcast under way, which counts them."""
    under_way = exists().where(
        broadcasts.c.state == "sending", broadcasts.c.at <= outbox.c.at, outbox.c.batch != ""
    )
    return select(outbox.c.id).where(outbox.c.ended_at < before, ~under_way)


async def _drop_letters(connection: Transaction, rows: Sequence[Row[Any]]) -> None:
    sent = outbox_messages.c.outbox_id.in_(_ids(rows))
    await connection.execute(delete(outbox_messages).where(sent))
    await connection.execute(delete(outbox).where(outbox.c.id.in_(_ids(rows))))


def _old_entries(before: float) -> Select[Any]:
    """NOTE: the newest stays, for its number would be given out again, and nobody would look at
    who has it then."""
    newest = select(func.max(inbox.c.id)).scalar_subquery()
    has_turns = exists().where(turns.c.inbox_id == inbox.c.id)
    return select(inbox.c.id).where(
        inbox.c.event == "", inbox.c.ended_at < before, inbox.c.id < newest, ~has_turns
    )


async def _drop_entries(connection: Transaction, rows: Sequence[Row[Any]]) -> None:
    ids = _ids(rows)
    for table in (replies, ratings, promises, kept_photos):
        await connection.execute(delete(table).where(table.c.inbox_id.in_(ids)))
    of_parts = or_(parts.c.inbox_id.in_(ids), parts.c.asked_as.in_(ids))
    await connection.execute(delete(parts).where(of_parts))
    used = update(ledger).where(ledger.c.inbox_id.in_(ids))
    await connection.execute(used.values(inbox_id=None))
    await connection.execute(delete(inbox).where(inbox.c.id.in_(ids)))


def _old_tickets(before: float) -> Select[Any]:
    closed = tickets.c.state == "closed", tickets.c.closed_at < before
    return select(tickets.c.id).where(*closed, tickets.c.person != "")


def _old_broadcasts(before: float) -> Select[Any]:
    over = broadcasts.c.state.in_(("done", "cancelled", "draft"))
    return select(broadcasts.c.id).where(broadcasts.c.at < before, over)


def _old_amounts(before: float) -> Select[Any]:
    return select(ledger.c.id).where(ledger.c.at < before, ledger.c.state == "settled")


def _old_hidden(before: float) -> Select[Any]:
    return select(ledger.c.id).where(is_hidden(ledger.c.person), ledger.c.at < before)


async def _drop_hidden(connection: Transaction, rows: Sequence[Row[Any]]) -> None:
    """The amounts stay, nobody's."""
    own = update(ledger).where(ledger.c.id.in_(_ids(rows)))
    await connection.execute(own.values(person=""))


def _old_people(before: float) -> Select[Any]:
    """Who was given a role, or shut out until later, is remembered."""
    plain = or_(people.c.role.is_(None), people.c.role == "guest")
    free = func.coalesce(people.c.banned_until, 0.0) < before
    return select(*people.primary_key.columns).where(people.c.last_seen < before, plain, free)
