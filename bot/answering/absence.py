"""Whether the engine is away, for how long, and when it may be back. Nobody waits here."""

from __future__ import annotations

from collections.abc import Callable

from bot.pacing import Clock
from inference.engine.base import EngineStats, State


class Absence:
    """`look` often: what came and went in between is not seen."""

    def __init__(self, stats: Callable[[], EngineStats], clock: Clock) -> None:
        self._stats = stats
        self._clock = clock
        self._since: float | None = None  # None: it is not away
        self._last_s: float | None = None  # how long it was, the last time
        self.state: State = "up"

    def look(self) -> None:
        self.state = self._stats().state
        if self.state != "up" and self._since is None:
            self._since = self._clock()
        elif self.state == "up" and self._since is not None:
            self._last_s, self._since = self._clock() - self._since, None

    @property
    def away_s(self) -> float | None:
        """None: it is not."""
        return None if self._since is None else self._clock() - self._since

    @property
    def back_in_s(self) -> float | None:
        """Judged by the last time; None: nothing tells."""
        if self.away_s is None or self._last_s is None or self._last_s <= self.away_s:
            return None
        return self._last_s - self.away_s
