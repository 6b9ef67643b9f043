"""The program in a troubled world: `python -m tests.faults.troubled FOLDER run`. While FOLDER has a
file `fsync_fails`, no commit reaches the disk; the file `leap` holds seconds by which the wall
clock is wrong.

The program itself knows nothing of this: what it stands on is wrapped before it is imported.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

FSYNC_FAILS, LEAP = "fsync_fails", "leap"


class _Failing(sqlite3.Connection):
    """As SQLite does it when fdatasync gives EIO; tests/faults/test_storage_faults.py has the real
    thing too, where it may."""

    trouble: Path

    def commit(self) -> None:
        if self.in_transaction and (self.trouble / FSYNC_FAILS).exists():
            self.rollback()
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        super().commit()


def _fail(folder: Path) -> None:
    connect = sqlite3.connect
    failing = type("Failing", (_Failing,), {"trouble": folder})

    def wrapped(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        return connect(*args, **({"factory": failing} | kwargs))

    sqlite3.connect = wrapped  # type: ignore[assignment]  # the same face


def _leap(folder: Path) -> None:
    right = time.time

    def wrong() -> float:
        try:
            return right() + float((folder / LEAP).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return right()

    time.time = wrong


if __name__ == "__main__":
    trouble = Path(sys.argv.pop(1))
    _fail(trouble)
    _leap(trouble)
    from bot.cli import main  # after that: nothing of ours has read the clock yet

    sys.argv[0] = "visionbot"
    main()
