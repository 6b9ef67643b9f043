"""A mark in our own system turn that no answer may hold: who sees it sees the turn leave."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from inference.safety.verdict import Action
from inference.safety.wordlists.fold import BareSpelling, Folding
from inference.safety.wordlists.hit import Rule
from inference.safety.wordlists.keywords import Automaton, Scan

_CONSONANTS = "bcdfghjkmnpqrstvwxz"  # no vowels: no word looks like it
_FIGURES = "23456789"
_CHARACTERS = 16
_TELLING = 6  # so many of them in a row do not come out
_ACTIONS: tuple[Action, ...] = ("pass", "review", "mask", "block")


def make_canary() -> str:
    """In any six in a row are at least two letters and two figures, as in hardly anything that
    people write."""
    while True:
        mark = "".join(secrets.choice(_CONSONANTS + _FIGURES) for _ in range(_CHARACTERS))
        if _is_mark(mark):
            return mark


def kept_canary(file: Path) -> str:
    """The same at every start: an answer that a crash interrupted is written again from the same
    beginning, and must come to the same words. Where nothing can be kept, one for this run."""
    with suppress(OSError):
        mark = file.read_text("ascii", "replace").strip()
        if _is_mark(mark):
            return mark
    mark = make_canary()
    with suppress(OSError):
        fresh = file.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="ascii") as written:  # noqa: PTH123  (a descriptor)
            written.write(mark)
        fresh.replace(file)
    return mark


class Canary:
    def __init__(self, mark: str) -> None:
        self.line = f"\n[{mark}]"  # as it stands in the system's turn
        self._folding = Folding()
        self._automata = {action: _automaton(mark, action) for action in _ACTIONS}

    def scan(self, action: Action) -> Scan:
        """Of one text: finds six of its characters in a row, whatever stands between them."""
        return Scan(self._automata[action], BareSpelling(self._folding))


def _automaton(mark: str, action: Action) -> Automaton:
    rule = Rule("leak", action, "canary")
    return Automaton((piece, rule) for piece in _pieces(mark))


def _is_mark(text: str) -> bool:
    if len(text) != _CHARACTERS or not set(text) <= set(_CONSONANTS + _FIGURES):
        return False
    figures = [sum(c in _FIGURES for c in piece) for piece in _pieces(text)]
    return min(figures) >= 2 and max(figures) <= _TELLING - 2


def _pieces(mark: str) -> list[str]:
    return [mark[at : at + _TELLING] for at in range(len(mark) - _TELLING + 1)]
