"""What people see while the engine is away or the line is longer than their patience.

Each question is told once, in the message that becomes its answer: what [fallback] order has for
it, and the promise that the answer comes. A promise is kept over restarts of engine and program,
or its end is said. Nothing is undone when the engine is back: the answer takes the place of all.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bot import texts
from bot.answering.absence import Absence
from bot.answering.outcome import Outcome
from bot.answering.substitute import Substitute
from bot.call import Call
from bot.line import Line
from bot.pacing import Clock, Sleep
from bot.platforms.base import Gone, Refused
from bot.question import Question
from bot.rules import Rules
from bot.storage.inbox import Inbox
from bot.storage.people import People
from bot.texts import Key
from bot.worker import Workers
from inference.engine.base import EngineStats

log = logging.getLogger(__name__)

Why = Literal["away_starting", "away_down", "away_busy", "away_slow"]

_LOOK_EVERY_S = 1.0
_AFTER_FAULT_S = 5.0
_AT_ONCE = 2  # substitutes looked for: reading a photo takes a core


@dataclass(slots=True)
class _Told:
    """What one question was told so far."""

    since: float  # when it was first seen here
    patience_s: float
    words: str = ""  # as shown last
    below: str = ""  # what was written of the answer then
    looks: bool = False  # for a substitute, or has looked
    found: Substitute | None = None


@dataclass(slots=True)
class _Case:
    """One question at one look."""

    question: Question
    told: _Told
    why: Why
    later: bool


class Meanwhile:
    def __init__(
        self,
        line: Line[Question | Call],
        workers: Workers,
        inbox: Inbox,
        people: People,
        rules: Rules,
        stats: Callable[[], EngineStats],
        *,
        clock: Clock = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`wall`: seconds since 1970."""
        self._line = line
        self._workers = workers
        self._inbox = inbox
        self._people = people
        self._rules = rules
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._absence = Absence(stats, clock)
        self._told: dict[Question, _Told] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._absence.look()
                pause_s = _LOOK_EVERY_S
                questions = [one for one in self._line.everybody() if isinstance(one, Question)]
                self._told = {q: self._told[q] for q in questions if q in self._told}
                for question in questions:
                    try:
                        await self._look_at(question, group)
                    except Exception:  # one question's may fail, the others are told
                        log.exception("entry %s is not told", question.entry.id)
                        pause_s = _AFTER_FAULT_S
                await self._sleep(pause_s)

    async def _look_at(self, question: Question, group: asyncio.TaskGroup) -> None:
        if question.written or question.stops:
            return
        if question not in self._told:
            self._told[question] = _Told(self._clock(), await self._patience_s(question))
        section, told = self._rules.now.fallback, self._told[question]
        if self._is_broken(question):
            await self._workers.end_with(question, self._broken(question))
            return
        why = self._why(question, told)
        if why is None:
            self._correct(question, told)
            return
        order = section.order
        case = _Case(question, told, why, "later" in order)
        if "later" in order[: order.index("person") if "person" in order else None]:
            await self._promise(case)
        if not (told.looks or question.draft.text()):  # half an answer is not covered by less
            told.looks = True
            group.create_task(self._find(case))
        if told.found is not None:
            await self._give(case, told.found)

    def _is_broken(self, question: Question) -> bool:
        """Not while it is just being kept."""
        if not question.promised or (self._absence.away_s is None and question.draft.text()):
            return False
        return self._wall() - question.since > self._rules.now.fallback.later_s

    async def _patience_s(self, question: Question) -> float:
        known = await self._people.known(*question.person)
        chosen = None if known is None else known.patience_s
        if chosen is None:
            return self._rules.now.fallback.patience_s
        return chosen or math.inf

    def _why(self, question: Question, told: _Told) -> Why | None:
        """None: it need not be told anything."""
        away_s = self._absence.away_s
        if away_s is not None:
            if away_s < self._rules.now.fallback.after_s:
                return None
            return "away_starting" if self._absence.state == "starting" else "away_down"
        if question.draft.text() or question.draft.thinking:
            return None
        expected_s = (question.place.wait_s if question.place else None) or 0.0
        passed_s = self._clock() - told.since
        if max(expected_s, passed_s) <= told.patience_s:
            return None
        return "away_busy" if _waits(question) else "away_slow"

    async def _promise(self, case: _Case) -> None:
        """Kept before it is said, and worded anew when there is more to say, or something else is
        true; also below what was written since then, when the engine goes away again."""
        question, told = case.question, case.told
        if not question.promised:
            await self._inbox.promise(question.entry.id)
            question.promised = True
        self._show(question, told, self._hint(case))

    def _correct(self, question: Question, told: _Told) -> None:
        """The engine is back, so it is no longer true that it is away."""
        if told.words and self._absence.away_s is None and _waits(question):
            self._show(question, told, texts.say("later_busy", question.language))

    def _show(self, question: Question, told: _Told, hint: str) -> None:
        """Below what was found in place of the answer, or what was written of it."""
        found = told.found.words if told.found else ""
        words = "\n\n".join(filter(None, (found, hint)))
        written = question.draft.text()
        taken_back = told.below and not written  # a new attempt has not come so far yet
        if taken_back or (words, written) == (told.words, told.below):
            return
        told.words, told.below = words, written
        with suppress(Gone, Refused):  # whoever answers it will see that too
            question.hold(words)

    def _hint(self, case: _Case) -> str:
        question = case.question
        why = texts.say(case.why, question.language)
        if case.why == "away_slow":
            return why
        if case.why == "away_busy":
            return f"{why}{_gap(question)}{texts.say('later_busy', question.language)}"
        back_s = self._absence.back_in_s
        if back_s is None:
            return f"{why}{_gap(question)}{texts.say('later', question.language)}"
        wait_s = (question.place.wait_s if question.place else None) or 0.0
        minutes = max(1, math.ceil((back_s + wait_s) / 60))
        later = texts.say("later_minutes", question.language, minutes=minutes)
        return f"{why}{_gap(question)}{later}"

    async def _find(self, case: _Case) -> None:
        async with self._room:
            if case.question not in self._told:  # it has its end
                return
            if self._why(case.question, case.told) is None:  # it came back while this one waited
                case.told.looks = False
                return
            case.told.found = await self._workers.substitute(case.question, later=case.later)

    async def _give(self, case: _Case, found: Substitute) -> None:
        """What cannot end now, since another question of its conversation is being answered, is
        tried again at the next look."""
        question = case.question
        if question.draft.text():
            return
        if found.answer is not None:
            await self._workers.end_with(question, found.answer, found.prompt)
        elif found.calls_person:
            await self._workers.end_with(question, _unavailable(question, calls_person=True))
        elif not case.later:
            await self._end(case, found)
        else:
            await self._promise(case)

    async def _end(self, case: _Case, found: Substitute) -> None:
        """Nothing is promised. Who only waits in a long line, and for whom nothing was found, goes
        on waiting."""
        question = case.question
        if found.words:
            mark = texts.say("instead_mark", question.language)
            outcome = Outcome(f"{found.words}\n\n{mark}", "dead", "instead_mark")
            await self._workers.end_with(question, outcome)
        elif self._absence.away_s is not None:
            await self._workers.end_with(question, _unavailable(question))

    def _broken(self, question: Question) -> Outcome:
        section = self._rules.now.fallback
        key: Key = "promise_broken"
        said = texts.say(key, question.language, hours=math.ceil(section.later_s / 3600))
        return Outcome(said, "dead", key, calls_person="person" in section.order)


def _unavailable(question: Question, *, calls_person: bool = False) -> Outcome:
    said = texts.say("unavailable", question.language)
    return Outcome(said, "dead", "unavailable", calls_person=calls_person)


def _waits(question: Question) -> bool:
    """Its turn has not come."""
    return question.place is None or question.place.ahead > 0


def _gap(question: Question) -> str:
    """Between two sentences."""
    return "" if question.language == "zh" else " "
