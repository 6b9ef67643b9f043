"""What the operator's page shows of the database, read once for all who look, and not too often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.access.periods import Periods
from bot.rules import Rules
from bot.storage.ledger import Ledger, Used
from bot.storage.overview import Overview, View
from bot.storage.people import Crowd, People

_EVERY_S = 2.0
_SUMS_EVERY_S = 30.0  # those that grow with people and with the day
_TICKETS = 8


@dataclass(frozen=True, slots=True)
class Desk:
    view: View
    crowd: Crowd
    today: Used  # by all together


class DeskReader:
    def __init__(
        self,
        overview: Overview,
        people: People,
        ledger: Ledger,
        rules: Rules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._overview = overview
        self._people = people
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._one_reader = asyncio.Lock()
        self._desk: Desk | None = None
        self._read_at = self._summed_at = 0.0

    async def read(self) -> Desk:
        async with self._one_reader:
            now = self._clock()
            if self._desk is None or not 0 <= now - self._read_at < _EVERY_S:
                self._desk = await self._fresh(self._desk, now)
                self._read_at = now
            return self._desk

    def forget(self) -> None:
        """Something was changed: the next look shall show it."""
        self._read_at = self._summed_at = 0.0

    async def _fresh(self, known: Desk | None, now: float) -> Desk:
        view = await self._overview.view(most_tickets=_TICKETS)
        if known is not None and 0 <= now - self._summed_at < _SUMS_EVERY_S:
            return Desk(view, known.crowd, known.today)
        midnight = Periods(self._rules.now.quota.timezone).start("day", now)
        today = await self._ledger.used(None, midnight)
        self._summed_at = now
        return Desk(view, await self._people.crowd(), today)
