"""Room for photos on their way: one upload of each visitor, and a bound on what all of them hold.

Memory is what runs short, so bytes are counted and not uploads: many slow ones keep nobody out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.platforms.web.errors import PageError

_MOST_BYTES = 256 * 2**20
_WAIT_S = 10.0  # less than a body may stand still


class Room:
    def __init__(self, *, most_bytes: int = _MOST_BYTES, wait_s: float = _WAIT_S) -> None:
        self.most_bytes, self.wait_s = most_bytes, wait_s
        self.held = 0
        self.sending: dict[str, asyncio.Event] = {}  # visitor -> set at the end of the upload

    @contextmanager
    def upload(self, visitor: str) -> Iterator[Upload]:
        """Takes no room until its first photo comes; leaves it at the end."""
        upload = Upload(self, visitor)
        try:
            yield upload
        finally:
            upload.end()


class Upload:
    """The photos of one question. Raises PageError when there is no room for them."""

    def __init__(self, room: Room, visitor: str) -> None:
        self._room, self._visitor = room, visitor
        self._held = 0
        self._ended: asyncio.Event | None = None  # None: no photo has come yet

    async def begin(self) -> None:
        """Before each photo; the first one waits for another upload of the same visitor."""
        if self._ended is not None:
            return
        sending = self._room.sending
        try:
            async with asyncio.timeout(self._room.wait_s):
                while other := sending.get(self._visitor):
                    await other.wait()
        except TimeoutError as error:
            raise PageError("crowded") from error
        self._ended = sending[self._visitor] = asyncio.Event()

    def hold(self, size: int) -> None:
        if self._room.held + size > self._room.most_bytes:
            raise PageError("crowded")
        self._room.held += size
        self._held += size

    def end(self) -> None:
        self._room.held -= self._held
        self._held = 0
        if self._ended is not None:
            del self._room.sending[self._visitor]
            self._ended.set()
