"""What to do when a platform does not let us receive: wait, say why, try again, for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.platforms.base import Misconfigured

T = TypeVar("T")


class Uncommitted(Exception):
    """An event could not be written down; the platform keeps it until it could."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} was not committed: {reason}")


@dataclass(frozen=True, slots=True)
class Pauses:
    """`asked_s`: how long the platform, or what is wrong, wants us to wait; None: it says nothing,
    and every further failure in a row doubles the pause."""

    first_s: float
    most_s: float
    asked_s: Callable[[Exception], float | None]


class Patience:
    """Repeats one step until it succeeds. `tell` says for the operator what failed, with what,
    and how many seconds we wait."""

    def __init__(self, pauses: Pauses, tell: Callable[[str, Exception, float], None]) -> None:
        self._pauses = pauses
        self._tell = tell
        self._failures = 0

    async def persist(self, what: str, step: Callable[[], Awaitable[T]]) -> T:
        """Raises Misconfigured alone."""
        while True:
            try:
                result = await step()
            except Misconfigured:
                raise
            except Exception as error:  # keeps the account receiving, whatever went wrong
                self._failures += 1
                pause_s = self._pause_s(error)
                self._tell(what, error, pause_s)
                await asyncio.sleep(pause_s)
            else:
                self._failures = 0
                return result

    def _pause_s(self, error: Exception) -> float:
        asked_s = self._pauses.asked_s(error)
        if asked_s is not None:
            return asked_s
        longest = self._pauses.first_s * 2.0 ** min(self._failures - 1, 16)
        return min(longest, self._pauses.most_s) * random.uniform(0.5, 1.0)
