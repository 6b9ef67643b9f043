"""What is asked of the model and what comes back: plain values, no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo made ready: upright, RGB, its longest side within the limit."""

    width: int
    height: int
    rgb: bytes = field(repr=False)  # height * width * 3 bytes, row by row

    @property
    def digest(self) -> str:
        """Names the pixels: two files that decode alike have the same digest."""
        head = f"RGB {self.width}x{self.height} ".encode()
        return hashlib.sha256(head + self.rgb).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's contribution; a turn's pictures come before its text."""

    role: Role
    text: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; temperature 0 is greedy and ignores the rest but `max_tokens`."""

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: no limit
    seed: int | None = None  # None: a fresh one; the same seed gives the same text in any batch


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question with everything the model shall see, oldest turn first."""

    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    thinking: bool = False  # True: the model may write <think>...</think> first


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `cached_tokens` of the prompt came from kept pages."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, whole characters only; the last one carries `finish` and `usage`."""

    text: str = ""
    finish: Finish | None = None
    usage: Usage | None = None
