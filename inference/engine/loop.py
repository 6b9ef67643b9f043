"""The engine's loop: schedule, run, sample, emit. What the process does, without the process."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from inference.engine.base import StepTimes
from inference.engine.compute import Computer, Done, compute, draw, fault_of
from inference.engine.process.messages import (
    Ask,
    Cancel,
    Counts,
    Failed,
    Forget,
    Forgotten,
    InHand,
    Measure,
    Measured,
    News,
    Piece,
    Question,
    Refused,
    Report,
    TooLong,
)
from inference.engine.sampler import Sampler
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Drawn, Guide, Prompt, Sequence
from inference.engine.words.writing import Writing
from inference.errors import BadFormat, ContextTooLong, EngineFault, InferenceError
from inference.request import ChatRequest, Delta, Turn
from inference.trace import tracing

log = logging.getLogger(__name__)

_Part = Literal["schedule", "prefill", "decode", "sample"]


class Language(Protocol):
    """What the loop needs of the model's words; see language.py."""

    ends: frozenset[int]

    def prompt(self, request: ChatRequest) -> Prompt: ...

    def measure(self, turn: Turn) -> int: ...

    def guide(self, request: ChatRequest) -> Guide | None: ...

    def writing(self, request: ChatRequest, seed: int) -> Writing: ...


class Model(Computer, Protocol):
    """What the loop needs of a model; see Glm4v."""

    context_tokens: int
    revision: str
    vision_s: float

    @property
    def pictures_encoded(self) -> int: ...

    @property
    def language(self) -> Language: ...

    def forget(self) -> None:
        """What it keeps of pictures beyond a step."""


@dataclass(slots=True)
class _Answer:
    request: str  # its id in the log
    asked_at: float
    sequence: Sequence
    writing: Writing
    until: float | None = None  # set with the first token


