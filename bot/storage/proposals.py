"""The index of words of each engine: what has words of a question in it, the rarest words first.

On SQLite its own full-text index; on PostgreSQL a list of the words beside each passage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.words import is_beginning


class Proposals(Protocol):
    async def put(self, connection: AsyncConnection, passages: Mapping[int, str]) -> None: ...

    async def drop(self, connection: AsyncConnection, passages: Sequence[int]) -> None: ...

    async def propose(
        self, connection: AsyncConnection, asked: Sequence[str], limit: int
    ) -> list[tuple[int, str]]:
        """Passages with their words, the most likely first."""


class Fts5:
    """The order is that of BM25."""

    _PUT = text("INSERT INTO passage_words (rowid, words) VALUES (:passage, :words)")
    _DROP = text("DELETE FROM passage_words WHERE rowid = :passage")
    _PROPOSE = text(
        "SELECT rowid, words FROM passage_words WHERE passage_words MATCH :asked"
        " ORDER BY rank, rowid LIMIT :limit"
    )

    async def put(self, connection: AsyncConnection, passages: Mapping[int, str]) -> None:
        rows = [{"passage": id_, "words": words} for id_, words in passages.items()]
        if rows:
            await connection.execute(self._PUT, rows)

    async def all(self, connection: AsyncConnection) -> dict[int, str]:
        rows = await connection.execute(text("SELECT rowid, words FROM passage_words"))
        return {row.rowid: row.words for row in rows}

    async def drop(self, connection: AsyncConnection, passages: Sequence[int]) -> None:
        if passages:
            await connection.execute(self._DROP, [{"passage": id_} for id_ in passages])

    async def propose(
        self, connection: AsyncConnection, asked: Sequence[str], limit: int
    ) -> list[tuple[int, str]]:
        values = {"asked": _match(asked), "limit": limit}
        rows = await connection.execute(self._PROPOSE, values)
        return [(row.rowid, row.words) for row in rows]


class WordLists:
    """The order is that of BM25 with words counted once: what a word weighs is how rare it is, and
    a short passage with it says more than a long one."""

    _PUT = text(
        "INSERT INTO passage_words (passage, words, known) VALUES (:passage, :words, :known)"
    ).bindparams(bindparam("known", type_=ARRAY(Text)))
    _DROP = text("DELETE FROM passage_words WHERE passage = ANY(:passages)").bindparams(
        bindparam("passages", type_=ARRAY(BigInteger))
    )
    _PROPOSE = text(
        "WITH size AS MATERIALIZED (SELECT count(*) AS passages, avg(cardinality(known)) AS words"
        " FROM passage_words),"
        " asked AS MATERIALIZED (SELECT word,"
        " (SELECT count(*) FROM passage_words WHERE known @> ARRAY[word]) AS passages"
        " FROM unnest(:asked) AS word),"
        " weighed AS MATERIALIZED (SELECT word, ln(1 + (size.passages - asked.passages + 0.5)"
        " / (asked.passages + 0.5)) AS weight FROM asked, size)"
        " SELECT one.passage, one.words FROM passage_words AS one, size,"
        " LATERAL (SELECT sum(weight) AS weight FROM weighed WHERE word = ANY(one.known)) AS found"
        " WHERE one.known && :asked"
        " ORDER BY found.weight / (1.3 + 0.9 * cardinality(one.known) / size.words) DESC,"
        " one.passage LIMIT :limit"
    ).bindparams(bindparam("asked", type_=ARRAY(Text)))

    async def put(self, connection: AsyncConnection, passages: Mapping[int, str]) -> None:
        rows = [
            {"passage": id_, "words": words, "known": _known(words)}
            for id_, words in passages.items()
        ]
        if rows:
            await connection.execute(self._PUT, rows)

    async def drop(self, connection: AsyncConnection, passages: Sequence[int]) -> None:
        if passages:
            await connection.execute(self._DROP, {"passages": list(passages)})

    async def propose(
        self, connection: AsyncConnection, asked: Sequence[str], limit: int
    ) -> list[tuple[int, str]]:
        words = [_beginning(word) if is_beginning(word) else word for word in asked]
        rows = await connection.execute(self._PROPOSE, {"asked": words, "limit": limit})
        return [(row.passage, row.words) for row in rows]


def _match(asked: Sequence[str]) -> str:
    """Words hold letters and digits alone, so that quotation marks make them plain."""
    return " OR ".join(f'"{word}"*' if is_beginning(word) else f'"{word}"' for word in asked)


def _known(words: str) -> list[str]:
    """Each once, and the characters that words begin with."""
    there = set(words.split())
    return sorted(there | {_beginning(word) for word in there if is_beginning(word[0])})


def _beginning(word: str) -> str:
    return f"{word[0]}*"
