"""Requests in the one line: each answer waits for a seat, is written, and gives the seat back; what
it took is reserved before and settled after, whatever happens between.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress

from bot.api.answers import Answers
from bot.api.asking import Asked
from bot.api.caller import Caller
from bot.api.errors import ApiError, Why
from bot.call import Call
from bot.line import Line
from bot.metering import Meter
from bot.pacing import Clock
from bot.question import Question
from bot.storage.errors import NotNow
from bot.texts import Language
from bot.watching.counts import Counts, Watch
from bot.wording.api import ApiKey
from inference.errors import (
    BadFormat,
    Blocked,
    ContextTooLong,
    EngineDown,
    EngineFault,
    InferenceError,
    Where,
)
from inference.request import ChatRequest, Turn
from inference.safety.verdict import UNCHECKED
from inference.service import Service
from inference.trace import current

log = logging.getLogger(__name__)

_SOON_S = 5.0  # when to come again, where nothing is known that one could judge by
_LAST_WORDS_S = 1.0  # for telling who asked that the program ends
_SETTLING_TRIES = 2  # the first may find the disk full, and make room for the second
_PATIENCE_S = 5.0  # with an engine that shall count what was written
_NOBODY = object()
_BLOCKED: dict[Where, ApiKey] = {
    "question": "api_blocked_question",
    "picture": "api_blocked_picture",
    "answer": "api_blocked_answer",
}

Shown = Callable[[], None]  # told when who asked can read something


class Calls:
    def __init__(
        self,
        line: Line[Question | Call],
        service: Service,
        meter: Meter,
        counts: Counts,
        *,
        max_wait_s: float,
        max_at_once: int,
        clock: Clock = time.monotonic,
    ) -> None:
        self._line = line
        self._service = service
        self._meter = meter
        self._counts = counts
        self._max_wait_s = max_wait_s
        self._max_at_once = max_at_once
        self._clock = clock
        self._at_once: Counter[str] = Counter()  # answers in hand, by person
        self._open = self._closing = False
        self._under_way: set[Answers] = set()
        self._ended = asyncio.Event()

    def open(self) -> None:
        """From now on there is somebody who answers."""
        self._open = True

    async def close(self, within_s: float) -> None:
        """Nobody is answered any more: who waits in the line is told so now, and who is being
        answered when the time is over."""
        self._open, self._closing = False, True
        for call in self._line.leave(lambda one: isinstance(one, Call)):
            assert isinstance(call, Call)
            call.called.set()
        if not await self._idle(within_s):
            for answers in self._under_way:
                answers.fail(self._down())
            await self._idle(_LAST_WORDS_S)

    def check(self, caller: Caller, *, answers: int = 1) -> None:
        """Before much work is done for it; who is turned away is counted. Raises ApiError."""
        try:
            self._check(caller, answers)
        except ApiError as error:
            self._counts.ask("api").end(error.code)
            raise

    def _check(self, caller: Caller, answers: int) -> None:
        if self._closing:
            raise self._down()
        seconds = self._wait_s()
        if self._at_once[caller.person] + answers > self._max_at_once:
            raise ApiError(
                "api_line_full_key",
                retry_after_s=seconds,
                limit=self._max_at_once,
                seconds=math.ceil(seconds),
            )
        if self._line.full(_NOBODY):  # whose own bound is not people's
            raise ApiError("api_line_full", retry_after_s=seconds, seconds=math.ceil(seconds))

    @asynccontextmanager
    async def answers(
        self,
        id_: str,
        asked: Asked,
        caller: Caller,
        user: str,
        language: Language,
        *,
        whole: bool = False,
    ) -> AsyncIterator[Answers]:
        """`id_`: ours, for the ledger. `whole`: nobody sees a word before the end. Leaving early
        cancels. Raises ApiError."""
        watch = self._counts.ask("api", age_s=asked.took_s)
        outcome = "disconnected"
        answers = Answers(asked.answers, asked.most_deltas)
        self._under_way.add(answers)
        try:
            async with self._reserved(id_, asked, caller, language, answers):
                self._check(caller, asked.answers)  # others came meanwhile
                requests = asked.requests(id_)
                shown = None if whole else watch.text
                async with self._running(requests, caller, user, answers, watch, shown):
                    yield answers
            if answers.ended:
                watch.text()
                outcome = "answered"
        except ApiError as error:
            outcome = error.code
            raise
        finally:
            watch.end(outcome)
            self._under_way.discard(answers)
            self._ended.set()

    async def _idle(self, within_s: float) -> bool:
        """Whether all have ended in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._under_way:
                    self._ended.clear()
                    await self._ended.wait()
        return not self._under_way

    @asynccontextmanager
    async def _reserved(
        self, id_: str, asked: Asked, caller: Caller, language: Language, answers: Answers
    ) -> AsyncIterator[None]:
        failed = False
        try:
            await self._reserve(id_, asked, caller, language)
            yield
        except ApiError:
            failed = True
            raise
        finally:
            await _to_the_end(self._settle(id_, asked, answers, failed=failed))

    async def _settle(self, id_: str, asked: Asked, answers: Answers, *, failed: bool) -> None:
        seen = any(tally.seen for tally in answers.tallies) and not failed
        tokens = 0 if failed else await self._cost(asked, answers)
        for _ in range(_SETTLING_TRIES):
            try:
                await self._meter.settle_call(id_, questions=int(seen), tokens=tokens)
            except NotNow as error:  # the answer is whole; else what is reserved counts
                log.warning("call %s is not settled: %s", id_, error)
            else:
                return

    async def _reserve(self, id_: str, asked: Asked, caller: Caller, language: Language) -> None:
        refused = await self._meter.reserve_call(
            id_, caller.person, tokens=asked.most_tokens, language=language
        )
        if refused is not None:
            raise ApiError("api_quota", retry_after_s=refused.retry_after_s, said=refused.said)

    @asynccontextmanager
    async def _running(
        self,
        requests: Sequence[ChatRequest],
        caller: Caller,
        user: str,
        answers: Answers,
        watch: Watch,
        shown: Shown | None,
    ) -> AsyncIterator[None]:
        """No TaskGroup: what fails is told to who reads, and their end is the end of the block."""
        self._at_once[caller.person] += len(requests)
        tasks: list[asyncio.Task[None]] = []
        try:
            for number, request in enumerate(requests):
                call = Call((caller.person, user))
                answers.calls.append(call)
                if self._is_away():
                    call.called.set()  # nobody is served in turn, but an earlier answer may be kept
                else:
                    self._line.join(call)
                work = self._answer(number, request, call, answers, watch, shown)
                tasks.append(asyncio.create_task(work, name=f"{current()} {number}"))
            watch.joined()
            yield
        finally:
            for task in tasks:
                task.cancel()
            try:
                await asyncio.wait(tasks)
            finally:  # who asked may go just now
                self._at_once -= Counter({caller.person: len(requests)})

    async def _answer(
        self,
        number: int,
        request: ChatRequest,
        call: Call,
        answers: Answers,
        watch: Watch,
        shown: Shown | None,
    ) -> None:
        took_s = None
        try:
            await self._turn_of(call)
            watch.called()
            answers.tallies[number].called = True
            began, cached = self._clock(), False
            async with aclosing(self._service.stream(request)) as deltas:
                async for delta in deltas:
                    watch.delta(delta)
                    cached = cached or delta.cached
                    answers.tallies[number].cached = cached  # also if nobody reads it any more
                    await answers.put((number, delta))
                    if delta.text and shown is not None:
                        shown()
            took_s = None if cached else self._clock() - began
        except InferenceError as error:
            await answers.put(self._refusal(error))
        except ApiError as error:
            await answers.put(error)
        except Exception:  # one request may fail, the line goes on
            log.exception("an answer failed")
            await answers.put(ApiError("api_broken", id=current()))
        finally:
            call.end(took_s=took_s)
            self._line.leave(lambda one: one is call)

    def _is_away(self) -> bool:
        return not self._open or self._service.stats().state in ("starting", "down")

    async def _turn_of(self, call: Call) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._max_wait_s):
                await call.called.wait()
        if self._closing:
            raise self._down()
        if not call.called.is_set():
            seconds = self._wait_s()
            raise ApiError(
                "api_waited",
                retry_after_s=seconds,
                waited=math.ceil(self._max_wait_s),
                seconds=math.ceil(seconds),
            )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the engine says, as an ApiError."""
        try:
            yield
        except InferenceError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: InferenceError) -> ApiError:
        match error:
            case ContextTooLong(tokens=tokens, limit=limit):
                return ApiError(
                    "api_context_too_long", param="messages", tokens=tokens, limit=limit
                )
            case Blocked(category=category) if category == UNCHECKED:
                return ApiError("api_not_checked")
            case Blocked(where=where, case=number):
                return _blocked(where, number)
            case BadFormat():
                return ApiError("api_bad_format", param="response_format", why=str(error))
            case EngineDown():
                log.warning("the engine is down: %s", error)
                return self._down()
            case EngineFault():
                log.error("the engine failed: %s", error)
                return ApiError("api_engine_fault", id=current())
            case _:
                log.error("the engine refused: %s", error)
                return ApiError("api_broken", id=current())

    def _down(self) -> ApiError:
        return ApiError("api_engine_down", retry_after_s=_SOON_S, seconds=math.ceil(_SOON_S))

    def _wait_s(self) -> float:
        """When it may be worth while to come again, at least a second from now."""
        return max(1.0, self._line.wait_s() or _SOON_S)

    async def _cost(self, asked: Asked, answers: Answers) -> int:
        """Tokens read and written so far; the prompt is read once for all, and an earlier answer
        takes none."""
        called = [tally for tally in answers.tallies if tally.called and not tally.cached]
        if not called:
            return 0
        prompts = [tally.usage.prompt_tokens for tally in called if tally.usage]
        cost = prompts[0] if prompts else asked.prompt_tokens
        for tally in called:
            if tally.usage is not None:
                cost += tally.usage.completion_tokens
            else:
                written = await self._tokens_of("".join(tally.written))
                cost += min(written, asked.request.sampling.max_tokens)
        return cost

    async def _tokens_of(self, text: str) -> int:
        if not text:
            return 0
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._service.measure(Turn("assistant", text))
        except (InferenceError, TimeoutError):
            return len(text)  # no token is shorter than a character, but for rare ones


def _blocked(where: Where, case: int | None) -> ApiError:
    """`case`: None: staff do not have it."""
    what = Why(_BLOCKED[where])
    if case is None:
        return ApiError("api_blocked", what=what)
    return ApiError("api_blocked_case", case=case, what=what, number=case)


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Also when who waits for it is cancelled meanwhile, since a client may go at any moment."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
