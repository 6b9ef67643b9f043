"""Small pictures of photos, for lists of them: made once, as many at a time as others can bear."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

# A small JPEG of a photo; None: it cannot be read as one.
Shrink = Callable[[bytes], Awaitable[bytes | None]]

_AT_ONCE = 2
_MOST_BYTES = 16 * 2**20


class Thumbnails:
    def __init__(self, shrink: Shrink, *, most_bytes: int = _MOST_BYTES) -> None:
        self._shrink, self._most_bytes = shrink, most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()  # by digest
        self._bytes = 0
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def of(self, digest: str, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
        """The photo itself where there can be no smaller one. Raises what `fetch` raises."""
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        async with self._free:
            photo = await fetch(digest)
            small = await self._shrink(photo)
        if small is None:
            return photo
        self._keep(digest, small)
        return small

    def forget(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _keep(self, digest: str, small: bytes) -> None:
        self._bytes += len(small) - len(self._kept.pop(digest, b""))
        self._kept[digest] = small
        while self._bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone)
