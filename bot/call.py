"""One request of the API in the line: its handler waits for its turn, and says when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from bot.line import Place


class Call:
    """Joined to the line by its handler, which then awaits `called`, and in any case calls `end`
    or, if it was never called, leaves the line."""

    def __init__(self, person: Hashable) -> None:
        self.person = person
        self.place: Place | None = None  # None: not in the line yet
        self.called = asyncio.Event()
        self.ended = asyncio.Event()
        self.took_s: float | None = None  # how long the engine did; None: not typical

    @property
    def conversation(self) -> Hashable:
        """Its own: calls of one key do not wait for each other."""
        return self

    def moved(self, place: Place) -> None:
        self.place = place

    def end(self, *, took_s: float | None = None) -> None:
        self.took_s = took_s
        self.ended.set()
