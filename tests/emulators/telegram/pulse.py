"""Something changed: who waits for a condition looks again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Pulse:
    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, look: Callable[[], T], *, within_s: float = 10.0) -> T:
        """The first true thing `look` returns; TimeoutError when there is none in time."""
        async with asyncio.timeout(within_s):
            while True:
                found = look()
                if found:
                    return found
                await self._next.wait()
