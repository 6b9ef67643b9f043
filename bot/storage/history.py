"""What was said in each conversation, and the photos that still wait for their question."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, Table, and_, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert  # PostgreSQL's takes the same on_conflict clauses

from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.inbox import OPEN, End, Entry
from bot.storage.tables import inbox, kept_photos, turns, windows

# A long conversation is read from near its end. The beginning of what is read moves in big steps
# only, because what the model sees first must stay the same from question to question.
_READ_AT_LEAST = 512  # turns
_READ_STEP = 256  # turns; even, so that a question is never read without its answer


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as it is kept; `photos` are digests that Photos knows, `tokens` include them."""

    role: Literal["user", "assistant"]
    text: str
    photos: tuple[str, ...]
    tokens: int


class History:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def window(self, conversation: Conversation) -> list[Said]:
        """All that was said since the last /new, oldest first: at most its last 767 turns."""
        begin = select(windows.c.after_turn).where(_of(windows, conversation)).scalar_subquery()
        since = and_(_of(turns, conversation), turns.c.id > func.coalesce(begin, 0))
        async with self._db.read() as connection:
            count = (await connection.execute(_count(since))).scalar_one()
            skipped = max(0, count - _READ_AT_LEAST) // _READ_STEP * _READ_STEP
            rows = await connection.execute(_turns(since).offset(skipped).limit(count - skipped))
            return [_read_turn(row) for row in rows]

    async def answered(
        self, entry: Entry, question: Said, answer: Said, used_photos: Sequence[int]
    ) -> bool:
        """Keep both turns, let go of the photos they used, end the entry: all of it or nothing.

        False: the entry had its end already, and nothing was changed.
        """
        now = self._clock()
        ending = (
            update(inbox)
            .where(inbox.c.id == entry.id, inbox.c.state.in_(OPEN))
            .values(state="answered", ended_at=now)
        )
        used = delete(kept_photos).where(kept_photos.c.id.in_(used_photos))
        async with self._db.write() as connection:
            if (await connection.execute(ending)).rowcount == 0:
                return False
            both = [_turn_row(entry, said, now) for said in (question, answer)]
            await connection.execute(turns.insert(), both)
            await connection.execute(used)
        return True

    async def unanswered(self, entry: Entry, state: End) -> None:
        """End the question without an answer and let go of the photos that waited for it, or they
        would spoil the next one too."""
        ending = (
            update(inbox)
            .where(inbox.c.id == entry.id, inbox.c.state.in_(OPEN))
            .values(state=state, ended_at=self._clock())
        )
        async with self._db.write() as connection:
            if (await connection.execute(ending)).rowcount:
                await connection.execute(delete(kept_photos).where(_before(entry)))

    async def renew(self, conversation: Conversation) -> None:
        """Nothing said so far belongs to the window any more; kept photos are forgotten."""
        where = _key(conversation)
        newest = select(func.coalesce(func.max(turns.c.id), 0)).where(_of(turns, conversation))
        forget = delete(kept_photos).where(_of(kept_photos, conversation))
        async with self._db.write() as connection:
            after = (await connection.execute(newest)).scalar_one()
            move = insert(windows).values(**where, after_turn=after)
            await connection.execute(
                move.on_conflict_do_update(index_elements=list(where), set_={"after_turn": after})
            )
            await connection.execute(forget)

    async def keep_photos(self, entry: Entry, digests: Sequence[str]) -> None:
        """Keeping the photos of one entry twice keeps them once."""
        where = _key(entry.event.conversation)
        rows = [{"inbox_id": entry.id, **where, "digest": digest} for digest in digests]
        if not rows:
            return
        async with self._db.write() as connection:
            await connection.execute(insert(kept_photos).on_conflict_do_nothing(), rows)

    async def kept_photos(self, asking: Entry) -> list[tuple[int, str]]:
        """(id, digest) of the photos that wait for this question, oldest first: those that came
        before it. `answered` takes the ids."""
        statement = (
            select(kept_photos.c.id, kept_photos.c.digest)
            .where(_before(asking))
            .order_by(kept_photos.c.id)
        )
        async with self._db.read() as connection:
            return [(row.id, row.digest) for row in await connection.execute(statement)]


def _key(conversation: Conversation) -> dict[str, str]:
    return {
        "platform": clean(conversation.platform),
        "chat": clean(conversation.chat),
        "thread": clean(conversation.thread),
    }


def _of(table: Table, conversation: Conversation) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key(conversation).items()))


def _before(entry: Entry) -> ColumnElement[bool]:
    own = _of(kept_photos, entry.event.conversation)
    return and_(own, kept_photos.c.inbox_id < entry.id)


def _count(where: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(turns).where(where)


def _turns(where: ColumnElement[bool]) -> Select[Any]:  # Any: four columns, read by name below
    columns = (turns.c.role, turns.c.text, turns.c.photos, turns.c.tokens)
    return select(*columns).where(where).order_by(turns.c.id)


def _read_turn(row: Row[Any]) -> Said:
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
