"""Documents of the organisation, cut into passages, and the search in them.

Who changes something leaves a trace, by which the same act has its effect once (Audit.once).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.audit import Act, Audit, Outcome
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.search import Search
from bot.storage.tables import documents, passages
from bot.storage.words import words_of

Novelty = Literal["new", "replaced"]


@dataclass(frozen=True, slots=True)
class Passage:
    document: int
    title: str
    place: str  # "p. 3", "Sheet1!12"; empty where a document has no places
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it belongs to a document."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class NewDocument:
    title: str
    kind: str  # text, txt, md, pdf, docx, xlsx
    digest: str  # SHA-256 of what was sent
    who: str  # "platform:id"
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Document:
    id: int
    title: str
    kind: str
    who: str
    at: float
    passages: int
    characters: int


class Knowledge:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._audit = Audit(db, clock=clock)
        self._search = Search()

    async def find(self, question: str, limit: int) -> list[Passage]:
        """The passages that speak of what is asked, best first; none if nothing is near enough."""
        async with self._db.read() as connection:
            ids = await self._search.find(connection, question, limit)
            statement = _PASSAGES.where(passages.c.id.in_(ids))
            found = {row.id: _passage(row) for row in await connection.execute(statement)}
        return [found[id_] for id_ in ids]

    async def is_empty(self) -> bool:
        async with self._db.read() as connection:
            return (await connection.execute(select(documents.c.id).limit(1))).first() is None

    async def told(self, act: Act) -> str | None:
        """What an earlier run of this act said; None: nothing has been done yet."""
        return await self._audit.outcome(act.event)

    async def add(
        self, act: Act, new: NewDocument, tell: Callable[[Document, Novelty], str]
    ) -> str:
        """What is said by `tell`. A document of the same title or content is replaced."""
        words = await asyncio.to_thread(_words, new)  # of a book they take a second

        async def change(connection: AsyncConnection) -> Outcome:
            earlier = await self._take_out(connection, new)
            document = await self._put(connection, new, words, earlier)
            return Outcome(tell(document, "replaced" if earlier else "new"), document.title)

        return await self._audit.once(act, change)

    async def forget(self, act: Act, number: int, tell: Callable[[Document | None], str]) -> str:
        """What is said: `tell` gets what was forgotten; None: there was no such one."""

        async def change(connection: AsyncConnection) -> Outcome:
            document = await _document(connection, number)
            if document is not None:
                await self._drop(connection, document.id)
                await connection.execute(delete(documents).where(documents.c.id == document.id))
            return Outcome(tell(document), document.title if document else "")

        return await self._audit.once(act, change)

    async def documents(self) -> list[Document]:
        """All, oldest first."""
        async with self._db.read() as connection:
            rows = await connection.execute(select(documents).order_by(documents.c.id))
            return [_read_document(row) for row in rows]

    async def document(self, number: int) -> Document | None:
        async with self._db.read() as connection:
            return await _document(connection, number)

    async def passages(self, number: int, *, skip: int, limit: int) -> list[Passage]:
        """Of one document, in their order."""
        statement = (
            _PASSAGES.where(passages.c.document == number)
            .order_by(passages.c.number)
            .offset(skip)
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [_passage(row) for row in await connection.execute(statement)]

    async def _take_out(self, connection: AsyncConnection, new: NewDocument) -> int | None:
        """The number of the document that the new one replaces, without its passages now."""
        same_title = documents.c.title == clean(new.title)
        same = or_(same_title, documents.c.digest == new.digest)
        statement = select(documents.c.id).where(same).order_by(same_title.desc())
        ids = (await connection.execute(statement)).scalars().all()
        for id_ in ids:
            await self._drop(connection, id_)
        await connection.execute(delete(documents).where(documents.c.id.in_(ids[1:])))
        return ids[0] if ids else None

    async def _put(
        self, connection: AsyncConnection, new: NewDocument, words: list[str], number: int | None
    ) -> Document:
        row = {
            "title": clean(new.title),
            "kind": new.kind,
            "digest": new.digest,
            "who": clean(new.who),
            "at": self._clock(),
            "passages": len(new.pieces),
            "characters": sum(len(piece.text) for piece in new.pieces),
        }
        if number is None:
            inserted = await connection.execute(insert(documents).values(**row))
            assert inserted.inserted_primary_key is not None
            number = inserted.inserted_primary_key[0]
        else:
            where = documents.c.id == number
            await connection.execute(update(documents).where(where).values(**row))
        await self._put_passages(connection, number, new.pieces, words)
        document = await _document(connection, number)
        assert document is not None
        return document

    async def _put_passages(
        self, connection: AsyncConnection, number: int, pieces: Sequence[Piece], words: list[str]
    ) -> None:
        newest = select(func.coalesce(func.max(passages.c.id), 0))
        first = (await connection.execute(newest)).scalar_one() + 1
        rows = [
            {
                "id": first + at,
                "document": number,
                "number": at + 1,
                "place": clean(piece.place),
                "text": clean(piece.text),
            }
            for at, piece in enumerate(pieces)
        ]
        if rows:
            await connection.execute(insert(passages), rows)
            await self._search.put(connection, dict(enumerate(words, first)))

    async def _drop(self, connection: AsyncConnection, number: int) -> None:
        ids = select(passages.c.id).where(passages.c.document == number)
        await self._search.drop(connection, (await connection.execute(ids)).scalars().all())
        await connection.execute(delete(passages).where(passages.c.document == number))


_PASSAGES: Select[Any] = (  # Any: five columns, read by name below
    select(
        passages.c.id, passages.c.document, documents.c.title, passages.c.place, passages.c.text
    ).join(documents, documents.c.id == passages.c.document)
)


async def _document(connection: AsyncConnection, number: int) -> Document | None:
    row = (await connection.execute(select(documents).where(documents.c.id == number))).first()
    return None if row is None else _read_document(row)


def _words(new: NewDocument) -> list[str]:
    """Of each passage; the document's title is about all of them."""
    return [" ".join(words_of(f"{new.title}\n{piece.text}")) for piece in new.pieces]


def _passage(row: Row[Any]) -> Passage:  # Any: the columns of _PASSAGES
    return Passage(row.document, row.title, row.place, row.text)


def _read_document(row: Row[Any]) -> Document:  # Any: the columns are known to tables.py alone
    return Document(row.id, row.title, row.kind, row.who, row.at, row.passages, row.characters)
