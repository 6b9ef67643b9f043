"""What was said in each conversation, and the photos that still wait for their question."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Update,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import (
    Insert,
    insert,
)  # SQLite takes the same on_conflict clauses

from bot.event import Conversation
from bot.storage.db import Also, Database, Transaction
from bot.storage.event_json import clean
from bot.storage.inbox import OPEN, End, Entry
from bot.storage.tables import inbox, kept_photos, turns, windows

# A long conversation is read from near its end. The beginning of what is read moves in big steps
# only, because what the model sees first must stay the same from question to question.
_READ_AT_LEAST = 512  # turns
_READ_STEP = 256  # turns; even, so that a question is never read without its answer
_TURN = (turns.c.role, turns.c.text, turns.c.photos, turns.c.tokens)
_CONVERSATION = ("platform", "chat", "thread", "member")
_NO_PHOTOS = "[]"
_LETTERS_OF_ONE = 68  # a digest of 64 in its JSON list: with quotes, and a comma or the brackets


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as it is kept; `photos` are digests that Photos knows, `tokens` include them."""

    role: Literal["user", "assistant"]
    text: str
    photos: tuple[str, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo that waits for a question."""

    id: int
    digest: str
    message: str  # it came with


@dataclass(frozen=True, slots=True)
class Past:
    """What was said since the last /new."""

    turns: list[Said]  # oldest first: at most the last 767
    messages: int = 0  # that came before these
    photos: int = 0  # in those that came before
    newest_photos: tuple[str, ...] = ()  # of the last question that had any
    told_long: bool = False  # the person knows that old turns leave the window


class History:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def past(self, conversation: Conversation, *, without: int | None = None) -> Past:
        """`without`: the entry whose question is asked again; it and its answer are left out."""
        async with self._db.read() as connection:
            window = (await connection.execute(_window(conversation))).first()
            since = and_(
                _stands(conversation, without), turns.c.id > (window.after if window else 0)
            )
            count = (await connection.execute(_count(since))).scalar_one()
            skipped = max(0, count - _READ_AT_LEAST) // _READ_STEP * _READ_STEP
            rows = await connection.execute(_turns(since).offset(skipped).limit(count - skipped))
            photos = await connection.execute(_photos_in(_turns(since).limit(skipped)))
            newest = await connection.execute(_newest_photos(since))
            return Past(
                [_read_turn(row) for row in rows],
                skipped,
                photos.scalar() or 0,
                tuple(json.loads(newest.scalar() or "[]")),
                bool(window and window.told_long),
            )

    async def question_of(self, entry_id: int) -> Said | None:
        """The question of an answered entry, as it was last asked; None: it has no answer."""
        newest = turns.c.inbox_id == _newest_of(entry_id)
        statement = select(*_TURN).where(newest, turns.c.role == "user")
        async with self._db.read() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else _read_turn(row)

    async def photos_of(self, entry_id: int) -> list[str]:
        """The photos that an answered question was about: its own, else the newest before it."""
        about = turns.alias()
        asked = select(about).where(about.c.inbox_id == _newest_of(entry_id)).limit(1).subquery()
        there = and_(*(turns.c[name] == asked.c[name] for name in _CONVERSATION))
        begin = select(windows.c.after_turn).where(
            *(windows.c[name] == asked.c[name] for name in _CONVERSATION),
            windows.c.after_turn < asked.c.id,
        )
        since_then = turns.c.id > func.coalesce(begin.scalar_subquery(), 0)
        earlier = or_(turns.c.id == asked.c.id, turns.c.replaced_by.is_(None))
        statement = _newest_photos(and_(there, since_then, turns.c.id <= asked.c.id, earlier))
        async with self._db.read() as connection:
            photos = (await connection.execute(statement)).scalar()
        return list(json.loads(photos or _NO_PHOTOS))

    async def first_asked(self, entry_id: int) -> int | None:
        """The entry that asked this question first; None: it has no answer."""
        newest = _newest_of(entry_id)
        same = or_(turns.c.inbox_id == newest, turns.c.replaced_by == newest)
        first = select(turns.c.inbox_id).where(same).order_by(turns.c.inbox_id).limit(1)
        async with self._db.read() as connection:
            return (await connection.execute(first)).scalar()

    async def newest_answer(self, conversation: Conversation, person_id: str) -> int | None:
        """The entry of this person's last answered question there; None: there is none."""
        asked = and_(turns.c.inbox_id == inbox.c.id, inbox.c.person == clean(person_id))
        statement = (
            select(turns.c.inbox_id)
            .join(inbox, asked)
            .where(_stands(conversation))
            .order_by(turns.c.id.desc())
            .limit(1)
        )
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar()

    async def answered(
        self,
        entry: Entry,
        question: Said,
        answer: Said,
        used_photos: Sequence[int],
        *,
        replaces: int | None = None,
        tells_long: bool = False,
        also: Also | None = None,
    ) -> bool:
        """Keep both turns, let go of the photos they used, end the entry: all of it or nothing.

        `replaces`: the entry whose question was asked again; its answer leaves the window.
        `tells_long`: below this answer stands that old turns leave the window.
        False: the entry had its end already, and nothing was changed; `also` neither.
        """
        now = self._clock()
        used = delete(kept_photos).where(kept_photos.c.id.in_(used_photos))
        async with self._db.write() as connection:
            if not await self._end(connection, entry, "answered"):
                return False
            if replaces is not None:
                await connection.execute(_replace(replaces, by=entry.id))
            both = [_turn_row(entry, said, now) for said in (question, answer)]
            await connection.execute(turns.insert(), both)
            await connection.execute(used)
            if tells_long:
                await connection.execute(_tell_long(entry.event.conversation))
            if also is not None:
                await also(connection)
        return True

    async def unanswered(
        self,
        entry: Entry,
        state: End,
        used_photos: Sequence[int] | None = None,
        *,
        also: Also | None = None,
    ) -> None:
        """End the question without an answer and let go of the photos it used, or they would spoil
        the next one too; None: of all that waited for it."""
        used = _before(entry) if used_photos is None else kept_photos.c.id.in_(used_photos)
        async with self._db.write() as connection:
            if await self._end(connection, entry, state):
                await connection.execute(delete(kept_photos).where(used))
                if also is not None:
                    await also(connection)

    async def stopped(self, entry: Entry, digests: Sequence[str]) -> None:
        """End the question; its photos can still be asked about."""
        async with self._db.write() as connection:
            if await self._end(connection, entry, "stopped"):
                await self._keep(connection, entry, digests)

    async def renew(self, conversation: Conversation) -> None:
        """Nothing said so far belongs to the window any more; kept photos are forgotten."""
        where = _key(conversation)
        newest = select(func.coalesce(func.max(turns.c.id), 0)).where(_of(turns, conversation))
        forget = delete(kept_photos).where(_of(kept_photos, conversation))
        async with self._db.write() as connection:
            after = (await connection.execute(newest)).scalar_one()
            begin = {"after_turn": after, "told_long": False}
            move = insert(windows).values(**where, **begin)
            await connection.execute(
                move.on_conflict_do_update(index_elements=list(where), set_=begin)
            )
            await connection.execute(forget)

    async def keep_photos(self, entry: Entry, digests: Sequence[str]) -> None:
        """For the next question. Keeping the photos of one entry twice keeps them once."""
        async with self._db.write() as connection:
            await self._keep(connection, entry, digests)

    async def forget_photos(self, entry_ids: Collection[int]) -> None:
        """They came with these entries, and do not wait any more."""
        statement = delete(kept_photos).where(kept_photos.c.inbox_id.in_(entry_ids))
        async with self._db.write() as connection:
            await connection.execute(statement)

    async def kept_photos(self, asking: Entry) -> list[Kept]:
        """The photos that wait for this question: those that came before it, in that order."""
        statement = (
            select(kept_photos.c.id, kept_photos.c.digest, inbox.c.message)
            .join(inbox, inbox.c.id == kept_photos.c.inbox_id)
            .where(_before(asking))
            .order_by(kept_photos.c.inbox_id, kept_photos.c.id)
        )
        async with self._db.read() as connection:
            rows = await connection.execute(statement)
            return [Kept(row.id, row.digest, row.message) for row in rows]

    async def _end(self, connection: Transaction, entry: Entry, state: End) -> bool:
        """False: it had its end already."""
        ending = (
            update(inbox)
            .where(inbox.c.id == entry.id, inbox.c.state.in_(OPEN))
            .values(state=state, ended_at=self._clock())
        )
        return bool((await connection.execute(ending)).rowcount)

    async def _keep(self, connection: Transaction, entry: Entry, digests: Sequence[str]) -> None:
        where = {**_key(entry.event.conversation), "at": self._clock()}
        rows = [{"inbox_id": entry.id, **where, "digest": digest} for digest in digests]
        if rows:
            await connection.execute(insert(kept_photos).on_conflict_do_nothing(), rows)


def _key(conversation: Conversation) -> dict[str, str]:
    return {
        "platform": clean(conversation.platform),
        "chat": clean(conversation.chat),
        "thread": clean(conversation.thread),
        "member": clean(conversation.person),
    }


def _of(table: Table, conversation: Conversation) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key(conversation).items()))


