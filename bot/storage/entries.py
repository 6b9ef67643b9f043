"""What a person asked on the page and was answered, as they look through it and delete of it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import turns

_PLATFORM = "web"
_LARGEST_ID = 2**63 - 1
_AT_ONCE = 100  # entries in memory while all of them are written out
_answers = turns.alias("answers")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its newest answer. `photos` are digests, also of those that came before it."""

    id: int  # of the inbox, so that it never means another one
    at: float  # when it was answered, seconds since 1970
    question: str
    photos: tuple[str, ...]
    answer: str


class Entries:
    """All searches alike: `after` <= time < `before`, None: whenever; and every one of `words`
    stands in the question or the answer. The newest come first."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def found(
        self,
        chat: str,
        *,
        after: float | None = None,
        before: float | None = None,
        words: Sequence[str] = (),
        below: int | None = None,
        limit: int,
    ) -> list[Asked]:
        """`below`: only those with a smaller id."""
        statement = _entries(chat).where(*_fits(after, before, words))
        if below is not None:
            statement = statement.where(turns.c.inbox_id < min(below, _LARGEST_ID))
        statement = statement.order_by(turns.c.inbox_id.desc()).limit(limit)
        async with self._db.read() as connection:
            return [_asked(row) for row in await connection.execute(statement)]

    async def each(
        self,
        chat: str,
        *,
        after: float | None = None,
        before: float | None = None,
        words: Sequence[str] = (),
    ) -> AsyncGenerator[Asked, None]:
        """All of them; one that is deleted meanwhile is left out."""
        below: int | None = None
        while some := await self.found(
            chat, after=after, before=before, words=words, below=below, limit=_AT_ONCE
        ):
            for asked in some:
                yield asked
            below = some[-1].id


def _entries(chat: str) -> Select[Any]:  # Any: the columns of Asked
    answer = and_(_answers.c.inbox_id == turns.c.inbox_id, _answers.c.role == "assistant")
    return (
        select(
            turns.c.inbox_id,
            turns.c.at,
            turns.c.text.label("question"),
            turns.c.photos,
            func.coalesce(_answers.c.text, "").label("answer"),
        )
        .join(_answers, answer, isouter=True)
        .where(
            turns.c.platform == _PLATFORM,
            turns.c.chat == clean(chat),
            turns.c.role == "user",
            turns.c.replaced_by.is_(None),
        )
    )


def _fits(
    after: float | None, before: float | None, words: Sequence[str]
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if after is not None:
        wanted.append(turns.c.at >= after)
    if before is not None:
        wanted.append(turns.c.at < before)
    for word in words:
        in_question = turns.c.text.icontains(clean(word), autoescape=True)
        wanted.append(or_(in_question, _answers.c.text.icontains(clean(word), autoescape=True)))
    return wanted


def _asked(row: Row[Any]) -> Asked:  # Any: the columns of _entries
    return Asked(row.inbox_id, row.at, row.question, tuple(json.loads(row.photos)), row.answer)
