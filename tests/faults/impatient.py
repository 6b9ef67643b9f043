"""The program, but what it waits for minutes it waits for a second or two; and a day later, if
the file `later` lies beside its data: `python -m tests.faults.impatient run`.

The program itself knows nothing of this: defaults are changed before it starts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

LATER = "later"
A_DAY_S = 25 * 3600.0


def turn_clock(seconds: float) -> None:
    """Before anything of the program is imported: it keeps the clock as a default."""
    real = time.time
    time.time = lambda: real() + seconds


def hurry() -> None:
    from bot.delivery import Delivery  # not before the clock was turned
    from bot.platforms.matrix.client import Timings as MatrixTimings
    from bot.platforms.telegram.client import Timings as TelegramTimings

    _change(Delivery.__init__, revoked_pause_s=1.0)
    for timings in (MatrixTimings, TelegramTimings):
        _change(timings.__init__, read_s=3.0, revoked_pause_s=1.0, most_pause_s=2.0)
    _change(TelegramTimings.__init__, poll_s=2, conflict_pause_s=1.0, download_s=5.0)


def _change(function: Callable[..., None], **values: object) -> None:
    """Defaults of a function, by the names of its parameters."""
    named = function.__kwdefaults__ or {}
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = list(function.__defaults__ or ())
    for name, value in values.items():
        if name in named:
            named[name] = value
        else:
            defaults[names.index(name) - len(names)] = value
    function.__defaults__ = tuple(defaults)


if __name__ == "__main__":
    if (Path(os.environ["VISIONBOT_STORAGE__DATA_DIR"]).parent / LATER).exists():
        turn_clock(A_DAY_S)
    hurry()
    from bot.cli import main  # likewise

    sys.argv[0] = "visionbot"
    main()