class EngineLoop:
    """`handle` questions, `step`, `report`. `announce` is told what is worked on next, before it
    is. `share_prefixes`: whether all people of a tenant find each other's pages."""

    def __init__(
        self,
        model: Model,
        scheduler: Scheduler,
        *,
        share_prefixes: Literal["tenant", "person"] = "tenant",
        answer_timeout_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        announce: Callable[[InHand], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._scheduler = scheduler
        self._share_prefixes = share_prefixes
        self._answer_timeout_s = answer_timeout_s
        self._clock = clock
        self._announce = announce
        self._in_hand: frozenset[int] = frozenset()
        self._sampler = Sampler(model.context_tokens)
        self._answers: dict[int, _Answer] = {}
        self._news: list[News] = []
        self._counted: Counter[str] = Counter()
        self._spent: dict[_Part, float] = dict.fromkeys(get_args(_Part), 0.0)

    @property
    def has_work(self) -> bool:
        return self._scheduler.has_work

    def handle(self, question: Question) -> None:
        with tracing(question.request.id if isinstance(question, Ask) else ""):
            self._handle(question)

    def _handle(self, question: Question) -> None:
        try:
            match question:
                case Ask(id=id):
                    self._take_in_hand(id)
                    self._begin(question)
                case Cancel(id=id) if id in self._answers:
                    self._end(self._answers[id].sequence)
                case Forget(id=id):
                    self._scheduler.table.forget_all()
                    self._model.forget()
                    self._news.append(Forgotten(id))
                case Measure(id=id, turn=turn):
                    self._take_in_hand(id)
                    self._news.append(Measured(id, self._model.language.measure(turn)))
        except ContextTooLong as error:
            self._news.append(TooLong(question.id, error.tokens, error.limit))
        except BadFormat as error:
            self._news.append(Refused(question.id, str(error)))
        except InferenceError as error:
            self._news.append(Failed(question.id, str(error)))
        except Exception as error:  # one question that cannot be read ends alone
            # without the traceback, whose last line may hold what people wrote
            brief = type(error).__name__
            log.error("request %d was refused: %s", question.id, brief)  # noqa: TRY400
            self._news.append(Failed(question.id, f"the request was refused: {brief}"))

    def step(self) -> None:
        """Compute one batch. What goes wrong in one sequence ends that sequence alone."""
        with self._spending("schedule"):
            chunks = self._scheduler.plan()
            if not chunks:
                self._fail_stuck()
            self._take_in_hand(*(chunk.sequence.id for chunk in chunks))
        with self._spending("decode" if all(c.sequence.decoding for c in chunks) else "prefill"):
            self._model.move(self._scheduler.table.take_moves())
            done = compute(self._model, chunks)
        with self._spending("sample"):
            self._settle(done)
            complete = [chunk.sequence for chunk in done.chunks if not chunk.sequence.pending]
            drawn = draw(self._sampler, self._model, complete, done.logits)
            for sequence, token in zip(complete, drawn, strict=True):
                self._emit(sequence, token)
        self._counted["steps"] += 1

    def report(self) -> Report:
        news, self._news = tuple(self._news), []
        scheduler, vision_s, spent = self._scheduler, self._model.vision_s, self._spent
        prefill_s = max(0.0, spent["prefill"] - vision_s)
        counts = Counts(
            **self._counted,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            pages_used=scheduler.table.used,
            pages_cached=scheduler.table.cached,
            pages_host=scheduler.table.on_host,
            pictures_encoded=self._model.pictures_encoded,
            preemptions=scheduler.preemptions,
            times=StepTimes(
                spent["schedule"], vision_s, prefill_s, spent["decode"], spent["sample"]
            ),
        )
        return Report(counts, news)

    def _begin(self, ask: Ask) -> None:
        language, request = self._model.language, ask.request
        sequence = Sequence(
            ask.id,
            language.prompt(request),
            request.sampling,
            ask.seed,
            request.person,
            request.priority,
            self._salt(request),
            language.guide(request),
            list(ask.written),
        )
        writing = language.writing(request, ask.seed)
        answer = _Answer(request.id, self._clock(), sequence, writing)
        for token in ask.written:  # its text is out already
            answer.writing.push(Drawn(token))
            if sequence.guide is not None:
                sequence.guide.advance(token)
        if ask.written and len(sequence.tokens) >= self._model.context_tokens:
            # the process before had more room than this one
            rest = Delta(finish="length", usage=sequence.usage())
            self._news.append(Piece(ask.id, None, answer.writing.flush() + rest))
            return
        self._answers[ask.id] = answer
        self._scheduler.add(sequence)
        log.debug(
            "request %(number)d: %(prompt_tokens)d tokens of prompt, %(pictures)d pictures",
            {
                "number": ask.id,
                "prompt_tokens": len(sequence.prompt.tokens),
                "pictures": sum(len(turn.pictures) for turn in request.turns),
            },
        )

    def _salt(self, request: ChatRequest) -> bytes:
        person = request.person if self._share_prefixes == "person" else ""
        named = json.dumps([self._model.revision, request.tenant, person])
        return hashlib.blake2b(named.encode(), digest_size=16).digest()

    def _take_in_hand(self, *ids: int) -> None:
        if self._in_hand != frozenset(ids):
            self._in_hand = frozenset(ids)
            self._announce(InHand(self._in_hand))

    def _fail_stuck(self) -> None:
        """Nothing runs and the oldest finds no room: a fault of ours, but others shall go on."""
        oldest = [*self._scheduler.running, *self._scheduler.waiting][0]
        log.error("%d tokens of request %d find no room", len(oldest.tokens), oldest.id)
        self._fail(oldest, EngineFault("the engine has no room for the request"))

    def _settle(self, done: Done) -> None:
        for sequence, fault in done.failed:
            self._fail(sequence, fault)
        if done.shrunk:
            self._scheduler.take_smaller_steps()
        for chunk in done.chunks:
            self._scheduler.advance(chunk)

    def _emit(self, sequence: Sequence, drawn: Drawn | EngineFault) -> None:
        if isinstance(drawn, EngineFault):
            self._fail(sequence, drawn)
            return
        answer = self._answers[sequence.id]
        until = self._count_token(answer)
        sequence.tokens.append(drawn.token)
        try:
            delta = self._write(answer, drawn, late=self._clock() >= until)
        except Exception as error:  # what one answer says cannot be read; the others go on
            self._fail(sequence, fault_of(error))
            return
        self._news.append(Piece(sequence.id, drawn.token, delta))
        if delta.finish:
            self._end(sequence)

    def _write(self, answer: _Answer, drawn: Drawn, *, late: bool) -> Delta:
        """With `finish` when the answer ends here."""
        sequence, ends = answer.sequence, self._model.language.ends
        delta = answer.writing.push(drawn)
        finish = delta.finish or sequence.finish_after(
            drawn.token, ends=ends, context=self._model.context_tokens
        )
        if finish is None and not late:
            return delta
        rest = answer.writing.flush()
        if finish == "stop" and rest.finish:
            finish = rest.finish
        return delta + rest + Delta(finish=finish or "length", usage=sequence.usage())

    def _fail(self, sequence: Sequence, fault: EngineFault) -> None:
        with tracing(self._answers[sequence.id].request):
            log.warning("request %d ended with a fault: %s", sequence.id, fault)
        self._news.append(Failed(sequence.id, str(fault), fault.kind))
        self._end(sequence, forget=True)

    def _end(self, sequence: Sequence, *, forget: bool = False) -> None:
        self._scheduler.remove(sequence, forget=forget)
        self._sampler.forget(sequence)
        del self._answers[sequence.id]

    def _count_token(self, answer: _Answer) -> float:
        """When the answer has to end."""
        self._counted["completion_tokens"] += 1
        if answer.until is None:
            now = self._clock()
            answer.until = now + self._answer_timeout_s
            usage = answer.sequence.usage()
            with tracing(answer.request):
                log.debug(
                    "request %(number)d: first token %(ms)d ms after it came,"
                    " %(cached_tokens)d tokens of its prompt were kept from before",
                    {
                        "number": answer.sequence.id,
                        "ms": round(1000 * (now - answer.asked_at)),
                        "cached_tokens": usage.cached_tokens,
                    },
                )
            self._counted["prompt_tokens"] += usage.prompt_tokens
            self._counted["cached_tokens"] += usage.cached_tokens
        return answer.until

    @contextmanager
    def _spending(self, part: _Part) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[part] += time.perf_counter() - began
