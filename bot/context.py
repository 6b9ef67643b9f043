"""The window of a conversation: which turns go with the next question. Pure.

A picture belongs to its turn and leaves with it. What has left is told to the model in one line,
which counts like the turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol, TypeVar

from pydantic import BaseModel, Field


class WindowSection(BaseModel, extra="forbid", frozen=True):
    max_tokens: int = Field(4096, ge=64)
    drop_to: float = Field(0.5, ge=0.0, lt=1.0)


class Measured(Protocol):
    """A turn of the past; `bot.storage.history.Said` is one."""

    @property
    def role(self) -> str: ...
    @property
    def tokens(self) -> int: ...


Turn = TypeVar("Turn", bound=Measured)


def window(
    history: Sequence[Turn],
    question_tokens: int,
    *,
    max_tokens: int,
    drop_to: float,
    note_tokens: int = 0,
) -> list[Turn]:
    """The turns that fit beside the question, and beside a note of `note_tokens` once some have
    left; the question itself always goes.

    When they grow beyond `max_tokens`, whole questions with their answers leave, oldest first,
    until the rest takes no more than the share `drop_to`; the newest one stays if it fits at all.
    The engine keeps what it computed for an unchanged beginning, so the cut must hold still
    between these steps without being stored: every past question is replayed, and each cut
    begins where the one before it left off.
    """
    starts = [i for i, turn in enumerate(history) if i == 0 or turn.role == "user"]
    sums = [0, *accumulate(turn.tokens for turn in history)]
    before = [sums[start] for start in (*starts, len(history))]  # tokens before each exchange
    questions = [*(history[start].tokens for start in starts), question_tokens]
    cut = 0  # the first exchange that stays
    for asked, tokens in enumerate(questions):
        room = max_tokens - tokens
        if before[asked] - before[cut] > room - (note_tokens if cut else 0):
            room -= note_tokens
            cut = _move(cut, before[: asked + 1], room, min(room, drop_to * max_tokens))
    return list(history[starts[cut] :]) if cut < len(starts) else []


def _move(cut: int, before: Sequence[int], room: int, wanted: float) -> int:
    """The cut moved on until at most `wanted` tokens stay, or the newest exchange within `room`."""
    newest = len(before) - 2
    while cut <= newest:
        kept = before[-1] - before[cut]
        if kept <= wanted or (cut == newest and kept <= room):
            break
        cut += 1
    return cut
