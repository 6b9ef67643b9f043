"""Which passages speak of a question: SQLite's own full-text index over our words.

The one door to the index; another database brings its own index behind the same three methods.
The index proposes passages, by BM25; how many of the question's words each one has decides which
are near enough, and their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.words import asked_words, is_beginning

_PROPOSED = 32
# Measured on a generated library (tests/bot/storage/library.py, 320 passages): of 960 questions the
# right passage is the first for 98.5 %, among five for 99.9 %, and near by 0.36 or more, but for
# one; questions about something else come as near as 0.29.
_NEAR_ENOUGH = 0.3
_ENOUGH_WORDS = 8.0  # of a long story, so many would do
_WEIGHT_OF_BEGINNING = 0.25  # a single character says less than a word

_PUT = text("INSERT INTO passage_words (rowid, words) VALUES (:passage, :words)")
_DROP = text("DELETE FROM passage_words WHERE rowid = :passage")
_PROPOSE = text(
    "SELECT rowid, words FROM passage_words WHERE passage_words MATCH :asked"
    " ORDER BY rank, rowid LIMIT :limit"
)


class Search:
    async def put(self, connection: AsyncConnection, passages: Mapping[int, str]) -> None:
        """Each passage's words_of, with spaces between."""
        rows = [{"passage": id_, "words": words} for id_, words in passages.items()]
        if rows:
            await connection.execute(_PUT, rows)

    async def drop(self, connection: AsyncConnection, passages: Sequence[int]) -> None:
        if passages:
            await connection.execute(_DROP, [{"passage": id_} for id_ in passages])

    async def find(self, connection: AsyncConnection, question: str, limit: int) -> list[int]:
        """Best first; without those that share too little with the question."""
        asked = asked_words(question)
        if not asked or limit == 0:
            return []
        values = {"asked": _match(asked), "limit": max(limit, _PROPOSED)}
        rows = (await connection.execute(_PROPOSE, values)).all()
        near = [(_nearness(asked, row.words), row.rowid) for row in rows]
        near.sort(key=lambda one: one[0], reverse=True)  # equals keep the order of the index
        return [id_ for nearness, id_ in near if nearness >= _NEAR_ENOUGH][:limit]


def _match(asked: Sequence[str]) -> str:
    """Words hold letters and digits alone, so that quotation marks make them plain."""
    return " OR ".join(f'"{word}"*' if is_beginning(word) else f'"{word}"' for word in asked)


def _nearness(asked: Sequence[str], words: str) -> float:
    """From 0 to nearly 1: the part of the question's words that the passage has. One word is
    added to them, which it has not: a single one in common says little."""
    there = set(words.split())
    begun = {word[0] for word in there}
    weights = {word: _WEIGHT_OF_BEGINNING if is_beginning(word) else 1.0 for word in asked}
    found = sum(
        weight
        for word, weight in weights.items()
        if word in there or (is_beginning(word) and word in begun)
    )
    asked_for = min(sum(weights.values()), _ENOUGH_WORDS)
    return found / (asked_for + min(asked_for, 1.0))
