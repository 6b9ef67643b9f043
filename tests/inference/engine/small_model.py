"""A model of a few lines, for tests of what is around one. It loads at once, its answers end only
where they must, and each letter follows from all that was computed before it."""

from __future__ import annotations

from collections.abc import Sequence as Items

import torch

from inference.engine.blocks import Move
from inference.engine.sequence import Chunk, Guide, Prompt
from inference.engine.settings import EngineSettings
from inference.engine.words.repetition import Repetition
from inference.engine.words.writing import Writing
from inference.errors import ContextTooLong
from inference.request import ChatRequest, Turn

NAME = "tests/small"  # in the form of a hub's, since it is no folder
_LETTERS = 26


class SmallLanguage:
    """Each byte is a token, and ends nothing."""

    ends = frozenset[int]()

    def __init__(self, context_tokens: int) -> None:
        self._context_tokens = context_tokens

    def prompt(self, request: ChatRequest) -> Prompt:
        tokens = tuple(request.turns[-1].text.encode())
        if len(tokens) >= self._context_tokens:
            raise ContextTooLong(len(tokens), self._context_tokens)
        return Prompt(tokens)

    def measure(self, turn: Turn) -> int:
        return len(turn.text.encode())

    def guide(self, request: ChatRequest) -> Guide | None:
        return None

    def writing(self, request: ChatRequest, seed: int) -> Writing:
        return Writing(self.decode, repetition=Repetition())

    def decode(self, tokens: Items[int]) -> str:
        return bytes(tokens).decode(errors="replace")


class SmallModel:
    """Keeps a number for each place in its pages, as others keep keys and values."""

    revision = "small"
    vision_s = 0.0
    pictures_encoded = 0
    host_pages = 0

    def __init__(self, settings: EngineSettings) -> None:
        self.context_tokens = settings.max_context_tokens
        self.page_tokens = settings.page_tokens
        self.step_tokens = settings.step_tokens or 2048
        self.pages = settings.max_sequences * -(-self.context_tokens // self.page_tokens)
        self.language = SmallLanguage(self.context_tokens)
        self._kept = [0] * (self.pages * self.page_tokens)

    def move(self, moves: Items[Move]) -> None:
        assert not moves, "there is no memory on the host"

    def forget(self) -> None:
        pass

    def give_back_memory(self) -> None:
        pass

    def forward(self, chunks: Items[Chunk]) -> torch.Tensor:
        rows = []
        for chunk in chunks:
            for index in range(chunk.start, chunk.end):
                before = self._kept[self._place(chunk, index - 1)] if index else 0
                known = before * 31 + chunk.sequence.tokens[index] + index
                self._kept[self._place(chunk, index)] = known % 65_521
            row = torch.zeros(256)
            row[ord("a") + self._kept[self._place(chunk, chunk.end - 1)] % _LETTERS] = 1
            rows += [row] if chunk.completes else []
        return torch.stack(rows) if rows else torch.empty(0, 256)

    def _place(self, chunk: Chunk, index: int) -> int:
        page = chunk.sequence.pages[index // self.page_tokens]
        return page * self.page_tokens + index % self.page_tokens
