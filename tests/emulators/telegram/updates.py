"""What waits for the bot: kept until a poll asks for a later number, or a webhook said 200."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aiogram import types

from tests.emulators.telegram.errors import conflict
from tests.emulators.telegram.pulse import Pulse
from tests.emulators.telegram.schema import check_update

_KINDS = frozenset(types.Update.model_fields) - {"update_id"}


class Updates:
    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._number = 1000
        self._waiting: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] | None = None
        self._poller = 0
        self.allowed: frozenset[str] | None = None  # None: the bot did not say

    def put(self, kind: str, content: dict[str, Any]) -> None:
        if self._held is not None:
            self._held.append({kind: content})
            return
        check_update({"update_id": 1, kind: content})
        self.put_raw({kind: content})

    def put_raw(self, content: dict[str, Any]) -> int:
        """Whatever it is, under the next number."""
        self._number += 1
        self._waiting.append({"update_id": self._number} | content)
        self._pulse.beat()
        return self._number

    def hold(self) -> None:
        """Keep back what is said from now on."""
        self._held = []

    def release(self, *, backwards: bool = False, twice: bool = False) -> None:
        """In which order, and how often, Telegram tells it."""
        held, self._held = self._held or [], None
        told = held * 2 if twice else held
        for content in reversed(told) if backwards else told:
            self.put_raw(content)

    def drop(self) -> None:
        """What was kept back was never said to the bot."""
        self._held = None

    def waiting(self) -> list[dict[str, Any]]:
        return list(self._waiting)

    def acknowledge_before(self, number: int) -> None:
        self._waiting = [update for update in self._waiting if update["update_id"] >= number]
        self._pulse.beat()

    async def poll(self, offset: int, limit: int, hold_s: float) -> list[dict[str, Any]]:
        """A new poll ends the one that waits, as Telegram does."""
        self.acknowledge_before(offset)
        self._poller += 1
        mine = self._poller
        self._pulse.beat()
        with suppress(TimeoutError):
            await self._pulse.until(
                lambda: self._poller != mine or self._deliverable(), within_s=hold_s
            )
        if self._poller != mine:
            raise conflict(
                "terminated by other getUpdates request; "
                "make sure that only one bot instance is running"
            )
        return self._deliverable()[:limit]

    def end_poll(self) -> None:
        """The one that waits is refused."""
        self._poller += 1
        self._pulse.beat()

    async def next(self) -> dict[str, Any]:
        """The oldest, for a webhook; it stays until it is acknowledged."""
        await self._pulse.until(self._deliverable, within_s=86400)
        return self._deliverable()[0]

    def _deliverable(self) -> list[dict[str, Any]]:
        if self.allowed is None:
            return self._waiting
        return [
            update
            for update in self._waiting
            if not self.is_known_kind(update) or self.allowed & update.keys()
        ]

    @staticmethod
    def is_known_kind(update: dict[str, Any]) -> bool:
        return bool(update.keys() & _KINDS)
