"""New tickets are shown to the staff: in a thread of their group, where it can have any.

A ticket is shown once all of it is in the outbox, at one stroke. Before that a crash costs at most
an empty thread too many.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.delivery import Delivery, Undelivered
from bot.event import Conversation
from bot.intake import Deliveries
from bot.pacing import Sleep, Urgency
from bot.platforms.base import Gone, Refused, Threaded
from bot.rules import Rules
from bot.service.letters import announcement, title, to_staff, transcript
from bot.storage.ticket import Line, Step, Ticket
from bot.storage.tickets import Tickets
from bot.texts import Language, say

log = logging.getLogger(__name__)

# What was said -> two sentences about it, in that language.
Summarise = Callable[[str, Language], Awaitable[str]]

_LOOK_EVERY_S = 2.0
_AGAIN_S = 30.0  # after a ticket that could not be shown
_SUMMARY_S = 60.0
_MOST_SUMMARIES = 4  # being written; further tickets have none


class Announcer:
    def __init__(
        self,
        tickets: Tickets,
        rules: Rules,
        deliveries: Deliveries,
        summarise: Summarise,
        language: Language,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`language`: that of the staff."""
        self._tickets = tickets
        self._rules = rules
        self._deliveries = deliveries
        self._summarise = summarise
        self._language = language
        self._sleep = sleep
        self._summaries = 0

    async def run(self) -> None:
        """Until cancelled. First the tickets of an earlier run."""
        async with asyncio.TaskGroup() as group:
            while True:
                with suppress(TimeoutError):  # another program may have opened one
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        await self._tickets.arrived()
                while not await self._announce_all(group):
                    await self._sleep(_AGAIN_S)

    async def _announce_all(self, group: asyncio.TaskGroup) -> bool:
        """False: some could not be shown for now."""
        failed = False
        try:
            waiting = await self._tickets.to_announce()
        except Exception:  # the database may be away for now
            log.exception("new tickets are not shown yet")
            return False
        for ticket in waiting:
            try:
                await self._announce(ticket, group)
            except Undelivered as error:
                log.error("ticket %s is not shown yet: %s", ticket.id, error)  # noqa: TRY400
                failed = True
            except Exception:  # one ticket may fail, the others go on
                log.exception("ticket %s is not shown yet", ticket.id)
                failed = True
        return not failed

    async def _announce(self, ticket: Ticket, group: asyncio.TaskGroup) -> None:
        delivery = self._deliveries.get(ticket.chat.platform)
        if delivery is None:
            log.warning("ticket %s waits: the platform of its staff is off", ticket.id)
            return
        desk = ticket.desk or await self._open(ticket, delivery)
        section, now = self._rules.now.service, self._tickets.now()

        def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step | None:
            if not ticket.announce or not ticket.is_with_people:
                return None
            shown = replace(ticket, desk=desk, announce=False)
            office, language = section.office(), self._language
            letters = announcement(shown, number, lines, office, now, language)
            return Step(shown, Line("system", ""), letters)

        done = await self._tickets.step(f"announce/{ticket.id}/{ticket.told}", ticket.id, make)
        if done is not None and section.model_summary and self._summaries < _MOST_SUMMARIES:
            self._summaries += 1
            group.create_task(self._add_summary(done.ticket))

    async def _open(self, ticket: Ticket, delivery: Delivery) -> Conversation:
        """A thread of the staff's group; else the group itself."""
        platform = delivery.platform
        if not isinstance(platform, Threaded):
            return ticket.chat
        try:
            return await delivery.persist(
                ticket.chat,
                lambda: platform.open_thread(
                    ticket.chat, title(ticket), key=f"ticket-{ticket.id}-{ticket.opened_at:.6f}"
                ),
                urgency=lambda: Urgency.FINAL,
                harmless=True,
            )
        except (Gone, Refused) as error:
            log.info("ticket %s goes to the group itself: %s", ticket.id, error)
            return ticket.chat

    async def _add_summary(self, ticket: Ticket) -> None:
        """By the model; staff have long begun when it comes, if it comes."""
        try:
            lines = await self._tickets.lines(ticket.id)
            talk = "\n".join(transcript(lines, self._language))
            async with asyncio.timeout(_SUMMARY_S):
                text = (await self._summarise(talk, self._language)).strip()
            if text:
                words = say("ticket_model_summary", self._language, text=text)
                await self._tickets.step(
                    f"summary/{ticket.id}/{ticket.told}", ticket.id, _noting(words)
                )
        except Exception as error:  # a ticket is as good without it
            log.warning("ticket %s has no summary: %s", ticket.id, type(error).__name__)
        finally:
            self._summaries -= 1


def _noting(words: str) -> Callable[[Ticket, int, Sequence[Line]], Step | None]:
    def make(ticket: Ticket, number: int, _lines: Sequence[Line]) -> Step | None:
        if not ticket.is_with_people:  # perhaps its customer was forgotten meanwhile
            return None
        return Step(ticket, Line("system", words), to_staff(ticket, number, words))

    return make
