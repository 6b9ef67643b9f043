"""How long whoever typed wrong access codes has to wait: by address, and all of them together."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

_FREE = 5  # wrong codes of one address before it has to wait
_FIRST_WAIT_S = 30.0  # doubled with each further one
_LONGEST_WAIT_S = 3600.0
_FORGOTTEN_AFTER_S = 86_400.0
_ADDRESSES = 4096  # remembered; then the one unused longest goes
_IN_ALL = 100  # wrong codes of all addresses in `_IN_ALL_S`
_IN_ALL_S = 600.0


@dataclass(slots=True)
class _Faults:
    count: int = 0
    last_at: float = 0.0
    free_at: float = 0.0


class Lockout:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Faults] = OrderedDict()
        self._all: deque[float] = deque(maxlen=_IN_ALL)

    def wait_s(self, address: str) -> int:
        """Before this address may try again; 0: now."""
        now = self._clock()
        faults = self._addresses.get(address)
        own = faults.free_at - now if faults else 0.0
        full = len(self._all) == _IN_ALL
        everybody = self._all[0] + _IN_ALL_S - now if full else 0.0
        return math.ceil(max(own, everybody, 0.0))

    def failed(self, address: str) -> None:
        now = self._clock()
        faults = self._addresses.setdefault(address, _Faults())
        if now - faults.last_at > _FORGOTTEN_AFTER_S:
            faults.count = 0
        faults.count += 1
        faults.last_at = now
        if faults.count >= _FREE:
            doubled = _FIRST_WAIT_S * 2.0 ** min(faults.count - _FREE, 16)
            faults.free_at = now + min(doubled, _LONGEST_WAIT_S)
        self._addresses.move_to_end(address)
        if len(self._addresses) > _ADDRESSES:
            self._addresses.popitem(last=False)
        self._all.append(now)

    def passed(self, address: str) -> None:
        self._addresses.pop(address, None)
