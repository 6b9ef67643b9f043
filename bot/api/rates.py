"""How often somebody may come: requests within a minute, and wrong keys in a row."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_S = 60.0
_MOST_NAMES = 10_000  # remembered; who has not come for longest is forgotten
_FREE_TRIES = 10  # anybody may have copied a key badly
_LONGEST_LOCK_S = 300.0
_FORGIVEN_AFTER_S = 900.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How one caller stands after this request."""

    limit: int
    left: int
    free_in_s: float  # until one more request has room
    fits: bool


class Rates:
    """At most so many requests in any minute: the moments of the last ones are kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, name: str, limit: int) -> Rate:
        """A request that does not fit is not counted, so that waiting helps."""
        now = self._clock()
        moments = self._moments.setdefault(name, deque())
        self._moments.move_to_end(name)
        if len(self._moments) > _MOST_NAMES:
            self._moments.popitem(last=False)
        while moments and moments[0] - now <= -_WINDOW_S:
            moments.popleft()
        fits = len(moments) < limit
        if fits:
            moments.append(now)
        left = max(0, limit - len(moments))
        free_in_s = 0.0 if left else moments[len(moments) - limit] - now + _WINDOW_S
        return Rate(limit, left, free_in_s, fits)

    def __len__(self) -> int:
        """Of how many it knows something."""
        return len(self._moments)


class LockOuts:
    """After some wrong keys in a row an address waits, twice as long after each further one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, when last

    def left_s(self, address: str) -> float:
        """How long it must still wait; 0: it may try."""
        times, last = self._failed.get(address, (0, 0.0))
        if times < _FREE_TRIES:
            return 0.0
        lock_s = min(_LONGEST_LOCK_S, 2.0 ** min(times - _FREE_TRIES, 30))
        return max(0.0, last + lock_s - self._clock())

    def failed(self, address: str) -> None:
        times, last = self._failed.pop(address, (0, -math.inf))
        if self._clock() - last > _FORGIVEN_AFTER_S:
            times = 0
        self._failed[address] = times + 1, self._clock()
        if len(self._failed) > _MOST_NAMES:
            self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        self._failed.pop(address, None)

    def __len__(self) -> int:
        return len(self._failed)
