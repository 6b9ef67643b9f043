"""What happens to tickets as time goes by: staff are reminded, others are told, old ones close.

All it needs to know stands in the tickets, so it goes on after a restart where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from bot.event import Conversation
from bot.pacing import Sleep
from bot.rules import Rules, ServiceSection
from bot.service.letters import TO_CUSTOMERS, key_parts, minutes_since, to_staff
from bot.service.moves import CLOSE, Mover
from bot.storage.outbox import Letter
from bot.storage.ticket import Line, Step, Ticket
from bot.storage.tickets import Tickets
from bot.texts import Language, say

log = logging.getLogger(__name__)

_EVERY_S = 15.0


class Reminders:
    def __init__(
        self,
        tickets: Tickets,
        rules: Rules,
        language: Language,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`language`: that of the staff."""
        self._tickets = tickets
        self._rules = rules
        self._language = language
        self._sleep = sleep

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # the database may be locked for now; the next look sees the same
                log.exception("the tickets were not looked at")
            await self._sleep(_EVERY_S)

    async def look(self) -> None:
        """Do all that is due."""
        for key in await self._tickets.undelivered(TO_CUSTOMERS):
            await self._tell_of_lost(key)
        section, now = self._rules.now.service, self._tickets.now()
        is_open = section.office().is_open(now)
        for ticket in await self._tickets.listed("waiting", "staff", "bot"):
            if is_open and not ticket.announce:
                await self._remind(ticket, section, now)
                await self._escalate(ticket, section, now)
            if _is_idle(ticket, section, now):
                await self._close(ticket, section, now)

    async def _remind(self, ticket: Ticket, section: ServiceSection, now: float) -> None:
        """First after the interval, which begins when somebody is there; then each time after as
        long again as the customer had waited: a forgotten ticket shall not fill the group."""
        since = _waits_since(ticket, section)
        if since is None or not section.remind_after_s:
            return
        before = max(since, ticket.reminded_at or 0.0)
        if now - before < max(section.remind_after_s, before - since):
            return

        def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
            if ticket.unanswered_since is None:
                return None
            words = self._words("remind", ticket, now)
            reminded = replace(ticket, reminded_at=now)
            return Step(reminded, Line("system", words), to_staff(ticket, number, words))

        await self._tickets.step(f"remind/{ticket.id}/{now:.3f}", ticket.id, make)

    async def _escalate(self, ticket: Ticket, section: ServiceSection, now: float) -> None:
        """Once for each time the customer waits."""
        since = _waits_since(ticket, section)
        after = section.escalate_after_s
        if since is None or not after or ticket.escalated_at or now - since < after:
            return

        def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
            if ticket.unanswered_since is None or ticket.escalated_at is not None:
                return None
            words = self._words("escalate", ticket, now)
            told = " ".join([words, *section.escalate_names])
            to = _chat(section.escalate_to) if section.escalate_to else ticket.chat
            letter = Letter(f"ticket/{ticket.id}/{number}/escalate/0", to, told)
            return Step(replace(ticket, escalated_at=now), Line("system", words), (letter,))

        await self._tickets.step(f"escalate/{ticket.id}/{since:.3f}", ticket.id, make)

    async def _close(self, ticket: Ticket, section: ServiceSection, now: float) -> None:
        asks = section.ask_satisfaction
        nobody = Mover("", "", None, self._language, pressed=False, asks_score=asks, now=now)

        def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
            return CLOSE.step(nobody, ticket, number) if _is_idle(ticket, section, now) else None

        await self._tickets.step(f"idle/{ticket.id}/{ticket.changed_at:.3f}", ticket.id, make)

    async def _tell_of_lost(self, key: str) -> None:
        """Staff must know that their words reached nobody."""
        about = key_parts(key)
        if about is None:
            return
        words = say("customer_unreached", self._language)

        def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step:
            return Step(ticket, Line("system", words), to_staff(ticket, number, words))

        await self._tickets.step(f"lost/{key}", about[0], make)

    def _words(self, key: Literal["remind", "escalate"], ticket: Ticket, now: float) -> str:
        assert ticket.unanswered_since is not None
        minutes = minutes_since(ticket.unanswered_since, now)
        values = {"number": ticket.id, "name": ticket.customer.name, "minutes": minutes}
        return say(key, self._language, **values)


def _waits_since(ticket: Ticket, section: ServiceSection) -> float | None:
    """From when on somebody could have answered; None: nobody waits."""
    if ticket.unanswered_since is None:
        return None
    return section.office().next_open(ticket.unanswered_since)


def _is_idle(ticket: Ticket, section: ServiceSection, now: float) -> bool:
    """Whoever still waits for staff is not sent away."""
    if ticket.state not in ("staff", "bot") or ticket.unanswered_since is not None:
        return False
    return 0 < section.close_after_s <= now - ticket.changed_at


def _chat(name: str) -> Conversation:
    return Conversation(*name.split(":", 1))