def _before(entry: Entry) -> ColumnElement[bool]:
    own = _of(kept_photos, entry.event.conversation)
    return and_(own, kept_photos.c.inbox_id < entry.id)


def _window(conversation: Conversation) -> Select[int, bool]:
    columns = (windows.c.after_turn.label("after"), windows.c.told_long)
    return select(*columns).where(_of(windows, conversation))


def _stands(conversation: Conversation, without: int | None = None) -> ColumnElement[bool]:
    """The conversation's turns but those that another answer has replaced, or is about to."""
    there = and_(_of(turns, conversation), turns.c.replaced_by.is_(None))
    return there if without is None else and_(there, turns.c.inbox_id != _newest_of(without))


def _newest_of(entry_id: int) -> ColumnElement[int]:
    """The entry that has the last answer to the question of this one: mostly itself."""
    newest = select(turns.c.replaced_by).where(turns.c.inbox_id == entry_id).limit(1)
    return func.coalesce(newest.scalar_subquery(), entry_id)


def _replace(entry_id: int, *, by: int) -> Update:
    """All answers to this question so far, so that each of them knows the newest one."""
    newest = _newest_of(entry_id)
    earlier = or_(turns.c.inbox_id == newest, turns.c.replaced_by == newest)
    return update(turns).where(earlier).values(replaced_by=by)


