"""Which passages speak of a question.

The one door to the index. It proposes passages; how many of the question's words each one has
decides which are near enough, and their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.proposals import Fts5, Proposals, WordLists
from bot.storage.words import asked_words, is_beginning

_PROPOSED = 32
# Measured on a generated library (tests/bot/storage/library.py, 320 passages): of 960 questions the
# right passage is the first for 98.5 %, among five for 99.9 %, and near by 0.36 or more, but for
# one; questions about something else come as near as 0.29.
_NEAR_ENOUGH = 0.3
_ENOUGH_WORDS = 8.0  # of a long story, so many would do
_WEIGHT_OF_BEGINNING = 0.25  # a single character says less than a word


class Search:
    def __init__(self) -> None:
        self._of: dict[str, Proposals] = {"sqlite": Fts5(), "postgresql": WordLists()}

    async def put(self, connection: AsyncConnection, passages: Mapping[int, str]) -> None:
        """Each passage's words_of, with spaces between."""
        await self._of[connection.dialect.name].put(connection, passages)

    async def drop(self, connection: AsyncConnection, passages: Sequence[int]) -> None:
        await self._of[connection.dialect.name].drop(connection, passages)

    async def find(self, connection: AsyncConnection, question: str, limit: int) -> list[int]:
        """Best first; without those that share too little with the question."""
        asked = asked_words(question)
        if not asked or limit == 0:
            return []
        index = self._of[connection.dialect.name]
        proposed = await index.propose(connection, asked, max(limit, _PROPOSED))
        near = [(_nearness(asked, words), id_) for id_, words in proposed]
        near.sort(key=lambda one: one[0], reverse=True)  # equals keep the order of the index
        return [id_ for nearness, id_ in near if nearness >= _NEAR_ENOUGH][:limit]


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
