"""Finds thousands of phrases in one pass (Aho and Corasick 1975), in a text that comes in pieces,
and knows at each moment which characters may still become part of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inference.safety.wordlists.fold import EDGE
from inference.safety.wordlists.hit import Hit, Rule

_MOST_PLACES = 4096


@dataclass(frozen=True, slots=True)
class _End:
    """A phrase that ends here; both counted from the last symbol back."""

    first: int  # its first letter
    last: int  # its last letter
    rule: Rule | None  # None: it takes the phrases inside it out


class Automaton:
    """Of phrases as symbols; those without a rule are harmless words with others in them."""

    def __init__(self, phrases: Iterable[tuple[str, Rule | None]]) -> None:
        self.next: list[dict[str, int]] = [{}]
        self.fail: list[int] = [0]
        self.ends: dict[int, tuple[_End, ...]] = {}
        self.deepest = 0
        for symbols, rule in phrases:
            self._add(symbols, rule)
        # How many symbols back the first letter stands of what may become a phrase that must not
        # come out, and of what may become a harmless word; 0: nothing may.
        self.held: list[int] = [0] * len(self.next)
        self.harmless: list[int] = [0] * len(self.next)
        self._link()

    def _add(self, symbols: str, rule: Rule | None) -> None:
        node = 0
        for symbol in symbols:
            child = self.next[node].get(symbol)
            if child is None:
                child = self.next[node][symbol] = len(self.next)
                self.next.append({})
                self.fail.append(0)
            node = child
        first = len(symbols) - symbols.startswith(EDGE)
        end = _End(first, 1 + symbols.endswith(EDGE), rule)
        if end not in (known := self.ends.get(node, ())):
            self.ends[node] = (*known, end)
        self.deepest = max(self.deepest, len(symbols))

    def _link(self) -> None:
        order = self._set_fails()
        own = {node: ends for node, ends in self.ends.items() if node}
        holds = self._lead_to(order, {n for n, ends in own.items() if _any_holds(ends)})
        spares = self._lead_to(order, {n for n, ends in own.items() if _any_harmless(ends)})
        for node, letters in order:
            fail = self.fail[node]
            self.held[node] = letters if node in holds else self.held[fail]
            self.harmless[node] = letters if node in spares else self.harmless[fail]
            if fail in self.ends:
                self.ends[node] = self.ends.get(node, ()) + self.ends[fail]

    def _set_fails(self) -> list[tuple[int, int]]:
        """All but the root, from the root outwards, with how many symbols back its first letter
        stands."""
        order: list[tuple[int, int]] = []
        waiting = deque([(0, 0)])
        while waiting:
            node, letters = waiting.popleft()
            for symbol, child in self.next[node].items():
                if node:
                    self.fail[child] = self._follow(self.fail[node], symbol)
                one = (child, letters if not node and symbol == EDGE else letters + 1)
                order.append(one)
                waiting.append(one)
        return order

    def _follow(self, node: int, symbol: str) -> int:
        while (child := self.next[node].get(symbol)) is None and node:
            node = self.fail[node]
        return child or 0

    def _lead_to(self, order: Sequence[tuple[int, int]], goals: set[int]) -> set[int]:
        """Those from which one of `goals` lies further on."""
        leading: set[int] = set()
        for node, _ in reversed(order):
            if any(child in goals or child in leading for child in self.next[node].values()):
                leading.add(node)
        return leading


def _any_holds(ends: Sequence[_End]) -> bool:
    return any(end.rule is not None and end.rule.holds for end in ends)


def _any_harmless(ends: Sequence[_End]) -> bool:
    return any(end.rule is None for end in ends)


class Speller(Protocol):
    def feed(self, piece: str) -> tuple[list[str], list[int]]: ...
    def close(self) -> tuple[list[str], list[int]]: ...


class Scan:
    """One text, in pieces. A hit is told once no harmless word can come to stand around it."""

    def __init__(self, automaton: Automaton, spelling: Speller) -> None:
        self._automaton = automaton
        self._spelling = spelling
        self._node = 0
        self._places: list[int] = []  # of the last symbols in the text
        self._doubtful: list[Hit] = []
        self._length = 0

    @property
    def open_from(self) -> int:
        """What stands from here on may still become part of a phrase that must not come out."""
        start = self._length
        if letters := self._automaton.held[self._node]:
            start = self._places[-letters]
        return min([start, *(hit.start for hit in self._doubtful if hit.rule.holds)])

    def feed(self, piece: str) -> list[Hit]:
        self._length += len(piece)
        return self._step(*self._spelling.feed(piece))

    def close(self) -> list[Hit]:
        hits = self._step(*self._spelling.close()) + self._doubtful
        self._node, self._doubtful = 0, []
        return hits

    def _step(self, symbols: Sequence[str], places: Sequence[int]) -> list[Hit]:
        following, fail = self._automaton.next, self._automaton.fail
        ends, node, past = self._automaton.ends, self._node, self._places
        hits: list[Hit] = []
        for symbol, place in zip(symbols, places, strict=True):
            past.append(place)
            while (child := following[node].get(symbol)) is None and node:
                node = fail[node]
            node = child or 0
            if node in ends:
                self._meet(ends[node])
            if self._doubtful:
                hits += self._settle(node)
        self._node = node
        if len(past) > _MOST_PLACES:
            del past[: -self._automaton.deepest]
        return hits

    def _meet(self, ends: Sequence[_End]) -> None:
        places = self._places
        found = [(places[-end.first], places[-end.last] + 1, end.rule) for end in ends]
        self._doubtful += [Hit(start, end, rule) for start, end, rule in found if rule]
        for first, last, rule in found:
            if rule is None:
                self._doubtful = [
                    hit for hit in self._doubtful if not (first <= hit.start and hit.end <= last)
                ]

    def _settle(self, node: int) -> list[Hit]:
        """Those around which no harmless word can still come to stand."""
        letters = self._automaton.harmless[node]
        if not letters:
            settled, self._doubtful = self._doubtful, []
            return settled
        begun = self._places[-letters]
        settled = [hit for hit in self._doubtful if hit.start < begun]
        self._doubtful = [hit for hit in self._doubtful if hit.start >= begun]
        return settled
