"""Every change that somebody ordered, written in one transaction with its trace."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.event import Event
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import audit

_LONGEST_COMMAND = 500


@dataclass(frozen=True, slots=True)
class Act:
    """Who ordered what. `event` names it for ever: the same act has its effect once."""

    event: str
    actor: str  # "platform:id", or "machine:user"
    command: str


@dataclass(frozen=True, slots=True)
class Outcome:
    said: str  # to the actor
    subject: str = ""  # whom it was about
    refused: bool = False  # a rule forbade it, and nothing was changed


@dataclass(frozen=True, slots=True)
class Line:
    at: float
    actor: str
    command: str
    subject: str
    outcome: str


def act_of(event: Event, command: str = "") -> Act:
    """`command`: what is written down, where the event's text alone does not say it."""
    where = event.conversation
    name = json.dumps([where.platform, event.bot, where.chat, event.message])
    return Act(clean(name), f"{where.platform}:{event.person.id}", command or event.text)


class Audit:
    def __init__(
        self,
        db: Database,
        *,
        mask: Callable[[str], str] = lambda text: text,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`mask`: of the numbers of people that somebody may have typed."""
        self._db = db
        self._mask = mask
        self._clock = clock

    async def once(self, act: Act, change: Callable[[AsyncConnection], Awaitable[Outcome]]) -> str:
        """Carry out `change` and write down what it says; an act that is known already changes
        nothing and gets what was said then."""
        async with self._db.write() as connection:
            known = await self._outcome(connection, act.event)
            if known is not None:
                return known
            outcome = await change(connection)
            await connection.execute(
                audit.insert().values(
                    event=act.event,
                    at=self._clock(),
                    actor=clean(act.actor),
                    command=clean(self._mask(act.command)[:_LONGEST_COMMAND]),
                    subject=clean(outcome.subject),
                    outcome=clean(outcome.said),
                    refused=outcome.refused,
                )
            )
        return clean(outcome.said)

    async def deny(self, act: Act) -> None:
        """Somebody tried what they may not."""

        async def nothing(_: AsyncConnection) -> Outcome:
            return Outcome("denied", refused=True)

        await self.once(act, nothing)

    async def outcome(self, event: str) -> str | None:
        """None: nothing is known of it."""
        async with self._db.read() as connection:
            return await self._outcome(connection, event)

    async def is_refused(self, event: str) -> bool:
        """Was there such an act, and did a rule forbid it?"""
        statement = select(audit.c.refused).where(audit.c.event == event)
        async with self._db.read() as connection:
            return bool((await connection.execute(statement)).scalar())

    async def newest(self, limit: int) -> list[Line]:
        """Newest first."""
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        async with self._db.read() as connection:
            return [
                Line(row.at, row.actor, row.command, row.subject, row.outcome)
                for row in await connection.execute(statement)
            ]

    async def _outcome(self, connection: AsyncConnection, event: str) -> str | None:
        statement = select(audit.c.outcome).where(audit.c.event == event)
        return (await connection.execute(statement)).scalar()
