"""What people were told and shall not be told again for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.event import Event
from bot.storage.audit import act_of
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import tellings


class Tellings:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def is_due(self, event: Event, about: str, *, to: str, every_s: float) -> bool:
        """Shall this event's person or chat, `to`, be told now? It counts as told then; the same
        event gets the same answer again, as after a crash before the words were sent."""
        platform, name = clean(event.conversation.platform), act_of(event).event
        key = {"platform": platform, "subject": clean(to), "about": about}
        told = select(tellings.c.at, tellings.c.event).where(
            *(tellings.c[column] == value for column, value in key.items())
        )
        now = self._clock()
        async with self._db.write() as connection:
            last = (await connection.execute(told)).first()
            if last is not None and last.at <= now < last.at + every_s:
                return bool(last.event == name)
            values = {"at": now, "event": name}
            statement = insert(tellings).values(**key, **values)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=list(key), set_=values)
            )
        return True