def _tell_long(conversation: Conversation) -> Insert:
    where = _key(conversation)
    told = insert(windows).values(**where, after_turn=0, told_long=True)
    return told.on_conflict_do_update(index_elements=list(where), set_={"told_long": True})


def _count(where: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(turns).where(where)


def _turns(where: ColumnElement[bool]) -> Select[Any]:  # Any: the columns of _TURN
    return select(*_TURN).where(where).order_by(turns.c.id)


def _newest_photos(where: ColumnElement[bool]) -> Select[str]:
    with_photos = and_(where, turns.c.photos != _NO_PHOTOS)
    return select(turns.c.photos).where(with_photos).order_by(turns.c.id.desc()).limit(1)


def _photos_in(some: Select[Any]) -> Select[int]:
    """How many photos these turns have. What counts a JSON list differs between databases."""
    listed = some.subquery().c.photos
    return select(func.sum(func.length(listed) // _LETTERS_OF_ONE))


def _read_turn(row: Any) -> Said:  # Any: the columns of _TURN
    return Said(row.role, row.text, tuple(json.loads(row.photos)), row.tokens)


def _turn_row(entry: Entry, said: Said, now: float) -> dict[str, object]:
    return {
        "inbox_id": entry.id,
        **_key(entry.event.conversation),
        "role": said.role,
        "text": clean(said.text),
        "photos": json.dumps(said.photos),
        "tokens": said.tokens,
        "at": now,
    }
