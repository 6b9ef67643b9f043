"""Those who answer: photos fetched, window built, the answer streamed, delivered and kept.

A stopped answer is kept as far as it was written, so that the conversation stays coherent. What
this program's end interrupts stays `waiting` in the inbox and is answered after the next start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Literal
from weakref import WeakKeyDictionary

from pydantic import BaseModel, Field

from bot import texts
from bot.action import Say
from bot.answering.ending import Endings
from bot.answering.outcome import Outcome, Outcomes, blocked, told
from bot.answering.substitute import Substitute, Substitutes
from bot.answering.suspects import Suspects
from bot.arriving.subject import Subjects, is_repeated
from bot.call import Call
from bot.delivery import Undelivered
from bot.draft import Draft
from bot.errors import Unusable
from bot.event import Button, Wishes
from bot.line import Line
from bot.metering import Meter
from bot.pacing import Clock, Sleep
from bot.platforms.base import Gone, Refused
from bot.prompt import Asked, Prompt, Prompter
from bot.question import Question
from bot.storage.errors import NotNow
from bot.storage.inbox import Entry, Inbox
from inference.errors import Blocked, ContextTooLong, EngineDown, EngineFault, SeenSimilar
from inference.request import ChatRequest, Sampling
from inference.service import Service
from inference.trace import tracing

log = logging.getLogger(__name__)

Buttons = Callable[[Entry], tuple[Button, ...]]  # below the answer to this entry
# How a person is asked whether they mean an earlier answer: its number, and when it was given.
Hint = Callable[[Entry, int, float], Say]
_Given = tuple[Outcome, Prompt | None]  # by `end_with`

_MOST_IN_HAND = 256  # being answered or delivered; more wait in the line
_ENGINE_PATIENCE_S = 900.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0  # between two looks whether the engine is back
_AFTER_FAULT_S = 5.0
_DOWN_PAUSE_S = 2.0  # between two looks at an engine that says it is down
_OTHER_WORDS = 0.7  # the temperature at least, for an answer that shall differ from the last one


class AnswersSection(BaseModel, extra="forbid", frozen=True):
    max_tokens: int = Field(1024, ge=1, le=131_072)
    temperature: float = Field(0.0, ge=0.0, le=2.0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    thinking: bool = False
    default_language: Literal["zh", "en"] = "zh"

    def sampling(self) -> Sampling:
        return Sampling(self.max_tokens, self.temperature, self.top_p)


class Workers:
    """As many questions at once as the engine takes; those being delivered do not count."""

    def __init__(
        self,
        line: Line[Question | Call],
        inbox: Inbox,
        subjects: Subjects,
        prompter: Prompter,
        service: Service,
        meter: Meter,
        endings: Endings,
        answers: AnswersSection,
        *,
        buttons: Buttons,
        hint: Hint | None = None,
        at_once: int,
        max_attempts: int,
        substitutes: Substitutes | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._line = line
        self._inbox = inbox
        self._subjects = subjects
        self._prompter = prompter
        self._service = service
        self._meter = meter
        self._endings = endings
        self._answers = answers
        self._buttons = buttons
        self._hint = hint
        self._outcomes = Outcomes(prompter)
        self._max_attempts = max_attempts
        self._substitutes = substitutes
        self._clock = clock
        self._sleep = sleep
        self._free = asyncio.Semaphore(at_once)
        self._in_hand = asyncio.Semaphore(max(_MOST_IN_HAND, at_once))
        self._begun: set[int] = set()  # entries with an attempt under way
        self._at_engine: set[Question] = set()  # those that hold one of the places of `_free`
        self._suspects = Suspects(max_attempts)
        self._given = WeakKeyDictionary[Question, _Given]()  # their delivery may be tried again
        self._group: asyncio.TaskGroup | None = None  # while it runs

    async def run(self, started: Callable[[], Awaitable[object]] | None = None) -> None:
        """Until cancelled. Until `started` returns, questions can be ended, but none is taken."""
        async with asyncio.TaskGroup() as self._group:
            group = self._group
            if started is not None:
                await started()
            while True:
                await self._in_hand.acquire()
                await self._free.acquire()
                match await self._line.take():
                    case Question() as question:
                        question.watch.called()
                        self._at_engine.add(question)
                        group.create_task(self._work(question))
                    case Call() as call:
                        group.create_task(self._attend(call))

    async def substitute(self, question: Question, *, later: bool) -> Substitute:
        """As Substitutes.find."""
        if self._substitutes is None:
            return Substitute()
        return await self._substitutes.find(question, self._request, later=later)

    async def end_with(
        self, question: Question, outcome: Outcome, prompt: Prompt | None = None
    ) -> bool:
        """Whatever the engine may write. False: not now. It ends already, another question of its
        conversation is being answered, or too many are in hand."""
        if question.written or question.stops:
            return False
        if self._line.running(question.conversation) is not question:
            if self._group is None or self._in_hand.locked() or not self._line.pull(question):
                return False
            await self._in_hand.acquire()  # at once: it is not locked
            self._group.create_task(self._work(question))
        self._given[question] = outcome, prompt
        question.stop()
        return True

    async def forgive(self) -> None:
        """The program is about to end in order: attempts under way prove nothing against anyone."""
        for number in list(self._begun):
            await self._inbox.unbegin(number)

    async def _attend(self, call: Call) -> None:
        """Its handler asks the engine; the place is its own meanwhile."""
        call.called.set()
        await call.ended.wait()
        self._line.answered(call, took_s=call.took_s)
        self._line.done(call)
        self._free.release()
        self._in_hand.release()

    async def _work(self, question: Question) -> None:
        with tracing(question.entry.trace):
            again = await self._care(question)
            self._begun.discard(question.entry.id)
            self._line.done(question)
            self._in_hand.release()
            if again:
                self._line.join(question)
            else:
                question.ended.set()

    async def _care(self, question: Question) -> bool:
        """True: it must be tried again."""
        number = question.entry.id
        try:
            outcome = await self._answer(question)
            question.written = True
            outcome = await self._deliver(question, outcome)
        except (Gone, Refused) as error:
            log.warning("entry %s cannot be delivered: %s", number, error)
            outcome = await self._outcomes.undeliverable(question)
        except Exception as error:  # one question may fail, the others go on
            for_now = isinstance(error, NotNow)  # else its attempts are counted
            log.error("entry %s failed: %s", number, error, exc_info=not for_now)  # noqa: TRY400
            question.written = False
            await question.reply.close()
            await self._sleep(_AFTER_FAULT_S)
            return True
        await self._endings.write(question, outcome)
        question.watch.end(outcome.end)
        log.info(
            "%(end)s after %(seconds).2f s in all: %(tokens)d tokens, %(characters)d characters",
            {
                "end": outcome.end,
                "seconds": round(question.watch.passed_s(), 3),
                "tokens": outcome.tokens,
                "characters": len(outcome.text),
            },
        )
        return False

    async def _deliver(self, question: Question, outcome: Outcome) -> Outcome:
        """What the person has read: the outcome, or after a day without any way to them, that it
        came to nothing. The others of their platform wait as well, so it keeps nobody else up."""
        while True:
            try:
                await self._finish(question, outcome)
            except Undelivered as error:
                log.error("entry %s has waited too long: %s", question.entry.id, error)  # noqa: TRY400
                outcome = told(question, "expired", "expired")
                with suppress(NotNow):
                    if not await self._inbox.these([question.entry.id]):
                        return outcome  # they were forgotten meanwhile
            except NotNow as error:
                log.warning("entry %s is delivered later: %s", question.entry.id, error)
                await self._sleep(_AFTER_FAULT_S)
            else:
                return outcome

    async def _finish(self, question: Question, outcome: Outcome) -> None:
        if outcome.answer is None:
            await question.reply.finish(outcome.text, buttons=outcome.buttons)
        else:
            buttons = self._buttons(question.entry)
            await question.reply.finish(outcome.text, buttons=buttons, rich=True)

    async def _answer(self, question: Question) -> Outcome:
        began = self._clock()
        took_s = None
        try:
            outcome = await question.unless_stopped(self._attempts(question))
            if outcome is None and question in self._given:
                outcome, prompt = self._given[question]
                question.prompt = prompt or question.prompt
                return outcome
            if outcome is None:
                log.info("entry %s was stopped", question.entry.id)
                return await self._outcomes.stopped(question)
            if outcome.answer is not None and not question.draft.cached:
                took_s = self._clock() - began
            return outcome
        finally:
            self._line.answered(question, took_s=took_s)
            self._leave_engine(question)

    async def _attempts(self, question: Question) -> Outcome:
        """Each start of the engine, and of the program, is one attempt: the question may be what
        made the last one end."""
        give_up_at = self._clock() + _ENGINE_PATIENCE_S
        restarts, number, pause_s = -1, question.entry.id, _FIRST_PAUSE_S
        question.look()
        while question.promised or self._clock() < give_up_at:
            if self._service.stats().state in ("starting", "down"):  # that is none of its doing
                question.engine_down()
                await self._sleep(_DOWN_PAUSE_S)
                continue
            begins = restarts != self._service.stats().restarts
            try:
                async with self._suspects.alone(question, question.attempts + begins):
                    if begins:  # not before it is let in: the one before it may end the program
                        restarts = self._service.stats().restarts
                        self._begun.discard(number)  # its last one counts, whatever comes
                        question.attempts = await self._inbox.begin(number)
                        self._begun.add(number)
                    if question.attempts > self._max_attempts:
                        break
                    return await self._attempt(question)
            except NotNow:
                await self._take_back(question)
                raise
            except EngineDown:
                log.warning("entry %s: the engine is down, attempt %s", number, question.attempts)
                question.engine_down()
                await self._sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        log.error("entry %s is given up at attempt %s", number, question.attempts)
        failed = told(question, "given_up", "dead")
        if question.entry.attempts >= self._max_attempts:
            return failed  # the program died of it: nobody looks at it once more
        return await self._rescued(question, failed)

    async def _take_back(self, question: Question) -> None:
        """The attempt, if it was begun: a database that is away proves nothing against it."""
        number = question.entry.id
        if number in self._begun:
            self._begun.remove(number)
            with suppress(NotNow):
                await self._inbox.unbegin(number)
                question.attempts -= 1

    async def _rescued(self, question: Question, failed: Outcome) -> Outcome:
        """With what can be had without the engine: it has failed this question."""
        found = await self.substitute(question, later=False)
        if found.answer is not None:
            question.prompt = found.prompt
            return found.answer
        text = f"{found.words}\n\n{failed.text}" if found.words else failed.text
        return replace(failed, text=text, calls_person=found.calls_person)

    async def _attempt(self, question: Question) -> Outcome:
        question.draft, question.prompt = Draft(), None
        try:
            await self._write(question)
        except Unusable as error:
            return Outcome(error.said, "refused")
        except Blocked as fault:
            return blocked(question, fault.where, fault.case, fault.category)
        except SeenSimilar as seen:
            assert self._hint is not None
            hint = self._hint(question.entry, seen.number, seen.at)
            return Outcome(hint.text, "said", buttons=hint.buttons)
        except ContextTooLong:
            return told(question, "context_too_long", "refused")
        except EngineFault as error:
            log.warning("entry %s: %s", question.entry.id, error)
            return await self._rescued(question, told(question, "engine_fault", "dead"))
        return await self._outcomes.written(question)

    async def _write(self, question: Question) -> None:
        prompt = await self._prompter.build(await self._asked(question))
        question.prompt = replace(prompt, turns=())  # pictures are large, and it may wait long yet
        most = prompt.tokens + self._answers.max_tokens
        if refused := await self._meter.cover(question.entry, tokens=most):
            raise Unusable(refused.said)
        async with aclosing(self._service.stream(self._request(question, prompt))) as deltas:
            async for delta in deltas:
                question.watch.delta(delta)
                question.draft.add(delta)
                self._show(question)

    def _request(self, question: Question, prompt: Prompt) -> ChatRequest:
        return ChatRequest(
            prompt.turns,
            self._sampling(question),
            self._answers.thinking,
            person=":".join(question.person),
            owner=":".join(question.person),
            id=question.entry.trace,
            asked=question.text,
            attempt_of=question.entry.trace,
            fresh=is_repeated(question) and question.shown is None,
            shown=question.shown,
            can_be_asked=self._hint is not None and not question.entry.event.group,
            usual=_wished(self._answers.sampling(), question.entry.event.wishes),
            can_take_back=True,
            own_system=True,
        )

    def _sampling(self, question: Question) -> Sampling:
        """Asked again, the model shall find other words, and after a restart the same ones."""
        usual = _wished(self._answers.sampling(), question.entry.event.wishes)
        if not is_repeated(question):
            return usual
        warmer = max(usual.temperature, _OTHER_WORDS)
        return replace(usual, temperature=warmer, seed=question.entry.id)

    def _show(self, question: Question) -> None:
        if question.draft.thinking:
            question.reply.wait_with(texts.say("thinking", question.language))
        else:
            question.reply.show(question.draft.text())

    async def _asked(self, question: Question) -> Asked:
        """Its place goes to the next in line: a slow platform shall not keep the engine idle. It
        does not come back for one, since the engine bounds what it runs at once itself."""
        if question.entry.event.photos or question.context.photos:
            self._leave_engine(question)
        return await self._subjects.of(question)

    def _leave_engine(self, question: Question) -> None:
        if question in self._at_engine:
            self._at_engine.remove(question)
            self._free.release()


def _wished(usual: Sampling, wishes: Wishes) -> Sampling:
    return replace(
        usual,
        temperature=usual.temperature if wishes.temperature is None else wishes.temperature,
        top_p=usual.top_p if wishes.top_p is None else wishes.top_p,
        max_tokens=min(usual.max_tokens, wishes.max_tokens or usual.max_tokens),
    )
