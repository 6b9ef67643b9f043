"""The lock of a data folder: one program has it at a time, and gives it back however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import closing
from pathlib import Path
from typing import IO

from bot.storage.errors import AlreadyRunning

_LOCK = "visionbot.lock"
_LOCK_PAUSES_S = (0.02, 0.08, 0.4)  # for somebody who only looks, see `holder`


def holder(data_dir: Path) -> int | None:
    """The process that holds the folder; None: nobody does."""
    path = data_dir / _LOCK
    try:
        with path.open("r", encoding="ascii", errors="replace") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        number = path.read_text("ascii", "replace").strip()
        return int(number) if number.isdigit() else None
    return None


def lock_folder(data_dir: Path) -> IO[str]:
    """The kernel gives the lock back when the process ends, however it ends.

    NOTE: a child made by a bare fork would keep it; children are made by spawn or exec.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / _LOCK
    lock = path.open("a+", encoding="ascii", errors="replace")
    try:
        _lock_soon(lock)
    except BlockingIOError as error:
        with closing(lock):
            lock.seek(0)
            holder = lock.read(32).strip()
        raise AlreadyRunning(path, holder) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _lock_soon(lock: IO[str]) -> None:
    """A running program keeps the lock; one that only looks has let go of it before the last try.
    Raises BlockingIOError."""
    for pause_s in _LOCK_PAUSES_S:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_s)  # in a thread
        else:
            return
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
