"""Who is computed in the next step: decoding sequences one token each, then parts of prompts."""

from __future__ import annotations

from bisect import insort
from itertools import count
from operator import attrgetter

from inference.engine.blocks import PageTable
from inference.engine.sequence import Chunk, Sequence

_arrival = attrgetter("arrival")


class Scheduler:
    """Sequences join and leave between steps. `waiting` and `running` are in order of arrival, and
    whoever runs arrived before whoever waits; so when pages run out the youngest gives way, the
    oldest always goes on, and every sequence ends, given that one alone always fits.
    """

    def __init__(self, table: PageTable, *, max_sequences: int, step_tokens: int) -> None:
        self.table = table
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self._max_sequences = max_sequences
        self._step_tokens = step_tokens
        self._arrivals = count(1)

    @property
    def has_work(self) -> bool:
        return bool(self.running or self.waiting)

    def add(self, sequence: Sequence) -> None:
        sequence.arrival = next(self._arrivals)
        self.waiting.append(sequence)

    def plan(self) -> list[Chunk]:
        """The chunks of the next step; empty only when there is no work."""
        chunks = self._decodes()
        # at least one token of a prompt goes on, however many are decoding
        return chunks + self._prefills(max(1, self._step_tokens - len(chunks)))

    def advance(self, chunk: Chunk) -> None:
        """The chunk is computed."""
        chunk.sequence.computed = chunk.end
        self.table.remember(chunk.sequence)

    def remove(self, sequence: Sequence, *, forget: bool = False) -> None:
        """It has ended, in whatever way; `forget` as in PageTable.release."""
        self.table.release(sequence, forget=forget)
        (self.running if sequence in self.running else self.waiting).remove(sequence)

    def _decodes(self) -> list[Chunk]:
        chunks = []
        for sequence in list(self.running):
            if sequence in self.running and sequence.decoding and self._make_room(sequence):
                chunks.append(Chunk(sequence, sequence.computed, 1))
        return chunks

    def _make_room(self, sequence: Sequence) -> bool:
        """False when it had to give way itself."""
        while not self.table.grow(sequence):
            youngest = self.running.pop()
            self.table.release(youngest)
            insort(self.waiting, youngest, key=_arrival)
            if youngest is sequence:
                return False
        return True

    def _prefills(self, budget: int) -> list[Chunk]:
        chunks = []
        for sequence in self.running:
            if not sequence.decoding and budget:
                chunks.append(self._part(sequence, budget))
                budget -= chunks[-1].count
        while budget and self._admit_next():
            chunks.append(self._part(self.running[-1], budget))
            budget -= chunks[-1].count
        return chunks

    def _part(self, sequence: Sequence, budget: int) -> Chunk:
        return Chunk(sequence, sequence.computed, min(budget, sequence.pending))

    def _admit_next(self) -> bool:
        if not self.waiting or len(self.running) >= self._max_sequences:
            return False
        if not self.table.admit(self.waiting[0]):
            return False
        sequence = self.waiting.pop(0)
        if not sequence.began:
            sequence.began, sequence.cached = True, sequence.computed
        self.running.append(sequence)
        return True
