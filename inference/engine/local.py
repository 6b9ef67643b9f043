"""The asyncio face of the engine process: starts it, watches it, restarts it, cancels.

An answer that a dying process leaves unfinished is taken up by the next one: the tokens that are
out already are handed over as the beginning of the answer, so the reader notices a pause, no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

from inference.engine.base import EngineStats, State
from inference.engine.process.answer import Answer
from inference.engine.process.launch import ENGINE, EngineProcess
from inference.engine.process.messages import (
    STEP_TOO_LONG,
    Forget,
    InHand,
    Measure,
    Ready,
    Report,
)
from inference.engine.process.questions import Questions
from inference.engine.process.seats import Seats
from inference.engine.process.tally import Tally
from inference.engine.settings import EngineSettings
from inference.errors import EngineDown, InferenceError, ModelUnusable
from inference.request import ChatRequest, Delta, Turn

log = logging.getLogger(__name__)

_STARTS = 3  # that fail in a row, until those who ask are told
_PAUSE_S = 0.5  # before a start that follows a failed one; doubles
_LONGEST_PAUSE_S = 30.0
_GRACE_S = 2.0  # the process ends itself when a step takes too long; it shall come first
_SEATS = 4  # requests inside the process, as a multiple of those it runs at once
_MEASURES = 64  # turns inside the process to be measured


class LocalEngine:
    """`command` starts the process; see EngineProcess.start."""

    def __init__(self, settings: EngineSettings, *, command: Sequence[str] = ENGINE) -> None:
        self._settings = settings
        self._command = command
        self._ids = count(1)
        self._questions = Questions(sending=self._expect)
        self._seats = Seats(_SEATS * settings.max_sequences)
        self._measuring = asyncio.Semaphore(_MEASURES)
        self._state: State = "starting"
        self._keeper: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None  # with a process that is listened to
        self._failed_starts = 0  # in a row
        self._ready = Ready(context_tokens=settings.max_context_tokens, pages=0)
        self._tally = Tally()
        self._restarts = 0

    async def start(self) -> None:
        assert self._keeper is None, "started twice"
        while True:
            try:
                process = await self._launch()
                break
            except EngineDown as error:
                self._failed_starts += 1
                if self._failed_starts >= _STARTS:
                    raise ModelUnusable(f"{error}, {_STARTS} times; its log says why") from error
                await asyncio.sleep(_pause(self._failed_starts))
        self._use(process)
        self._keeper = asyncio.create_task(self._keep(process))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self._check_up()
        answer = Answer(next(self._ids), request, _seed(request))
        with self._questions.answering(answer):
            async with self._seats.take(request.person, request.priority):
                answer.seated = True
                await self._questions.ask(answer)
                while True:
                    delta = await answer.next()
                    yield delta
                    if delta.finish is not None:
                        break

    async def measure(self, turn: Turn) -> int:
        async with self._measuring:
            self._check_up()  # not before: it may go down while this one waits
            return await self._questions.measure(Measure(next(self._ids), _outlined(turn)))

    async def forget(self) -> None:
        await self._questions.forget(Forget(next(self._ids)))

    def stats(self) -> EngineStats:
        now = self._tally.counts
        return EngineStats(
            model=self._settings.model,
            context_tokens=self._ready.context_tokens,
            running=now.running,
            waiting=max(0, len(self._questions) - now.running),
            pages=self._ready.pages,
            pages_used=now.pages_used,
            pages_cached=now.pages_cached,
            pages_host=now.pages_host,
            steps=now.steps,
            prompt_tokens=now.prompt_tokens,
            cached_tokens=now.cached_tokens,
            completion_tokens=now.completion_tokens,
            tokens_per_s=self._tally.tokens_per_s(),
            pictures_encoded=now.pictures_encoded,
            preemptions=now.preemptions,
            times=now.times,
            restarts=self._restarts,
            state=self._state,
        )

    async def close(self) -> None:
        """Answers under way end with EngineDown."""
        keeper, self._keeper = self._keeper, None
        try:
            if keeper is not None:
                keeper.cancel()
                await asyncio.wait([keeper])
            process, self._questions.process = self._questions.process, None
            if process is not None:  # the keeper was cancelled before it had begun
                await process.end()
        finally:
            self._give_up("the engine was closed")

    @property
    def pid(self) -> int | None:
        """Of the engine process; None while there is none."""
        return self._questions.process.pid if self._questions.process else None

    def _check_up(self) -> None:
        if self._keeper is None or self._keeper.done():
            raise EngineDown("the engine is not running")
        if self._state == "down":
            raise EngineDown("the engine cannot be started at present; its log says why")

    def _use(self, process: EngineProcess) -> None:
        self._questions.process = process
        self._state, self._failed_starts = "up", 0

    async def _launch(self) -> EngineProcess:
        """A process that has loaded the model. Raises ModelUnusable; EngineDown when it died."""
        # as many pages as ever: what fitted into the context yesterday fits today
        level = log.getEffectiveLevel()
        settings = replace(self._settings, pages=self._ready.pages, log_level=level)
        process = await EngineProcess.start(settings, self._command)
        try:
            self._ready = await process.loaded(settings)
        except BaseException:  # also when cancelled: nobody else knows of this process
            process.kill()
            await process.end()
            raise
        context, pages = self._ready.context_tokens, self._ready.pages
        log.info("engine process %d: context %d tokens, %d pages", process.pid, context, pages)
        return process

    async def _keep(self, process: EngineProcess) -> None:
        """Serve with one process after the other, until cancelled."""
        try:
            while True:
                silent = False
                try:
                    silent = await self._serve(process)
                finally:
                    self._questions.process, self._state = None, "restarting"
                    code = await process.end()
                log.error("the engine process %d ended with code %d", process.pid, code)
                self._note_death(process, slow=silent or code == STEP_TOO_LONG)
                process = await self._relaunch()
                self._use(process)
        except Exception:  # protects the readers: nobody would end their waiting
            log.exception("the engine is given up")
            self._give_up("the engine is not running")

    def _note_death(self, process: EngineProcess, *, slow: bool) -> None:
        reason = ""
        if slow:
            reason = (
                f"a step took longer than [engine] step_timeout_s, "
                f"{self._settings.step_timeout_s:g} s; raise it or use a faster device, "
                f"unless it hung"
            )
            log.error("the engine process %d: %s", process.pid, reason)
        self._questions.lose(process, reason)
        self._tally.end_process()

    async def _relaunch(self) -> EngineProcess:
        while True:
            await asyncio.sleep(_pause(self._questions.barren - 1))
            try:
                process = await self._launch()
            except InferenceError as error:
                self._failed_starts += 1
                self._questions.barren += 1
                log.error("start %d of the engine failed: %s", self._failed_starts, error)  # noqa: TRY400
                if self._failed_starts >= _STARTS:
                    self._give_up("the engine cannot be started at present; its log says why")
            else:
                self._restarts += 1
                return process

    async def _serve(self, process: EngineProcess) -> bool:
        """Until it is dead (False), or is not heard of though it has work."""
        try:
            async with asyncio.timeout(None) as self._patience, asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._questions.keep_asking())
                self._watch()
                with suppress(EOFError):
                    while True:
                        self._take(await process.receive())
                asking.cancel()
        except TimeoutError:
            process.kill()
            log.error("the engine process %d is not heard of and is killed", process.pid)  # noqa: TRY400
            return True
        finally:
            self._patience = None
        return False

    def _take(self, message: object) -> None:
        if isinstance(message, InHand):
            self._questions.in_hand = message.ids
            return
        assert isinstance(message, Report)
        self._tally.take(message.counts)
        for news in message.news:
            self._questions.pass_on(news)
        self._watch()

    def _watch(self) -> None:
        """A process that was heard of just now has some time for what it still owes."""
        if self._patience is None or self._patience.expired():
            return
        patience_s = self._settings.step_timeout_s + _GRACE_S
        until = asyncio.get_running_loop().time() + patience_s
        self._patience.reschedule(until if self._questions.owed else None)

    def _expect(self) -> None:
        """It is asked something more, which is no reason to wait longer."""
        if self._patience is not None and self._patience.when() is None:
            self._watch()

    def _give_up(self, reason: str) -> None:
        """Whoever asks from now on is told so too, until a process serves again."""
        self._state = "down"
        self._questions.fail_all(reason)


def _seed(request: ChatRequest) -> int:
    """Chosen here, so that the next process draws on with it."""
    seed = request.sampling.seed
    return secrets.randbits(63) if seed is None else seed


def _outlined(turn: Turn) -> Turn:
    """Its pictures without their pixels: how many tokens they take depends on their sides alone."""
    outlines = tuple(replace(picture, rgb=b"") for picture in turn.pictures)
    return replace(turn, pictures=outlines)


def _pause(failures: int) -> float:
    doublings = min(failures - 1, 10)  # more would not be a float in the end
    return min(_PAUSE_S * 2**doublings, _LONGEST_PAUSE_S) if failures > 0 else 0.0
