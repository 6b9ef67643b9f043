"""The wall clock as far as waiting goes: it does not believe a leap forward.

Nobody has waited for a day because the machine's clock was put forward by one. A leap counts when
the clock has gone on from there for an hour, in which all who waited before it had their turn. A
clock that was put back is believed at once: that only gives people more time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_LEAP_S = 60.0
_DOUBT_S = 3600.0


class SteadyClock:
    """Called as time.time is."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._ticks = ticks
        self._offset = clock() - ticks()
        self._doubted_since: float | None = None  # a tick

    def __call__(self) -> float:
        said, tick = self._clock(), self._ticks()
        if said - tick <= self._offset + _LEAP_S:
            self._doubted_since, self._offset = None, said - tick
        elif self._doubted_since is None:
            self._doubted_since = tick
        elif tick - self._doubted_since >= _DOUBT_S:
            self._doubted_since, self._offset = None, said - tick
        return tick + self._offset
