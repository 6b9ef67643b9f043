"""The engine process: takes questions, steps, reports, until the parent goes away.

Started by launch.py as `python -m inference.engine.process.child FD`; FD is its end of a socket
pair.
Exit codes: 0, the parent is gone or knows why; STEP_TOO_LONG; 70, the device can no longer be used;
71, another fault, which the log tells of.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Never, Protocol

import torch

from inference.engine.blocks import PageTable
from inference.engine.loop import EngineLoop, Model
from inference.engine.process.lines import RecordFormatter
from inference.engine.process.messages import (
    HEAD_BYTES,
    Ask,
    Cancel,
    Fetching,
    Forget,
    Measure,
    Question,
    Ready,
    Unusable,
    pack,
    unpack,
)
from inference.engine.scheduler import Scheduler
from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable

log = logging.getLogger(__name__)

_INBOX_MESSAGES = 1024  # when full, the parent's sends wait
_DEVICE_FAILED = 70
_FAILED = 71


class LoadedModel(Model, Protocol):
    @property
    def pages(self) -> int: ...

    @property
    def page_tokens(self) -> int: ...

    @property
    def host_pages(self) -> int: ...

    @property
    def step_tokens(self) -> int: ...


class Load(Protocol):
    def __call__(
        self, settings: EngineSettings, *, fetching: Callable[[], None]
    ) -> LoadedModel: ...


def load_glm4v(settings: EngineSettings, *, fetching: Callable[[], None]) -> LoadedModel:
    # imported here: transformers takes seconds, and the listener must notice a parent that dies
    from inference.engine.model.glm4v import Glm4v

    return Glm4v.load(settings, fetching=fetching)


def main(load: Load = load_glm4v) -> None:
    # the parent handles these, finishes what it wants to, and closes the line
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handler = logging.StreamHandler()
    handler.setFormatter(RecordFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(capture=True)
    faulthandler.enable()
    with socket.socket(fileno=int(sys.argv[-1])) as line, line.makefile("rb") as incoming:
        settings = _read(incoming)
        assert isinstance(settings, EngineSettings)
        logging.getLogger("inference").setLevel(settings.log_level)
        inbox: queue.Queue[Question] = queue.Queue(_INBOX_MESSAGES)
        threading.Thread(target=_listen, args=(incoming, inbox), daemon=True).start()
        _serve_and_exit(line, inbox, settings, load)


class _Watchdog:
    """Ends this process with all its stacks in the log unless each piece of work is followed by
    another, or by rest, in time. A thread of C's does it: Python may stand still. The exit code is
    STEP_TOO_LONG."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s

    def work(self) -> None:
        faulthandler.dump_traceback_later(self._patience_s, exit=True)

    def rest(self) -> None:
        faulthandler.cancel_dump_traceback_later()


class _Parent:
    """While it does not read, this process is not to blame for making no step."""

    def __init__(self, line: socket.socket, watchdog: _Watchdog) -> None:
        self._line, self._watchdog = line, watchdog

    def tell(self, message: object) -> None:
        frame = memoryview(pack(message))
        with suppress(BlockingIOError):
            frame = frame[self._line.send(frame, socket.MSG_DONTWAIT) :]
        if frame:
            self._watchdog.rest()
            self._line.sendall(frame)
            self._watchdog.work()


def _serve_and_exit(
    line: socket.socket, inbox: queue.Queue[Question], settings: EngineSettings, load: Load
) -> Never:
    # NOTE: nothing may leave this function: closing what the listener reads from needs the lock
    # that it holds while it reads, so the process would stand still instead of ending
    code = _FAILED
    try:
        try:
            _serve(line, inbox, settings, load)
        except ModelUnusable as error:
            line.sendall(pack(Unusable(str(error))))
        code = 0
    except ConnectionError:
        code = 0  # the parent is gone
    except torch.AcceleratorError:
        # every further call fails too, so nothing is tried again or tidied up
        code = _DEVICE_FAILED
        log.exception("the device can no longer be used")
    except BaseException:
        log.exception("the engine process fails")
    finally:
        logging.shutdown()
        os._exit(code)


def _serve(
    line: socket.socket, inbox: queue.Queue[Question], settings: EngineSettings, load: Load
) -> Never:
    model = load(settings, fetching=lambda: line.sendall(pack(Fetching())))
    watchdog = _Watchdog(settings.step_timeout_s)
    parent = _Parent(line, watchdog)
    loop = _make_loop(model, settings, parent)
    parent.tell(Ready(model.context_tokens, model.pages))
    while True:
        if not loop.has_work:
            watchdog.rest()
        for question in _take(inbox, wait=not loop.has_work):
            watchdog.work()
            loop.handle(question)
        if loop.has_work:
            watchdog.work()
            loop.step()
        parent.tell(loop.report())


def _make_loop(model: LoadedModel, settings: EngineSettings, parent: _Parent) -> EngineLoop:
    table = PageTable(model.pages, model.page_tokens, model.host_pages)
    scheduler = Scheduler(
        table,
        max_sequences=settings.max_sequences,
        step_tokens=model.step_tokens,
        max_per_person=settings.max_per_person,
    )
    return EngineLoop(
        model,
        scheduler,
        share_prefixes=settings.share_prefixes,
        answer_timeout_s=settings.answer_timeout_s,
        announce=parent.tell,
    )


def _take(inbox: queue.Queue[Question], *, wait: bool) -> list[Question]:
    questions = [inbox.get()] if wait else []
    while not inbox.empty():
        questions.append(inbox.get_nowait())
    return questions


def _listen(incoming: BinaryIO, inbox: queue.Queue[Question]) -> None:
    code = 0
    try:
        with suppress(ConnectionError):  # what we sent was still unread when the parent died
            while (question := _read(incoming)) is not None:
                assert isinstance(question, Ask | Cancel | Measure | Forget)
                inbox.put(question)
    except Exception:  # protects the machine: nobody else would notice a parent that dies
        code = _FAILED
        log.exception("the engine process cannot read what it is asked")
    finally:
        os._exit(code)  # the parent has closed its end or died; nobody wants what is computed


def _read(incoming: BinaryIO) -> object:
    """None at the end."""
    head = incoming.read(HEAD_BYTES)
    body = incoming.read(int.from_bytes(head, "big"))
    return unpack(body) if len(head) == HEAD_BYTES else None


if __name__ == "__main__":
    main()
