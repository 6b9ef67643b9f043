"""The engine process: schedule, run, sample, emit, until the parent goes away.

Started by process.py as `python -m inference.engine.loop FD`; FD is its end of a socket pair.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from collections.abc import Sequence as Items
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Never, Protocol

import torch

from inference.engine.blocks import PageTable
from inference.engine.detokenize import Detokenizer
from inference.engine.messages import (
    HEAD_BYTES,
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
    Question,
    Ready,
    Report,
    TooLong,
    Unusable,
    pack,
    unpack,
)
from inference.engine.sampler import Sampler
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Chunk, Prompt, Sequence
from inference.engine.settings import EngineSettings
from inference.errors import ContextTooLong, EngineFault, InferenceError, ModelUnusable
from inference.request import ChatRequest, Turn

log = logging.getLogger(__name__)

_INBOX_MESSAGES = 1024  # when full, the parent's sends wait


class Model(Protocol):
    """What the loop needs of a model; see Glm4v."""

    context_tokens: int
    ends: frozenset[int]

    @property
    def pictures_encoded(self) -> int: ...

    def prompt(self, request: ChatRequest) -> Prompt: ...

    def measure(self, turn: Turn) -> int: ...

    def decode(self, tokens: Items[int]) -> str: ...

    def forward(self, chunks: Items[Chunk]) -> torch.Tensor: ...


@dataclass(slots=True)
class _Writing:
    sequence: Sequence
    detokenizer: Detokenizer
    counted: bool = False


class EngineLoop:
    """What the process does, without the process: `handle` questions, `step`, `report`.
    `announce` is told what is worked on next, before it is."""

    def __init__(
        self,
        model: Model,
        scheduler: Scheduler,
        announce: Callable[[InHand], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._scheduler = scheduler
        self._announce = announce
        self._in_hand: frozenset[int] = frozenset()
        self._sampler = Sampler()
        self._writings: dict[int, _Writing] = {}
        self._news: list[News] = []
        self._steps = self._prompt_tokens = self._cached_tokens = self._completion_tokens = 0

    @property
    def has_work(self) -> bool:
        return self._scheduler.has_work

    def handle(self, question: Question) -> None:
        try:
            match question:
                case Ask(id=id):
                    self._take_in_hand(id)
                    self._begin(question)
                case Cancel(id=id) if id in self._writings:
                    self._end(self._writings[id].sequence)
                case Measure(id=id, turn=turn):
                    self._news.append(Measured(id, self._model.measure(turn)))
        except ContextTooLong as error:
            self._news.append(TooLong(question.id, error.tokens, error.limit))
        except InferenceError as error:
            self._news.append(Failed(question.id, str(error)))
        except Exception as error:  # one question that cannot be read ends alone
            # without the traceback, whose last line may hold what people wrote
            log.error("request %d was refused: %s", question.id, _brief(error))  # noqa: TRY400
            self._news.append(Failed(question.id, f"the request was refused: {_brief(error)}"))

    def step(self) -> None:
        """Compute one batch. What goes wrong in one sequence ends that sequence alone."""
        plan = self._scheduler.plan()
        if not plan:
            self._fail_stuck()
            return
        self._take_in_hand(*(chunk.sequence.id for chunk in plan))
        chunks, logits = self._run(plan)
        for chunk in chunks:
            self._scheduler.advance(chunk)
        complete = [chunk.sequence for chunk in chunks if not chunk.sequence.pending]
        tokens = self._sampler.pick(complete, logits)
        for sequence, token in zip(complete, tokens, strict=True):
            self._emit(sequence, token)
        self._steps += 1

    def report(self) -> Report:
        news, self._news = tuple(self._news), []
        counts = Counts(
            running=len(self._scheduler.running),
            waiting=len(self._scheduler.waiting),
            pages_used=self._scheduler.table.used,
            steps=self._steps,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            completion_tokens=self._completion_tokens,
            pictures_encoded=self._model.pictures_encoded,
        )
        return Report(counts, news)

    def _begin(self, ask: Ask) -> None:
        prompt = self._model.prompt(ask.request)
        sequence = Sequence(ask.id, prompt, ask.request.sampling, ask.seed, list(ask.written))
        writing = _Writing(sequence, Detokenizer(self._model.decode))
        for token in ask.written:
            writing.detokenizer.push(token)  # its text is out already
        if ask.written and len(sequence.tokens) >= self._model.context_tokens:
            # the process before had more room than this one
            text = writing.detokenizer.flush()
            self._news.append(Piece(ask.id, None, text, "length", sequence.usage()))
            return
        self._writings[ask.id] = writing
        self._scheduler.add(sequence)

    def _take_in_hand(self, *ids: int) -> None:
        if self._in_hand != frozenset(ids):
            self._in_hand = frozenset(ids)
            self._announce(InHand(self._in_hand))

    def _fail_stuck(self) -> None:
        """Nothing runs and the oldest finds no room: a fault of ours, but others shall go on."""
        oldest = [*self._scheduler.running, *self._scheduler.waiting][0]
        log.error("%d tokens of request %d find no room", len(oldest.tokens), oldest.id)
        self._fail(oldest, "the engine has no room for the request")

    def _run(self, chunks: list[Chunk]) -> tuple[list[Chunk], torch.Tensor]:
        """The chunks that could be computed, with a row of logits for each that completes."""
        try:
            return chunks, self._model.forward(chunks)
        except torch.AcceleratorError:
            raise  # the device is unusable to this process from now on; the parent starts another
        except Exception as error:
            log.exception("a step over %d sequences failed", len(chunks))
            fault = _brief(error)  # the exception itself would keep the step's tensors alive
        if len(chunks) == 1:
            self._fail(chunks[0].sequence, fault)
            return [], torch.empty(0, 1)
        alone = [self._run([chunk]) for chunk in chunks]
        rows = [logits for _, logits in alone if len(logits)]
        computed = [chunk for done, _ in alone for chunk in done]
        return computed, torch.cat(rows) if rows else torch.empty(0, 1)

    def _emit(self, sequence: Sequence, token: int | EngineFault) -> None:
        if isinstance(token, EngineFault):
            self._fail(sequence, str(token))
            return
        writing = self._writings[sequence.id]
        self._count(writing)
        sequence.tokens.append(token)
        text = writing.detokenizer.push(token)
        finish = sequence.finish_after(
            token, ends=self._model.ends, context=self._model.context_tokens
        )
        if finish is None:
            self._news.append(Piece(sequence.id, token, text))
            return
        text += writing.detokenizer.flush()
        self._news.append(Piece(sequence.id, token, text, finish, sequence.usage()))
        self._end(sequence)

    def _count(self, writing: _Writing) -> None:
        self._completion_tokens += 1
        if not writing.counted:
            writing.counted = True
            self._prompt_tokens += len(writing.sequence.prompt.tokens)
            self._cached_tokens += writing.sequence.cached

    def _fail(self, sequence: Sequence, reason: str) -> None:
        self._news.append(Failed(sequence.id, reason))
        self._end(sequence, forget=True)

    def _end(self, sequence: Sequence, *, forget: bool = False) -> None:
        self._scheduler.remove(sequence, forget=forget)
        self._sampler.forget(sequence)
        del self._writings[sequence.id]


def main() -> None:
    # the parent handles these, finishes what it wants to, and closes the line
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with socket.socket(fileno=int(sys.argv[1])) as line, line.makefile("rb") as incoming:
        settings = _read(incoming)
        assert isinstance(settings, EngineSettings)
        inbox: queue.Queue[Question] = queue.Queue(_INBOX_MESSAGES)
        threading.Thread(target=_listen, args=(incoming, inbox), daemon=True).start()
        _serve_and_exit(line, inbox, settings)


def _serve_and_exit(
    line: socket.socket, inbox: queue.Queue[Question], settings: EngineSettings
) -> Never:
    # NOTE: nothing may leave this function: closing what the listener reads from needs the lock
    # that it holds while it reads, so the process would stand still instead of ending
    code = 1
    try:
        try:
            _serve(line, inbox, settings)
        except ModelUnusable as error:
            line.sendall(pack(Unusable(str(error))))
        code = 0
    except ConnectionError:
        code = 0  # the parent is gone
    except BaseException:
        log.exception("the engine process fails")
    finally:
        logging.shutdown()
        os._exit(code)


def _serve(line: socket.socket, inbox: queue.Queue[Question], settings: EngineSettings) -> None:
    # imported here: transformers takes seconds, and the listener must notice a parent that dies
    from inference.engine.glm4v import Glm4v

    model = Glm4v.load(settings, fetching=lambda: line.sendall(pack(Fetching())))
    table = PageTable(model.pages, model.page_tokens)
    scheduler = Scheduler(
        table, max_sequences=settings.max_sequences, step_tokens=settings.step_tokens
    )
    loop = EngineLoop(model, scheduler, lambda in_hand: line.sendall(pack(in_hand)))
    line.sendall(pack(Ready(model.context_tokens, model.pages)))
    while True:
        for question in _take(inbox, wait=not loop.has_work):
            loop.handle(question)
        if loop.has_work:
            loop.step()
        line.sendall(pack(loop.report()))


def _take(inbox: queue.Queue[Question], *, wait: bool) -> list[Question]:
    questions = [inbox.get()] if wait else []
    while not inbox.empty():
        questions.append(inbox.get_nowait())
    return questions


def _listen(incoming: BinaryIO, inbox: queue.Queue[Question]) -> None:
    try:
        with suppress(ConnectionError):  # what we sent was still unread when the parent died
            while (question := _read(incoming)) is not None:
                assert isinstance(question, Ask | Cancel | Measure)
                inbox.put(question)
    except Exception:  # protects the machine: nobody else would notice a parent that dies
        log.exception("the engine process cannot read what it is asked")
    finally:
        os._exit(0)  # the parent has closed its end or died; nobody wants what is being computed


def _read(incoming: BinaryIO) -> object:
    """None at the end."""
    head = incoming.read(HEAD_BYTES)
    body = incoming.read(int.from_bytes(head, "big"))
    return unpack(body) if len(head) == HEAD_BYTES else None


def _brief(error: Exception) -> str:
    """Without the message, which may hold what people wrote."""
    return type(error).__name__


if __name__ == "__main__":
    main()
