"""The seam to whatever runs the model: a process of our own today, a remote server tomorrow."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from inference.request import ChatRequest, Delta, Turn


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot for people and metrics; nothing in it is needed to answer."""

    model: str
    context_tokens: int  # the longest prompt plus answer
    running: int = 0
    waiting: int = 0
    pages: int = 0
    pages_used: int = 0
    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    pictures_encoded: int = 0
    restarts: int = 0
    up: bool = True  # whether it can be asked now; False while it restarts or once it is given up


class Engine(Protocol):
    async def start(self) -> None:
        """Load the model; raises ModelUnusable. Returns when the first question can be answered."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Yield the answer piece by piece; closing the iterator cancels it within one step.

        Raises ContextTooLong, EngineFault, EngineDown.
        """

    async def measure(self, turn: Turn) -> int:
        """How many tokens this turn takes in a prompt, with its markers."""

    def stats(self) -> EngineStats: ...

    async def close(self) -> None: ...
