"""Passages of the knowledge base that go with a question, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.answering import sources
from bot.rules import Rules
from bot.storage.knowledge import Knowledge, Passage
from bot.texts import Language
from inference.fallback import Excerpt
from inference.request import Turn
from inference.service import Service

SHARE = 4  # passages get a quarter of the context at most
_LEAST_PASSAGE = 40  # characters; less of a passage says nothing


@dataclass(frozen=True, slots=True)
class Found:
    passages: tuple[Passage, ...]
    block: str = ""  # of them, as the model reads it
    tokens: int = 0

    def before(self, question: str) -> str:
        return f"{self.block}\n\n{question}" if self.block else question


class Excerpts:
    """What the knowledge base has for people themselves, where no model answers."""

    def __init__(self, knowledge: Knowledge, rules: Rules) -> None:
        self._knowledge = knowledge
        self._rules = rules

    async def find(self, question: str, limit: int) -> list[Excerpt]:
        """None at all where [knowledge] says so."""
        limit = min(limit, self._rules.now.knowledge.passages)
        found = await self._knowledge.find(question, limit) if limit else []
        return [Excerpt(one.title, one.text, one.place) for one in found]


async def find(
    knowledge: Knowledge, service: Service, question: str, language: Language, *, limit: int
) -> Found:
    passages = await knowledge.find(question, limit)
    most = service.stats().context_tokens // SHARE
    while passages:
        block = sources.block(passages, language)
        tokens = await service.measure(Turn("user", block))
        if tokens <= most:
            return Found(tuple(passages), block, tokens)
        passages = _fewer(passages)
    return Found(())


def _fewer(passages: Sequence[Passage]) -> list[Passage]:
    """Without the last one; of the only one half, as long as that says something."""
    *others, last = passages
    half = last.text[: len(last.text) // 2]
    if others or len(half) < _LEAST_PASSAGE:
        return others
    return [replace(last, text=f"{half}…")]
