"""The engine process with faults: `python -m tests.inference.engine.faulty_child FOLDER FD`.

A question that says "FAULT:hang" provokes that fault in each step that computes it, as often as
there are files FOLDER/hang.*; each time takes one of them away.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from inference.engine.process import child
from inference.engine.sequence import Chunk
from inference.engine.settings import EngineSettings
from tests.inference.engine import small_model

MARK = "FAULT:"
GATE = "gate"  # in the folder, for the fault of this name: a named pipe


def command(folder: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.inference.engine.faulty_child", str(folder))


def provoke(folder: Path, fault: str, *, times: int) -> None:
    for number in range(times):
        (folder / f"{fault}.{number}").touch()


def left(folder: Path, fault: str) -> int:
    return len(list(folder.glob(f"{fault}.*")))


class Faulty:
    """A model that fails where it is told to, and else does what the one within does."""

    def __init__(self, model: Any, folder: Path) -> None:
        self._model, self._folder = model, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def forward(self, chunks: Sequence[Chunk]) -> torch.Tensor:
        faults = [self._take_fault(chunk) for chunk in chunks]
        for fault in faults:
            if fault in FAULTS:
                FAULTS[fault]()
        logits: torch.Tensor = self._model.forward(chunks)
        complete = [fault for chunk, fault in zip(chunks, faults, strict=True) if chunk.completes]
        for row, fault in enumerate(complete):
            if fault in CHANGES:
                logits = logits.clone()  # it is an inference tensor
                CHANGES[fault](logits[row])
        return logits

    def _take_fault(self, chunk: Chunk) -> str | None:
        text = self._model.language.decode(chunk.sequence.prompt.tokens)
        if MARK not in text:
            return None
        fault: str = text.split(MARK)[1].split()[0]
        for file in self._folder.glob(f"{fault}.*"):
            file.unlink()
            return fault
        return None


def run_out_of_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def raise_an_error() -> None:
    raise ValueError("provoked")


def hang() -> None:
    threading.Event().wait()


def hang_with_the_gil() -> None:
    ctypes.PyDLL(None).pause()  # unlike CDLL, it keeps the lock


def wait_at_the_gate() -> None:
    """Until somebody opens this pipe for writing."""
    Path(sys.argv[1], GATE).read_bytes()


def lose_the_device() -> None:
    raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def always_say_the_same(row: torch.Tensor) -> None:
    row.zero_()[ord("a")] = 1


FAULTS: dict[str, Callable[[], None]] = {
    "memory": run_out_of_memory,
    "moment": run_out_of_memory,
    "other": raise_an_error,
    "hang": hang,
    "gil": hang_with_the_gil,
    GATE: wait_at_the_gate,
    "device": lose_the_device,
    "abort": os.abort,
}
CHANGES: dict[str, Callable[[torch.Tensor], object]] = {  # of a row of logits
    "numbers": lambda row: row.fill_(torch.nan),
    "endless_number": lambda row: row.fill_(torch.inf),
    "circle": always_say_the_same,
}


def load(settings: EngineSettings, *, fetching: Callable[[], None]) -> Any:
    if settings.model == small_model.NAME:
        return Faulty(small_model.SmallModel(settings), Path(sys.argv[1]))
    return Faulty(child.load_glm4v(settings, fetching=fetching), Path(sys.argv[1]))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    child.main(load)
