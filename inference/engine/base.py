"""The seam to whatever runs the model: a process of our own, or a server elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from inference.request import ChatRequest, Delta, Turn

State = Literal["starting", "up", "restarting", "down"]


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Where the steps' time went, in seconds since the engine began."""

    schedule_s: float = 0.0
    vision_s: float = 0.0
    prefill_s: float = 0.0  # steps in which any prompt was computed
    decode_s: float = 0.0
    sample_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot for people and metrics; nothing in it is needed to answer."""

    model: str
    context_tokens: int  # the longest prompt plus answer
    running: int = 0
    waiting: int = 0
    pages: int = 0
    pages_used: int = 0  # held by someone who runs
    pages_cached: int = 0  # free, but found again by whoever has the same prefix
    pages_host: int = 0  # in the host's memory
    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    tokens_per_s: float = 0.0  # of answers, over the last seconds
    pictures_encoded: int = 0
    preemptions: int = 0
    times: StepTimes = field(default_factory=StepTimes)
    restarts: int = 0
    state: State = "up"

    @property
    def up(self) -> bool:
        """Whether it can be asked now."""
        return self.state == "up"

    @property
    def hit_rate(self) -> float:
        """The share of prompt tokens that was found in kept pages."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


class Engine(Protocol):
    async def start(self) -> None:
        """Load the model; raises ModelUnusable. Returns when the first question can be answered."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Yield the answer piece by piece; closing the iterator cancels it within one step.

        Raises ContextTooLong, BadFormat, EngineFault, EngineDown.
        """

    async def measure(self, turn: Turn) -> int:
        """How many tokens this turn takes in a prompt, with its markers."""

    async def forget(self) -> None:
        """From now on no answer profits from what was computed so far, but for what answers under
        way are using; returns when that is so."""

    def stats(self) -> EngineStats: ...

    async def close(self) -> None: ...
