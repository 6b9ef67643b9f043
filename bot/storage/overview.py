"""What the operator's page shows of the database all day long, in one cheap read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from bot.storage.db import Database
from bot.storage.pauses import Pause, pause_with
from bot.storage.tables import outbox, tickets
from bot.storage.ticket import State


@dataclass(frozen=True, slots=True)
class OpenTicket:
    number: int
    state: State
    since: float  # waiting: the customer's first word that nobody has answered


@dataclass(frozen=True, slots=True)
class View:
    pause: Pause | None
    tickets: dict[str, int]  # open ones by their state
    oldest: tuple[OpenTicket, ...]  # of those with people, who waits longest first
    letters: int  # to be sent yet


class Overview:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def view(self, *, most_tickets: int) -> View:
        """Each part has an index, and none grows with what is over."""
        is_open = tickets.c.state.in_(("bot", "waiting", "staff"))
        counted = select(tickets.c.state, func.count().label("tickets")).where(is_open)
        since = func.coalesce(tickets.c.unanswered_since, tickets.c.changed_at).label("since")
        oldest = (
            select(tickets.c.id, tickets.c.state, since)
            .where(tickets.c.state.in_(("waiting", "staff")))
            .order_by(tickets.c.unanswered_since.is_(None), since)
            .limit(most_tickets)
        )
        waiting = select(func.count()).where(outbox.c.state == "waiting")
        async with self._db.read() as connection:
            pause = await pause_with(connection, self._clock())
            rows = await connection.execute(counted.group_by(tickets.c.state))
            states = {row.state: row.tickets for row in rows}
            found = await connection.execute(oldest)
            shown = tuple(OpenTicket(row.id, row.state, row.since) for row in found)
            letters = (await connection.execute(waiting)).scalar_one()
        return View(pause, states, shown, letters)
