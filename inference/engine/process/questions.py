"""The questions that wait for an engine process: which it is asked, and what it says to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from inference.engine.process.answer import Answer
from inference.engine.process.blame import deadly, may_be_asked, note_death
from inference.engine.process.launch import EngineProcess
from inference.engine.process.messages import (
    Ask,
    Cancel,
    Failed,
    Forget,
    Forgotten,
    Measure,
    Measured,
    News,
    Piece,
    Refused,
    TooLong,
)
from inference.errors import BadFormat, ContextTooLong, EngineDown, EngineFault, InferenceError
from inference.request import Turn

_DEATHS = 3  # over a turn to be measured, or before anything was said to be in hand


class Questions:
    """Told of a process by `process`, of its death by `lose`. `sending` is called before anything
    goes out to it."""

    def __init__(self, sending: Callable[[], None]) -> None:
        self.process: EngineProcess | None = None  # None: none can be asked now
        self.in_hand: frozenset[int] = frozenset()  # what it is working on
        self.barren = 0  # processes in a row that died without having given anything out
        self._sending = sending
        self._changed = asyncio.Event()  # who had to wait may be asked now, perhaps
        self._answers: dict[int, Answer] = {}
        self._measures: dict[int, _Measuring] = {}
        self._forgetting: dict[int, asyncio.Event] = {}  # set when the process has, or is dead

    def __len__(self) -> int:
        """Of answers."""
        return len(self._answers)

    @property
    def owed(self) -> bool:
        """Whether the process has anything to do for us."""
        if self.process is None:
            return False
        answers = (a for a in self._answers.values() if a.asked is self.process)
        # not merely registered: who waited may not have run since the result came
        measures = (m.tokens for m in self._measures.values() if m.asked is self.process)
        return not all(a.ended for a in answers) or not all(tokens.done() for tokens in measures)

    @contextmanager
    def answering(self, answer: Answer) -> Iterator[None]:
        """Leaving before its end cancels it."""
        self._answers[answer.id] = answer
        try:
            yield
        finally:
            del self._answers[answer.id]
            self._changed.set()
            if not answer.ended and self.process is not None:
                self.process.post(Cancel(answer.id))

    async def measure(self, question: Measure) -> int:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        measuring = self._measures[question.id] = _Measuring(question, future)
        try:
            await self._ask_measure(measuring)
            return await future
        finally:
            del self._measures[question.id]

    async def forget(self, question: Forget) -> None:
        """Without a process there is nothing to be forgotten: the next one begins with nothing."""
        if self.process is None:
            return
        done = self._forgetting[question.id] = asyncio.Event()
        self.process.post(question)
        try:
            await done.wait()
        finally:
            del self._forgetting[question.id]

    async def ask(self, answer: Answer) -> None:
        """Unless its process has been asked already; without one, the next will be."""
        process = self.process
        if process is None or answer.asked is process:
            return
        if not may_be_asked(answer, self._answers.values()):
            return  # `ask_all` comes back to it
        answer.asked = process
        await self._send(process, answer.ask(), answer.request.turns)
        if answer.id not in self._answers:  # cancelled meanwhile, perhaps before it was sent
            process.post(Cancel(answer.id))

    async def keep_asking(self) -> None:
        """What an earlier process has left undone, and who had to wait for a suspect; until it is
        cancelled. Never done by who reads: a process may take no more until it is read from."""
        while True:
            self._changed.clear()
            await self.ask_all()
            await self._changed.wait()

    async def ask_all(self) -> None:
        for answer in list(self._answers.values()):
            if answer.seated and not answer.ended:
                await self.ask(answer)
        for measuring in list(self._measures.values()):
            await self._ask_measure(measuring)

    def pass_on(self, news: News) -> None:
        self._changed.set()
        if isinstance(news, Forgotten):
            if news.id in self._forgetting:
                self._forgetting[news.id].set()
        elif measuring := self._measures.get(news.id):
            assert not isinstance(news, Piece)
            told = news.tokens if isinstance(news, Measured) else _fault(news)
            _resolve(measuring.tokens, told)
        elif answer := self._answers.get(news.id):
            assert not isinstance(news, Measured)
            if isinstance(news, Piece):
                self.barren = 0
                answer.put(news)
            else:
                answer.fail(_fault(news))
        # else it was cancelled while this was on its way

    def lose(self, process: EngineProcess, reason: str = "") -> None:
        """It died, and whoever was in hand may be to blame; `reason` is what is known of it."""
        self.barren += 1
        for done in self._forgetting.values():
            done.set()
        answers = [a for a in self._answers.values() if a.asked is process and not a.ended]
        measures = [m for m in self._measures.values() if m.asked is process]
        answers_in_hand = [answer for answer in answers if answer.id in self.in_hand]
        measures_in_hand = [m for m in measures if m.question.id in self.in_hand]
        if answers_in_hand or measures_in_hand or self.barren < _DEATHS:
            answers, measures = answers_in_hand, measures_in_hand
        # else no process comes as far as saying over which
        self.in_hand = frozenset()
        note_death(answers, reason)
        for measuring in measures:
            measuring.note_death(reason)

    def fail_all(self, reason: str) -> None:
        for answer in self._answers.values():
            if not answer.ended:
                answer.fail(EngineDown(reason))
        for done in self._forgetting.values():
            done.set()
        for measuring in self._measures.values():
            _resolve(measuring.tokens, EngineDown(reason))

    async def _ask_measure(self, measuring: _Measuring) -> None:
        process = self.process
        if process is None or measuring.asked is process or measuring.tokens.done():
            return
        measuring.asked = process
        await self._send(process, measuring.question, (measuring.question.turn,))

    async def _send(
        self, process: EngineProcess, question: Ask | Measure, turns: Sequence[Turn]
    ) -> None:
        self._sending()
        within = sum(len(picture.rgb) for turn in turns for picture in turn.pictures)
        await process.send(question, bytes_within=within)


@dataclass(slots=True, eq=False)
class _Measuring:
    question: Measure
    tokens: asyncio.Future[int]
    asked: object = None  # the process
    deaths: int = 0

    def note_death(self, reason: str) -> None:
        self.deaths += 1
        if self.deaths >= _DEATHS:
            _resolve(self.tokens, deadly("turn", self.deaths, reason))


def _fault(news: Failed | Refused | TooLong) -> InferenceError:
    match news:
        case Failed(reason=reason, kind=kind):
            return EngineFault(reason, kind)
        case Refused(reason=reason):
            return BadFormat(reason)
        case TooLong(tokens=tokens, limit=limit):
            return ContextTooLong(tokens, limit)


def _resolve(future: asyncio.Future[int], result: int | InferenceError) -> None:
    if future.done():
        return
    if isinstance(result, int):
        future.set_result(result)
    else:
        future.set_exception(result)
