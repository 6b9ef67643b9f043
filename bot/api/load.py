"""How much of requests is in memory together: who brings too much is told to come again.

A body is held until its pictures are made ready; one that waits in the line holds none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from bot.api.errors import ApiError

_SOON_S = 5.0


class Load:
    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Of one request; free at the end of the block at the latest."""
        share = Share(self)
        try:
            yield share
        finally:
            share.free()

    def grow(self, count: int) -> None:
        if self._bytes + count > self._most_bytes:
            raise ApiError("api_overloaded", retry_after_s=_SOON_S, seconds=math.ceil(_SOON_S))
        self._bytes += count

    def shrink(self, count: int) -> None:
        self._bytes -= count


class Share:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._bytes = 0

    def grow(self, count: int) -> None:
        """Raises ApiError."""
        self._load.grow(count)
        self._bytes += count

    def free(self) -> None:
        self._load.shrink(self._bytes)
        self._bytes = 0
