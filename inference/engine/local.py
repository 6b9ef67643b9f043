"""The asyncio face of the engine process: starts it, watches it, restarts it, cancels.

An answer that a dying process leaves unfinished is taken up by the next one: the tokens that are
out already are handed over as the beginning of the answer, so the reader notices a pause, no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import fields, replace
from itertools import count

from inference.engine.answer import Answer
from inference.engine.base import EngineStats
from inference.engine.messages import (
    Ask,
    Cancel,
    Counts,
    Failed,
    Fetching,
    InHand,
    Measure,
    Measured,
    News,
    Piece,
    Ready,
    Report,
    TooLong,
    Unusable,
)
from inference.engine.process import EngineProcess
from inference.engine.settings import EngineSettings
from inference.errors import (
    ContextTooLong,
    EngineDown,
    EngineFault,
    InferenceError,
    ModelUnusable,
)
from inference.request import ChatRequest, Delta, Turn

__all__ = ["EngineSettings", "LocalEngine"]

log = logging.getLogger(__name__)

_DEATHS = 3  # of the process: in a row while it starts, or during one request
_SUSPECT = 2  # deaths after which a request is worked on without others like it
_PAUSE_S = 0.5  # before a start that follows a failed one; doubles
_LONGEST_PAUSE_S = 30.0
_SEATS = 4  # requests inside the process, as a multiple of those it runs at once


class LocalEngine:
    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._ids = count(1)
        self._answers: dict[int, Answer] = {}
        self._measures: dict[int, tuple[Measure, asyncio.Future[int]]] = {}
        self._seats = asyncio.Semaphore(_SEATS * settings.max_sequences)
        self._process: EngineProcess | None = None  # only while it can be asked
        self._keeper: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._in_hand: frozenset[int] = frozenset()  # what the process is working on
        self._failed_starts = 0  # in a row
        self._barren = 0  # processes in a row that ended without having given anything out
        self._ready = Ready(context_tokens=settings.max_context_tokens, pages=0)
        self._counts, self._counts_before = Counts(), Counts()
        self._restarts = 0

    async def start(self) -> None:
        assert self._keeper is None, "started twice"
        while True:
            try:
                process = await self._launch()
                break
            except EngineDown as error:
                self._failed_starts += 1
                if self._failed_starts >= _DEATHS:
                    raise ModelUnusable(f"{error}, {_DEATHS} times; its log says why") from error
                await asyncio.sleep(_pause(self._failed_starts))
        self._process = process
        self._keeper = asyncio.create_task(self._keep(process))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self._check_up()
        answer = Answer(next(self._ids), request, _seed(request))
        self._answers[answer.id] = answer
        try:
            async with self._seats:
                answer.seated = True
                await self._ask(answer)
                while True:
                    delta = await answer.next()
                    yield delta
                    if delta.finish is not None:
                        break
        finally:
            del self._answers[answer.id]
            if not answer.ended and self._process is not None:
                self._process.post(Cancel(answer.id))

    async def measure(self, turn: Turn) -> int:
        self._check_up()
        question = Measure(next(self._ids), turn)
        measured: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._measures[question.id] = question, measured
        try:
            if self._process is not None:
                await self._send(self._process, question, (turn,))
            return await measured
        finally:
            del self._measures[question.id]

    def stats(self) -> EngineStats:
        now = self._counts
        return EngineStats(
            model=self._settings.model,
            context_tokens=self._ready.context_tokens,
            running=now.running,
            waiting=max(0, len(self._answers) - now.running),
            pages=self._ready.pages,
            pages_used=now.pages_used,
            steps=now.steps,
            prompt_tokens=now.prompt_tokens,
            cached_tokens=now.cached_tokens,
            completion_tokens=now.completion_tokens,
            pictures_encoded=now.pictures_encoded,
            restarts=self._restarts,
            up=self._process is not None,
        )

    async def close(self) -> None:
        """Answers under way end with EngineDown."""
        keeper, self._keeper = self._keeper, None
        try:
            if keeper is not None:
                keeper.cancel()
                await asyncio.wait([keeper])
        finally:
            self._fail_all("the engine was closed")

    @property
    def pid(self) -> int | None:
        """Of the engine process; None while there is none."""
        return self._process.pid if self._process else None

    def _check_up(self) -> None:
        if self._keeper is None or self._keeper.done():
            raise EngineDown("the engine is not running")
        if self._failed_starts >= _DEATHS:
            raise EngineDown("the engine cannot be started at present; its log says why")

    async def _launch(self) -> EngineProcess:
        """A process that has loaded the model. Raises ModelUnusable; EngineDown when it died."""
        # as many pages as ever: what fitted into the context yesterday fits today
        settings = replace(self._settings, pages=self._ready.pages)
        try:
            process = await EngineProcess.start(settings)
        except OSError as error:
            raise EngineDown(f"the engine process cannot be started ({error})") from error
        try:
            message = await self._first_word(process)
        except TimeoutError as error:
            process.kill()
            await process.end()
            raise ModelUnusable(
                f"{self._settings.model} was not loaded within [engine] start_timeout_s, "
                f"{self._settings.start_timeout_s:g} s"
            ) from error
        except EOFError as error:
            code = await process.end()
            raise EngineDown(f"the engine process ended with code {code} as it started") from error
        except BaseException:  # cancelled: nobody else knows of this process
            process.kill()
            await process.end()
            raise
        if isinstance(message, Unusable):
            await process.end()
            raise ModelUnusable(message.reason)
        assert isinstance(message, Ready)
        self._ready = message
        self._failed_starts = 0
        context, pages = message.context_tokens, message.pages
        log.info("engine process %d: context %d tokens, %d pages", process.pid, context, pages)
        return process

    async def _first_word(self, process: EngineProcess) -> object:
        """The time it takes to fetch the checkpoint does not count."""
        while True:
            async with asyncio.timeout(self._settings.start_timeout_s):
                message = await process.receive()
            if not isinstance(message, Fetching):
                return message

    async def _keep(self, process: EngineProcess) -> None:
        """Serve with one process after the other, until cancelled."""
        try:
            while True:
                try:
                    await self._serve(process)
                finally:
                    self._process = None
                    code = await process.end()
                log.error("the engine process %d ended with code %d", process.pid, code)
                self._account_for(process)
                process = await self._relaunch()
        except Exception:  # protects the readers: nobody would end their waiting
            log.exception("the engine is given up")
            self._fail_all("the engine is not running")

    async def _relaunch(self) -> EngineProcess:
        while True:
            await asyncio.sleep(_pause(self._barren - 1))
            try:
                process = await self._launch()
            except InferenceError as error:
                self._failed_starts += 1
                self._barren += 1
                log.error("start %d of the engine failed: %s", self._failed_starts, error)  # noqa: TRY400
                if self._failed_starts >= _DEATHS:
                    self._fail_all("the engine cannot be started at present; its log says why")
            else:
                self._restarts += 1
                return process

    async def _serve(self, process: EngineProcess) -> None:
        """Until it is dead, or makes no step though it has work."""
        self._process = process
        try:
            async with asyncio.timeout(None) as self._patience:
                await self._take_up(process)
                while True:
                    message = await process.receive()
                    if isinstance(message, InHand):
                        self._in_hand = message.ids
                        continue
                    assert isinstance(message, Report)
                    self._counts = _sum(self._counts_before, message.counts)
                    for news in message.news:
                        self._pass_on(news)
                    self._watch(anew=True)
                    await self._ask_all()  # a suspect has waited for another to end, perhaps
        except TimeoutError:
            process.kill()
            log.error("no step for %g s", self._settings.step_timeout_s)  # noqa: TRY400
        except EOFError:
            pass
        finally:
            self._patience = None

    async def _take_up(self, process: EngineProcess) -> None:
        """Ask again what an earlier process has left undone."""
        await self._ask_all()
        for question, _ in list(self._measures.values()):
            await self._send(process, question, (question.turn,))

    async def _ask_all(self) -> None:
        for answer in list(self._answers.values()):
            if answer.seated and not answer.ended:
                await self._ask(answer)

    async def _ask(self, answer: Answer) -> None:
        """Unless its process has been asked already; without one, the next will be."""
        process = self._process
        if process is None or answer.asked is process:
            return
        if answer.deaths >= _SUSPECT and self._suspects(process):
            return  # one at a time; it is asked when that has ended
        answer.asked = process
        await self._send(process, answer.ask(), answer.request.turns)
        if answer.id not in self._answers:  # cancelled meanwhile, perhaps before it was sent
            process.post(Cancel(answer.id))

    async def _send(
        self, process: EngineProcess, question: Ask | Measure, turns: Sequence[Turn]
    ) -> None:
        self._watch(anew=False)
        within = sum(len(picture.rgb) for turn in turns for picture in turn.pictures)
        await process.send(question, bytes_within=within)

    def _watch(self, *, anew: bool) -> None:
        """A process with work has step_timeout_s to be heard of. `anew`: it just was."""
        if self._patience is None or self._patience.expired():
            return
        if anew or self._patience.when() is None:
            # not merely registered: who waited may not have run since its result came
            measuring = any(not measured.done() for _, measured in self._measures.values())
            answering = any(a.asked and not a.ended for a in self._answers.values())
            busy = measuring or answering
            until = asyncio.get_running_loop().time() + self._settings.step_timeout_s
            self._patience.reschedule(until if busy else None)

    def _pass_on(self, news: News) -> None:
        if isinstance(news, Measured):
            if news.id in self._measures:
                _resolve(self._measures[news.id][1], news.tokens)
            return
        if isinstance(news, Failed) and news.id in self._measures:
            _resolve(self._measures[news.id][1], EngineFault(news.reason))
        answer = self._answers.get(news.id)
        if answer is None:  # cancelled while this was on its way
            return
        match news:
            case Piece():
                self._barren = 0
                answer.put(news)
            case Failed(reason=reason):
                answer.fail(EngineFault(reason))
            case TooLong(tokens=tokens, limit=limit):
                answer.fail(ContextTooLong(tokens, limit))

    def _account_for(self, process: EngineProcess) -> None:
        """A process died: who was in it, and what it had counted."""
        self._barren += 1
        idle = {"running": 0, "waiting": 0, "pages_used": 0}
        self._counts = self._counts_before = replace(self._counts, **idle)
        asked = [a for a in self._answers.values() if a.asked is process and not a.ended]
        working = [answer for answer in asked if answer.id in self._in_hand]
        self._in_hand = frozenset()
        if not working and self._barren >= _DEATHS:
            working = asked  # it never comes as far as saying over which
        for answer in [a for a in self._suspects(process) if a in working] or working:
            answer.deaths += 1
            if answer.deaths >= _DEATHS:
                answer.fail(EngineFault(f"the engine died {_DEATHS} times over this request"))

    def _suspects(self, process: EngineProcess) -> list[Answer]:
        """Those over which earlier processes may have died and this one is asked now."""
        answers = self._answers.values()
        asked = [a for a in answers if a.asked is process and not a.ended]
        return [answer for answer in asked if answer.deaths >= _SUSPECT]

    def _fail_all(self, reason: str) -> None:
        for answer in self._answers.values():
            if not answer.ended:
                answer.fail(EngineDown(reason))
        for _, measured in self._measures.values():
            _resolve(measured, EngineDown(reason))


def _seed(request: ChatRequest) -> int:
    """Chosen here, so that the next process draws on with it."""
    seed = request.sampling.seed
    return secrets.randbits(63) if seed is None else seed


def _pause(failures: int) -> float:
    return min(_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S) if failures > 0 else 0.0


def _sum(before: Counts, now: Counts) -> Counts:
    """What was of the moment is 0 in `before`."""
    names = [field.name for field in fields(Counts)]
    return Counts(**{name: getattr(before, name) + getattr(now, name) for name in names})


def _resolve(future: asyncio.Future[int], result: int | InferenceError) -> None:
    if future.done():
        return
    if isinstance(result, int):
        future.set_result(result)
    else:
        future.set_exception(result)
