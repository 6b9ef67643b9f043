"""Answers that are given again to the same question, see inference/earlier/answers.py.

Nobody waits for a write: what is to be kept lies in memory until `run` writes it down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.db import Database, Transaction
from bot.storage.errors import NotNow
from bot.storage.event_json import clean
from bot.storage.tables import answer_photos, answers
from inference.earlier.kept import Earlier, Kept
from inference.request import KeptAs, ToolCall, Usage

log = logging.getLogger(__name__)

_MOST_PENDING = 256  # to be written; what comes when there are so many is not kept
_MOST_ASKED = 32  # answers to one question that are compared
_STALE = 4
_CLEAN_EVERY_S = 60.0
_AFTER_FAULT_S = 5.0
_ROW_BYTES = 512  # of an answer beside its words


class EarlierAnswers:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._pending: deque[Kept] = deque()
        self._touched: dict[str, float] = {}
        self._news = asyncio.Event()

    async def find(self, key: str) -> Kept | None:
        """None also when the database fails: the model can answer."""
        for kept in reversed(self._pending):
            if kept.kept_as.key == key:
                return kept
        return await self._first(answers.c.key == key)

    async def get(self, number: int, owner: str) -> Kept | None:
        return await self._first(answers.c.id == number, answers.c.owner == clean(owner))

    async def asked(self, question: str) -> list[Earlier]:
        statement = (
            select(answers.c.id, answers.c.likeness, answers.c.at)
            .where(answers.c.question == question, answers.c.likeness != "")
            .order_by(answers.c.at.desc())
            .limit(_MOST_ASKED)
        )
        rows = await self._rows(statement)
        return [Earlier(row.id, bytes.fromhex(row.likeness), row.at) for row in rows]

    def put(self, kept: Kept) -> None:
        if len(self._pending) < _MOST_PENDING:
            self._pending.append(kept)
            self._news.set()

    def touch(self, key: str) -> None:
        if len(self._touched) < _MOST_PENDING:
            self._touched[key] = self._clock()
            self._news.set()

    async def run(self, *, max_age_s: float, max_bytes: int) -> None:
        """Writes, and lets go of what is too old or too much, until cancelled. What is older than
        `max_age_s` is given only while nobody can answer, and goes at four times that age."""
        cleaned_at = float("-inf")
        while True:
            try:
                if time.monotonic() - cleaned_at >= _CLEAN_EVERY_S:
                    await self.clean(lasts_s=_STALE * max_age_s, max_bytes=max_bytes)
                    cleaned_at = time.monotonic()
                await self.write()
            except (SQLAlchemyError, NotNow):  # the answers are given all the same
                log.exception("answers are not kept for now")
                await asyncio.sleep(_AFTER_FAULT_S)
                self._pending.clear()  # some may have been forgotten meanwhile
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLEAN_EVERY_S):
                    await self._news.wait()

    async def write(self) -> None:
        """All that waits for it."""
        self._news.clear()
        if not (self._pending or self._touched):
            return
        async with self._db.write() as connection:
            # taken with the writer in hand: what somebody forgets meanwhile is not written any more
            for _ in range(len(self._pending)):
                await _put(connection, self._pending.popleft())
            for key, at in list(self._touched.items()):
                used = update(answers).where(answers.c.key == key).values(used_at=at)
                await connection.execute(used)
                del self._touched[key]

    async def clean(self, *, lasts_s: float, max_bytes: int) -> int:
        """How many were too old, or not used for longest where there were too many."""
        now = self._clock()
        old = or_(answers.c.at <= now - lasts_s, answers.c.at > now + lasts_s)
        size = func.sum(answers.c.bytes).over(order_by=(answers.c.used_at.desc(), answers.c.id))
        sized = select(answers.c.id, size.label("upto")).subquery()
        beyond = select(sized.c.id).where(sized.c.upto > max_bytes)
        doomed = select(answers.c.id).where(or_(old, answers.c.id.in_(beyond)))
        async with self._db.read() as connection:  # it goes through all of them: nobody waits
            ids = list((await connection.execute(doomed)).scalars())
        if ids:
            async with self._db.write() as connection:
                await _drop_these(connection, ids)
        return len(ids)

    async def forget_with(self, transaction: Transaction, person: str) -> int:
        """All that was answered to "platform:id", of the API also to the users it named."""
        self._pending = deque(one for one in self._pending if not _is_of(one.owner, person))
        return await drop_answers_to(transaction, person)

    async def forget_before_with(self, transaction: Transaction, at: float) -> int:
        """All that was written before; seconds since 1970."""
        return await _drop(transaction, answers.c.at < at)

    async def _first(self, *where: ColumnElement[bool]) -> Kept | None:
        rows = await self._rows(select(answers).where(*where))
        return _kept(rows[0]) if rows else None

    async def _rows(self, statement: Any) -> Sequence[Row[Any]]:  # Any: of whatever columns
        try:
            async with self._db.read() as connection:
                return (await connection.execute(statement)).all()
        except (SQLAlchemyError, NotNow):
            log.exception("kept answers cannot be looked through")
            return ()


async def drop_answers_to(transaction: Transaction, person: str) -> int:
    """Those that are written down; as `EarlierAnswers.forget_with`."""
    own = clean(person)
    theirs = answers.c.owner.startswith(f"{own}:", autoescape=True)
    return await _drop(transaction, or_(answers.c.owner == own, theirs))


async def drop_answers_about(transaction: Transaction, digests: Iterable[str]) -> int:
    """All that was said about these photos, to whomever; they are named as Photos does."""
    about = select(answer_photos.c.answer_id).where(answer_photos.c.digest.in_(list(digests)))
    return await _drop(transaction, answers.c.id.in_(about))


def _is_of(owner: str, person: str) -> bool:
    return owner == person or owner.startswith(f"{person}:")


async def _put(connection: Transaction, kept: Kept) -> None:
    values = _values(kept)
    statement = insert(answers).values(**values)
    changed = {name: value for name, value in values.items() if name != "key"}
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=changed)
    id_ = (await connection.execute(statement.returning(answers.c.id))).scalar_one()
    await connection.execute(delete(answer_photos).where(answer_photos.c.answer_id == id_))
    photos = [{"answer_id": id_, "digest": digest} for digest in kept.sources]
    if photos:
        await connection.execute(insert(answer_photos), photos)


async def _drop(connection: Transaction, which: ColumnElement[bool]) -> int:
    doomed = select(answers.c.id).where(which)
    ids = list((await connection.execute(doomed)).scalars())
    await _drop_these(connection, ids)
    return len(ids)


async def _drop_these(connection: Transaction, ids: Sequence[int]) -> None:
    for first in range(0, len(ids), 500):  # SQLite takes no endless list
        some = ids[first : first + 500]
        await connection.execute(delete(answer_photos).where(answer_photos.c.answer_id.in_(some)))
        await connection.execute(delete(answers).where(answers.c.id.in_(some)))


def _values(kept: Kept) -> dict[str, object]:
    calls = json.dumps([[call.id, call.name, call.arguments] for call in kept.calls])
    usage = kept.usage
    words = clean(kept.text), clean(kept.reasoning), clean(calls)
    return {
        "key": kept.kept_as.key,
        "owner": clean(kept.owner),
        "model": clean(kept.kept_as.model),
        "text": words[0],
        "reasoning": words[1],
        "calls": words[2],
        "finish": kept.finish,
        "usage": json.dumps([usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens]),
        "question": kept.kept_as.question,
        "likeness": kept.kept_as.likeness.hex(),
        "at": kept.at,
        "used_at": kept.at,
        "attempt_of": clean(kept.attempt_of),
        "bytes": _ROW_BYTES + sum(len(text.encode("utf-8")) for text in words),
    }


def _kept(row: Row[Any]) -> Kept:  # Any: a row of `answers`
    return Kept(
        KeptAs(row.key, row.model, row.question, bytes.fromhex(row.likeness)),
        row.text,
        row.finish,
        Usage(*json.loads(row.usage)),
        row.owner,
        row.at,
        row.reasoning,
        tuple(ToolCall(*call) for call in json.loads(row.calls)),
        attempt_of=row.attempt_of,
    )
