"""Which open entries this program deals with: each is in one hand, and a chat's in one at a time.

An entry is taken only when all earlier ones of its chat have ended or are ours, so that order,
/stop and albums are one program's own affair. Of several programs each takes the chats of its
share, and others' after a moment, for they may be busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from sqlalchemy import ColumnElement, and_, delete, exists, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.sql.selectable import FromClause

from bot.storage.db import Database, Transaction
from bot.storage.tables import claims, inbox

Chat = tuple[str, str]  # platform, chat

_OTHERS_AFTER_S = 2.0  # so long an entry is left to the one whose share it is
_CHATS = 256  # looked at in one transaction
_ENTRIES = 1024  # the same
# As literals, so that the index of open entries is taken.
_OPEN: list[ColumnElement[str]] = [literal_column("'new'"), literal_column("'waiting'")]


@dataclass(frozen=True, slots=True)
class _Free:
    """An open entry that we do not have."""

    id: int
    chat: Chat
    received_at: float
    replica: int | None  # to whom it came, or who has it meanwhile
    follows: bool  # we have earlier ones of its chat


class Claims:
    """For one caller."""

    def __init__(
        self,
        db: Database,
        *,
        platforms: Callable[[], Collection[str]],
        living: Callable[[], Sequence[int]] = lambda: (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`platforms`: what we can speak to now. `living`: all replicas, always in the same order;
        empty: only we."""
        self._db = db
        self._platforms = platforms
        self._living = living
        self._clock = clock
        self._taking: list[int] = []  # it is not known whether that was committed

    async def take(self, room: Mapping[Chat, int], *, usual: int, most: int) -> list[int]:
        """The numbers of entries that are ours from now on, in the order they came: at most `most`,
        and of each chat `usual` or what `room` says of it. Empty: there are none for now."""
        if taken := await self._taken():
            return taken
        full = [chat for chat, number in room.items() if number <= 0]
        if not await self._are_some(full):
            return []
        async with self._db.stroke() as connection:
            free = await self._free(connection, await self._firsts(connection, full))
            self._taking = list(self._chosen(free, room, usual, most))
            await self._take(connection, self._taking)
        return await self._taken()

    async def _are_some(self, full: Sequence[Chat]) -> bool:
        free = self._in_reach(inbox, full), ~_claim_on(inbox, claims.c.taken)
        async with self._db.read() as connection:
            found = await connection.execute(select(inbox.c.id).where(*free).limit(1))
            return found.first() is not None

    async def _firsts(self, connection: Transaction, full: Sequence[Chat]) -> dict[Chat, bool]:
        """Chats that are nobody's or ours, and whether we have their first entry, which is locked:
        whoever holds it alone may take of the chat."""
        me = self._db.replica
        earlier, free = inbox.alias(), inbox.alias()
        ours = _claim_on(inbox, claims.c.replica == me, claims.c.taken).label("ours")
        chats = (
            select(inbox.c.platform, inbox.c.chat, ours)
            .where(
                self._in_reach(inbox, full),
                ~exists().where(
                    _same_chat(earlier, inbox), _open(earlier), _before(earlier, inbox)
                ),
                ~_claim_on(inbox, claims.c.replica != me),
                exists().where(
                    _same_chat(free, inbox), _open(free), ~_claim_on(free, claims.c.taken)
                ),
            )
            .order_by(inbox.c.id)
            .limit(_CHATS)
            .with_for_update(of=inbox, skip_locked=True)
        )
        rows = await connection.execute(chats)
        return {(row.platform, row.chat): bool(row.ours) for row in rows}

    async def _free(self, connection: Transaction, firsts: Mapping[Chat, bool]) -> list[_Free]:
        """Read when the chats are locked, so that all that was taken before is seen."""
        if not firsts:
            return []
        ours_already = and_(claims.c.replica == self._db.replica, claims.c.taken)
        entries = (
            select(
                inbox.c.id, inbox.c.platform, inbox.c.chat, inbox.c.received_at, claims.c.replica
            )
            .join(claims, claims.c.inbox_id == inbox.c.id, isouter=True)
            .where(
                tuple_(inbox.c.platform, inbox.c.chat).in_(list(firsts)),
                _open(inbox),
                or_(claims.c.inbox_id.is_(None), ~ours_already),
            )
            .order_by(inbox.c.id)
            .limit(_ENTRIES)
        )
        return [
            _Free(
                row.id,
                (row.platform, row.chat),
                row.received_at,
                row.replica,
                follows=firsts[row.platform, row.chat],
            )
            for row in await connection.execute(entries)
        ]

    def _chosen(
        self, free: Sequence[_Free], room: Mapping[Chat, int], usual: int, most: int
    ) -> Iterator[int]:
        left = {one.chat: usual for one in free} | dict(room)
        for one in free:
            if most and left[one.chat] > 0 and self._is_for_us(one):
                left[one.chat] -= 1
                most -= 1
                yield one.id
            else:
                left[one.chat] = 0  # nor what came after it

    def _is_for_us(self, one: _Free) -> bool:
        if one.replica is not None:
            return one.replica == self._db.replica
        living = self._living()
        if one.follows or len(living) < 2:
            return True
        owner = living[crc32(":".join(one.chat).encode("utf-8", "replace")) % len(living)]
        return owner == self._db.replica or self._clock() - one.received_at > _OTHERS_AFTER_S

    async def _take(self, connection: Transaction, entry_ids: Sequence[int]) -> None:
        me = self._db.replica
        over = ~exists().where(inbox.c.id == claims.c.inbox_id, _open(inbox))
        await connection.execute(delete(claims).where(claims.c.replica == me, over))
        if entry_ids:
            ours = {"replica": me, "taken": True}
            statement = insert(claims).on_conflict_do_update(index_elements=["inbox_id"], set_=ours)
            await connection.execute(statement, [{"inbox_id": id_} | ours for id_ in entry_ids])

    async def _taken(self) -> list[int]:
        if not self._taking:
            return []
        ours = claims.c.replica == self._db.replica, claims.c.taken
        found = select(claims.c.inbox_id).where(claims.c.inbox_id.in_(self._taking), *ours)
        async with self._db.read() as connection:
            numbers = (await connection.execute(found.order_by(claims.c.inbox_id))).scalars()
            taken = list(numbers)
        self._taking = []
        return taken

    def _in_reach(self, table: FromClause, full: Sequence[Chat]) -> ColumnElement[bool]:
        """Open, on a platform that we can speak to, and not of these chats."""
        chat = tuple_(table.c.platform, table.c.chat)
        known = table.c.platform.in_(list(self._platforms()))
        return and_(_open(table), known, *([chat.not_in(full)] if full else []))


def _open(entries: FromClause) -> ColumnElement[bool]:
    return entries.c.state.in_(_OPEN)


def _same_chat(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.platform == other.c.platform, one.c.chat == other.c.chat)


def _before(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return one.c.id < other.c.id


def _claim_on(entries: FromClause, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(claims.c.inbox_id == entries.c.id, *which)
