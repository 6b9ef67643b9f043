"""Passages of the knowledge base that go with a question, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.answering import sources
from bot.storage.knowledge import Knowledge, Passage
from bot.texts import Language
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
