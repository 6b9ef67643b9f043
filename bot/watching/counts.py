"""What happens, counted: how often and how long, for the metrics and the operator's page; never
whose it was or what it said.

One object, made by bot/app.py and handed to whoever has something to count. Plain fields, so that
counting costs nothing and cannot fail; every label is one of a few names of our own, so nothing
here grows with people or time.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal

from inference.request import Delta

Clock = Callable[[], float]

_MOST_CATEGORIES = 40

# How a question ends; of a call to the API also an error's code, see bot/api/errors.py.
Outcome = Literal[
    "answered",
    "refused",  # the question cannot be answered as it is: its photo, its length, no words
    "stopped",
    "expired",  # it waited too long
    "undeliverable",  # nobody is there to read it
    "dead",  # we failed
    "line_full",
    "quota",
    "disconnected",  # who asked went away
]
MessageKind = Literal["first", "preview", "final"]  # the words of waiting, a growing answer, all
Prepared = Literal["decoded", "kept", "refused"]  # "kept": seen lately, and not decoded again
LookedUp = Literal["hit", "miss", "stale"]  # a kept answer; "stale": given while nobody can answer

# Upper ends of the buckets, in seconds.
WAITS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300, 900)
WORK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAGS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5)


class Histogram:
    """How often a value fell between two bounds; the last bucket has no upper end."""

    def __init__(self, bounds: Sequence[float]) -> None:
        assert list(bounds) == sorted(set(bounds)), "bounds must rise"
        self.bounds = tuple(bounds)
        self.buckets = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        value = max(0.0, value)  # a clock that was set back must not make a sum fall
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def cumulative(self) -> list[int]:
        """How many were at most each bound; the last: all."""
        return list(accumulate(self.buckets))

    def quantile(self, share: float) -> float | None:
        """Exact to a bucket, within it as if values lay evenly; None: nothing was observed. What
        lies beyond the last bound counts as that bound."""
        rank = share * self.count
        if not self.count:
            return None
        ends = (0.0, *self.bounds)
        reached = (0, *self.cumulative())
        for (low, high), (before, until) in zip(pairwise(ends), pairwise(reached), strict=False):
            if until >= rank and until > before:
                return low + (high - low) * max(0.0, rank - before) / (until - before)
        return self.bounds[-1]

    def __add__(self, other: Histogram) -> Histogram:
        """Both together; they have the same bounds."""
        assert self.bounds == other.bounds, "other bounds"
        both = Histogram(self.bounds)
        both.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]
        both.sum = self.sum + other.sum
        return both


class Histograms:
    """One for each label, such as a door."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._of: dict[str, Histogram] = {}

    def observe(self, label: str, value: float) -> None:
        self[label].observe(value)

    def all(self) -> Histogram:
        """Of all labels together."""
        return sum(self._of.values(), start=Histogram(self._bounds))

    def __getitem__(self, label: str) -> Histogram:
        return self._of.setdefault(label, Histogram(self._bounds))

    def __iter__(self) -> Iterator[tuple[str, Histogram]]:
        return iter(sorted(self._of.items()))


class Counts:
    """A door is where a question came in: "telegram", "matrix", "web", "api"."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self.questions: Counter[tuple[str, str]] = Counter()  # door, outcome
        self.in_line_s = Histograms(WAITS_S)  # from joining the line to being called
        self.first_token_s = Histograms(WAITS_S)  # these three since it was accepted
        self.first_text_s = Histograms(WAITS_S)  # what a person can read of the answer
        self.answer_s = Histograms(WAITS_S)
        self.tokens: Counter[tuple[str, str]] = Counter()  # door, "prompt" "cached" "completion"
        self.requests: Counter[tuple[str, str, str]] = Counter()  # HTTP: method, route, status
        self.messages: Counter[tuple[str, str, str]] = Counter()  # platform, "send" "edit", kind
        self.faults: Counter[tuple[str, str]] = Counter()  # platform, "too_fast" and other errors
        self.pictures: Counter[str] = Counter()  # see Prepared
        self.answers: Counter[str] = Counter()  # see LookedUp
        self.decode_s = Histogram(WORK_S)  # a photo made ready, or found to be none
        self.guard_s = Histograms(WORK_S)  # by guard, a look at words or a picture
        self.guard_failures: Counter[tuple[str, str]] = Counter()  # guard, how
        self.loop_lag_s = Histogram(LAGS_S)
        self.events: Counter[tuple[str, str]] = Counter()  # platform, "new" "again"
        self.safety: Counter[tuple[str, str, str]] = Counter()  # where, action, category
        self.resumed = 0  # questions of an earlier run that were taken up again
        self.repeated = 0  # answers to what had its end before: must be 0

    def ask(self, door: str, *, age_s: float = 0.0) -> Watch:
        """A question has come; `age_s`: it was accepted so long ago."""
        return Watch(self, door, self._clock, age_s)

    def event(self, platform: str, *, is_new: bool) -> None:
        self.events[platform, "new" if is_new else "again"] += 1

    def message(self, platform: str, call: Literal["send", "edit"], kind: MessageKind) -> None:
        self.messages[platform, call, kind] += 1

    def fault(self, platform: str, name: str) -> None:
        self.faults[platform, name] += 1

    def incident(self, where: str, action: str, category: str) -> None:
        """Content safety did something. Categories are the operator's words, or a service's: what
        comes after many of them is counted together."""
        known = {one for *_, one in self.safety}
        if category not in known and len(known) >= _MOST_CATEGORIES:
            category = "other"
        self.safety[where, action, category] += 1

    def guard(self, name: str, took_s: float, failure: str | None) -> None:
        """A model or service looked at something; the operator names them."""
        self.guard_s.observe(name, took_s)
        if failure is not None:
            self.guard_failures[name, failure] += 1

    def answer(self, how: LookedUp) -> None:
        self.answers[how] += 1

    def picture(self, how: Prepared, took_s: float = 0.0) -> None:
        self.pictures[how] += 1
        if how != "kept":
            self.decode_s.observe(took_s)


class Watch:
    """One question from its acceptance to its end. Each thing is counted the first time only, so
    that a further attempt changes nothing."""

    def __init__(self, counts: Counts, door: str, clock: Clock, age_s: float) -> None:
        self.door = door
        self._counts = counts
        self._clock = clock
        self._began = self._joined = clock()
        self._began -= max(0.0, age_s)
        self._seen: set[str] = set()

    def joined(self) -> None:
        """It stands in the line from now on; if this is not said, since it was made."""
        self._joined = self._clock()

    def called(self) -> None:
        """Its turn has come."""
        if self._is_first("called"):
            self._counts.in_line_s.observe(self.door, self._clock() - self._joined)

    def delta(self, delta: Delta) -> None:
        """The engine has written this, perhaps a thought that nobody sees. What further tries
        take of tokens is counted too; an answer that was kept takes none."""
        if (delta.text or delta.reasoning or delta.calls) and self._is_first("token"):
            self._counts.first_token_s.observe(self.door, self.passed_s())
        if delta.usage is not None and not delta.cached:
            tokens, usage = self._counts.tokens, delta.usage
            tokens[self.door, "prompt"] += usage.prompt_tokens
            tokens[self.door, "cached"] += usage.cached_tokens
            tokens[self.door, "completion"] += usage.completion_tokens

    def text(self) -> None:
        """Who asked can read something; of the answer, if the engine has begun to write it."""
        if "token" in self._seen and self._is_first("text"):
            self._counts.first_text_s.observe(self.door, self.passed_s())

    def end(self, outcome: str) -> None:
        """The first end holds."""
        if self._is_first("end"):
            self._counts.questions[self.door, outcome] += 1
            if outcome == "answered":
                self._counts.answer_s.observe(self.door, self.passed_s())

    def passed_s(self) -> float:
        """Since it was asked."""
        return self._clock() - self._began

    def _is_first(self, what: str) -> bool:
        if what in self._seen:
            return False
        self._seen.add(what)
        return True
