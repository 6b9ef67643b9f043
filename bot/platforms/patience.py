"""What to do when a platform does not let us receive: wait, say why, try again, for ever."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.platforms.base import Misconfigured, Trouble

T = TypeVar("T")


_UNCOMMITTED_S = 3.0


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


# What a failure says of our account; None: only that the platform did not answer.
Verdict = Callable[[Exception], Literal["revoked", "conflict"] | None]


class Patience:
    """Repeats one step until it succeeds. `tell` says for the operator what failed, with what,
    and how many seconds we wait."""

    def __init__(
        self, pauses: Pauses, tell: Callable[[str, Exception, float], None], verdict: Verdict
    ) -> None:
        self._pauses = pauses
        self._tell = tell
        self._verdict = verdict
        self._failures = 0
        self._trouble: Trouble | None = None

    def trouble(self) -> Trouble | None:
        """None: the newest step succeeded, or what fails is ours and not the platform's."""
        return self._trouble

    async def persist(self, what: str, step: Callable[[], Awaitable[T]]) -> T:
        """Raises Misconfigured alone."""
        while True:
            try:
                result = await step()
            except Misconfigured:
                raise
            except Exception as error:  # keeps the account receiving, whatever went wrong
                self._failures += 1
                self._trouble = self._judged(error)
                pause_s = self._pause_s(error)
                self._tell(what, error, pause_s)
                await asyncio.sleep(pause_s)
            else:
                self._failures, self._trouble = 0, None
                return result

    def _judged(self, error: Exception) -> Trouble | None:
        """As long as it is the same, it has been there since it began."""
        if isinstance(error, Uncommitted):
            return None
        kind = self._verdict(error) or "unreachable"
        if self._trouble is not None and self._trouble.kind == kind:
            return self._trouble
        return Trouble(kind, time.monotonic())

    def _pause_s(self, error: Exception) -> float:
        asked_s = self._pauses.asked_s(error)
        if asked_s is not None:
            return asked_s
        longest = self._pauses.first_s * 2.0 ** min(self._failures - 1, 16)
        most_s = self._pauses.most_s
        if isinstance(error, Uncommitted):  # the platform has nothing to do with it
            most_s = min(most_s, _UNCOMMITTED_S)
        return min(longest, most_s) * random.uniform(0.5, 1.0)  # nosec B311  (no secret)
