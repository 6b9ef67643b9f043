"""The line of those who wait for the engine: bounded, fair to people, every place visible.

People take turns: who has asked much waits for the others between two of its own questions. Of a
conversation one question is answered at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field

log = logging.getLogger(__name__)

Full = Literal["line_full", "line_full_person"]

_NEAR = 10  # places that are told one by one
_FAR_STEP = 5
_SHARE_OF_NEWEST = 0.2  # of the newest answer in the average of their durations


class LineSection(BaseModel, extra="forbid", frozen=True):
    max_waiting: int = Field(64, ge=1, le=100_000)
    max_per_person: int = Field(3, ge=1, le=1000)
    max_attempts: int = Field(3, ge=1, le=1000)
    max_wait_s: float = Field(900.0, ge=1.0, le=86_400.0)


@dataclass(frozen=True, slots=True)
class Place:
    """How many answers must end before this one begins, and how long that may take."""

    ahead: int
    wait_s: float | None = None  # None: no answer has ended yet that one could judge by


class Waiting(Hashable, Protocol):
    """What stands in the line; equal only to itself."""

    @property
    def person(self) -> Hashable: ...
    @property
    def conversation(self) -> Hashable: ...

    def moved(self, place: Place) -> None:
        """Its place has changed. Called often, so it only takes note."""


Q = TypeVar("Q", bound=Waiting)


class Line(Generic[Q]):
    """`join` by whoever accepts; `take`, `answered`, `done` in this order by who answers."""

    def __init__(self, section: LineSection, *, workers: int) -> None:
        self._section = section
        self._workers = workers
        # Each person's questions; the first person here is the next to be served.
        self._waiting: OrderedDict[Hashable, deque[Q]] = OrderedDict()
        self._running: dict[Hashable, Q] = {}  # by conversation
        self._busy = 0  # of the running, those that need the engine; the others are delivered
        self._told: dict[Q, Place] = {}
        self._average_s: float | None = None
        self._changed = asyncio.Event()
        self._joined = asyncio.Event()

    def full(self, person: Hashable) -> Full | None:
        """Why one more question of this person cannot join; None: it can."""
        own = len(self._waiting.get(person, ()))
        own += sum(question.person == person for question in self._running.values())
        if own >= self._section.max_per_person:
            return "line_full_person"
        return "line_full" if len(self) >= self._section.max_waiting else None

    def join(self, question: Q) -> None:
        """Beyond the bounds too: a question accepted before a restart has its place for sure."""
        self._waiting.setdefault(question.person, deque()).append(question)
        log.info("joined the line, in which %(waiting)d wait", {"waiting": len(self)})
        self._joined.set()
        self._update()

    async def take(self) -> Q:
        """The next question, for one who is free to answer it."""
        while (question := self._next()) is None:
            self._changed.clear()
            await self._changed.wait()
        self._remove(question)
        if question.person in self._waiting:  # served just now: everybody else comes first
            self._waiting.move_to_end(question.person)
        self._begin(question)
        return question

    def answered(self, question: Q, *, took_s: float | None) -> None:
        """It does not need the engine any more. `took_s`: how long it did; None: not typical."""
        self._busy -= 1
        if took_s is not None:
            before = took_s if self._average_s is None else self._average_s
            self._average_s = before + _SHARE_OF_NEWEST * (took_s - before)
        self._update()

    def done(self, question: Q) -> None:
        """The next question of its conversation may begin."""
        del self._running[question.conversation]
        self._update()

    def leave(self, chosen: Callable[[Q], bool]) -> list[Q]:
        """Those of the waiting that are chosen; they do not wait any more."""
        leaving = [question for question in self.waiting() if chosen(question)]
        for question in leaving:
            self._remove(question)
        self._update()
        return leaving

    def pull(self, question: Q) -> bool:
        """Take it out of turn, to be ended without the engine. False: it does not wait, or another
        question of its conversation is being answered."""
        if question.conversation in self._running or question not in self._waiting.get(
            question.person, ()
        ):
            return False
        self._remove(question)
        self._begin(question)
        return True

    def running(self, conversation: Hashable) -> Q | None:
        return self._running.get(conversation)

    def wait_s(self) -> float | None:
        """How long who joins now will wait, about; None: no answer has ended yet."""
        return self._wait_s(len(self) + (self._busy >= self._workers))

    async def occupied(self) -> None:
        """Return when somebody waits."""
        while not self._waiting:
            self._joined.clear()
            await self._joined.wait()

    def waiting(self) -> Iterator[Q]:
        """In the order they will be taken, as far as that is known."""
        rounds = [list(questions) for questions in self._waiting.values()]
        for turn in range(max(map(len, rounds), default=0)):
            for questions in rounds:
                if turn < len(questions):
                    yield questions[turn]

    def everybody(self) -> Iterator[Q]:
        """Also those who are being answered."""
        yield from self.waiting()
        yield from self._running.values()

    @property
    def capacity(self) -> int:
        """How many may wait."""
        return self._section.max_waiting

    @property
    def busy(self) -> int:
        """How many questions the engine works on."""
        return self._busy

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _next(self) -> Q | None:
        """Each person's first question whose conversation is free."""
        for questions in self._waiting.values():
            for question in questions:
                if question.conversation not in self._running:
                    return question
        return None

    def _begin(self, question: Q) -> None:
        self._running[question.conversation] = question
        self._busy += 1
        self._update()

    def _remove(self, question: Q) -> None:
        questions = self._waiting[question.person]
        questions.remove(question)
        self._told.pop(question, None)
        if not questions:
            del self._waiting[question.person]

    def _update(self) -> None:
        """Tell those whose place has changed, and who waits in `take`."""
        nobody_free = self._busy >= self._workers
        for before, question in enumerate(self.waiting()):
            blocked = nobody_free or question.conversation in self._running
            place = Place(before + blocked, self._wait_s(before + blocked))
            told = self._told.get(question)
            if told is None or _is_news(told.ahead, place.ahead):
                self._told[question] = place
                question.moved(place)
        self._changed.set()

    def _wait_s(self, ahead: int) -> float | None:
        return None if self._average_s is None else ahead * self._average_s / self._workers


def _is_news(told: int, ahead: int) -> bool:
    """Far back in a long line, every place would be told more often than a platform allows."""
    near = min(told, ahead) < _NEAR
    return told != ahead if near else abs(told - ahead) >= _FAR_STEP
