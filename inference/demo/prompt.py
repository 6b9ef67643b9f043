"""Conversations as training rows: one shared beginning, then independent branches after it.

A branch sees the beginning and itself, as if it alone had followed; so a picture is read once
for half a dozen questions. What a row spells out is what the chat template renders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.demo.answers import COLOUR_NAMES, PLACE_NAMES, SHAPE_NAMES
from inference.demo.naming import Hint
from inference.demo.talk import Turn
from inference.demo.tokenizer import SPECIALS

_SHARED = 0
_PADDING = -1
_PLAIN_WEIGHT, _FACT_WEIGHT = 0.3, 1.0
_LONG_ANSWER = 28  # small talk longer than this weighs less, it is learnt by heart anyway


@dataclass(frozen=True, slots=True)
class Style:
    """How this row writes turns; serving always thinks empty and never says /nothink."""

    empty_thought: bool = True
    nothink: bool = False


@dataclass(slots=True)
class Row:
    """Grows by turns; `branch()` begins the next independent continuation."""

    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)  # of the loss, 0 for what is given
    branches: list[int] = field(default_factory=list)
    positions: list[tuple[int, int, int]] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    hints: list[tuple[int, Hint]] = field(default_factory=list)  # place of the name's last token
    _branch: int = _SHARED
    _next: int = 0  # position of the next token
    _fork: int = 0  # where the shared beginning ended

    def branch(self) -> None:
        if self._branch == _SHARED:
            self._fork = self._next
        self._branch += 1
        self._next = self._fork

    def add(self, tokens: list[int], weights: list[float] | None = None) -> None:
        count = len(tokens)
        self.tokens += tokens
        self.weights += weights or [0.0] * count
        self.branches += [self._branch] * count
        self.positions += [(place, place, place) for place in range(self._next, self._next + count)]
        self._next += count

    def add_picture(self, number: int, grid: tuple[int, int]) -> None:
        rows, columns = grid
        self.add([_token("<|begin_of_image|>")])
        start = self._next
        self.tokens += [_token("<|image|>")] * (rows * columns)
        self.weights += [0.0] * (rows * columns)
        self.branches += [self._branch] * (rows * columns)
        self.positions += [
            (start, start + row, start + column) for row in range(rows) for column in range(columns)
        ]
        self._next += max(rows, columns)
        self.add([_token("<|end_of_image|>")])
        self.pictures.append(number)

    def cut(self, length: int) -> None:
        for column in (self.tokens, self.weights, self.branches, self.positions):
            del column[length:]
        self.hints = [hint for hint in self.hints if hint[0] < length]


class Speller:
    """Turns into tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._newline = self.spell("\n")
        names = [
            *COLOUR_NAMES["zh"].values(),
            *SHAPE_NAMES["zh"].values(),
            *PLACE_NAMES["zh"].values(),
        ]
        names += [f" {word}" for table in (COLOUR_NAMES, SHAPE_NAMES, PLACE_NAMES)
                  for name in table["en"].values() for word in name.split()]  # fmt: skip
        names += [" two", " three", " four", " a", " an", "一", "两", "三", "四", *"0123456789"]
        self._facts = {token for name in names for token in self.spell(name)}

    def spell(self, text: str) -> list[int]:
        return _spell(self._tokenizer, text)

    def begin(self, row: Row, system: str | None) -> None:
        row.add([_token("[gMASK]"), _token("<sop>")])
        if system:
            row.add([_token("<|system|>"), *self._newline, *self.spell(system)])

    def open_user(self, row: Row) -> None:
        row.add([_token("<|user|>"), *self._newline])

    def say(self, row: Row, turn: Turn, style: Style, *, ends: bool) -> None:
        """The user's words and the answer; `ends` adds the mark that stops the generation."""
        if turn.hint:
            row.add(self.spell(turn.text[: turn.name_end]))
            row.hints.append((len(row.tokens) - 1, turn.hint))
        row.add(self.spell(turn.text[turn.name_end if turn.hint else 0 :]))
        if style.nothink:
            row.add([_token("/nothink")])
        row.add([_token("<|assistant|>"), *self._newline])
        if style.empty_thought:
            row.add([_token("<think>"), _token("</think>"), *self._newline])
        answer = self.spell(turn.answer)
        stop = [_token("<|user|>")] if ends else []
        row.add(answer + stop, self._weights(answer, turn) + [_PLAIN_WEIGHT] * len(stop))

    def _weights(self, answer: list[int], turn: Turn) -> list[float]:
        by_heart = turn.task in ("small talk", "beyond its skill", "no picture")
        plain = (
            _PLAIN_WEIGHT * min(1.0, _LONG_ANSWER / 4 / len(answer)) if by_heart else _PLAIN_WEIGHT
        )
        return [
            _FACT_WEIGHT if place < 2 or (token in self._facts and not by_heart) else plain
            for place, token in enumerate(answer)
        ]


class Batch(NamedTuple):
    tokens: NDArray[np.int64]  # (rows, length)
    positions: NDArray[np.int64]  # (3, rows, length)
    branches: NDArray[np.int64]  # (rows, length)
    weights: NDArray[np.float32]  # (rows, length)
    pictures: list[int]  # in the order of their tokens
    hints: list[tuple[int, Hint]]  # with places in the flattened tokens


def stack(rows: list[Row], length: int) -> Batch:
    tokens = np.zeros((len(rows), length), np.int64)
    positions = np.zeros((3, len(rows), length), np.int64)
    branches = np.full((len(rows), length), _PADDING, np.int64)
    weights = np.zeros((len(rows), length), np.float32)
    for place, row in enumerate(rows):
        used = len(row.tokens)
        tokens[place, :used] = row.tokens
        positions[:, place, :used] = np.array(row.positions).T
        branches[place, :used] = row.branches
        weights[place, :used] = row.weights
    hints = [
        (number * length + place, hint)
        for number, row in enumerate(rows)
        for place, hint in row.hints
    ]
    pictures = [picture for row in rows for picture in row.pictures]
    return Batch(tokens, positions, branches, weights, pictures, hints)


def visible(branches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows, length, length): may the second place be seen from the first."""
    length = branches.shape[1]
    past = np.tril(np.ones((length, length), bool))
    mine = branches[:, :, None] == branches[:, None, :]
    seen: NDArray[np.bool_] = past & (mine | (branches == _SHARED)[:, None, :])
    return seen


@lru_cache(maxsize=64)
def _token(name: str) -> int:
    return SPECIALS.index(name)


@lru_cache(maxsize=200_000)
def _spell(tokenizer: Tokenizer, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids
