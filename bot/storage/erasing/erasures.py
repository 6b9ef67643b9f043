"""Who is to be forgotten: ordered once, carried out by the program that runs, now or later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.event import Conversation
from bot.storage.db import Database, Transaction
from bot.storage.erasing.hidden import hidden_name
from bot.storage.event_json import clean
from bot.storage.tables import erasures, inbox, let_go, replicas

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody who is to be forgotten."""

    platform: str
    person: str
    upto: int  # entries of the inbox with larger numbers came later and stay
    at: float = 0.0
    tell: Conversation | None = None  # where its end is told
    language: Literal["zh", "en"] = "zh"

    @property
    def name(self) -> str:
        return f"{self.platform}:{self.person}"


class Erasures:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._ordered = asyncio.Event()
        self._ended = asyncio.Event()

    async def order(
        self,
        platform: str,
        person: str,
        *,
        tell: Conversation | None = None,
        language: Literal["zh", "en"] = "zh",
    ) -> None:
        """All that is kept up to this moment. Committed when it returns."""
        async with self._db.write() as connection:
            await self.order_with(connection, platform, person, tell=tell, language=language)
        self._ordered.set()

    async def order_with(
        self,
        connection: Transaction,
        platform: str,
        person: str,
        *,
        tell: Conversation | None = None,
        language: Literal["zh", "en"] = "zh",
    ) -> None:
        """In the caller's transaction; a program that runs finds it soon."""
        newest = select(func.coalesce(func.max(inbox.c.id), 0)).scalar_subquery()
        values = {
            "upto": newest,
            "at": self._clock(),
            "chat": clean(tell.chat) if tell else "",
            "thread": clean(tell.thread) if tell else "",
            "language": language,
        }
        key = {"platform": clean(platform), "person": clean(person)}
        statement = insert(erasures).values(**key, **values)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=values)
        )

    async def pending(self) -> list[Erasure]:
        async with self._db.read() as connection:
            rows = await connection.execute(select(erasures).order_by(erasures.c.at))
            return [_read(row) for row in rows]

    async def is_pending(self, platform: str, person: str) -> bool:
        async with self._db.read() as connection:
            return (await connection.execute(_pending(platform, person))).first() is not None

    async def end(self, done: Erasure) -> None:
        """Nothing is left. Ordered again meanwhile, it is to be done again."""
        own = erasures.c.platform == done.platform, erasures.c.person == done.person
        given = let_go.c.platform == done.platform, let_go.c.person == done.person
        async with self._db.write() as connection:
            await connection.execute(delete(erasures).where(*own, erasures.c.upto == done.upto))
            await connection.execute(delete(let_go).where(*given, let_go.c.upto <= done.upto))
            emptied = inbox.c.platform == done.platform, inbox.c.person == hidden_name(done.name)
            await connection.execute(update(inbox).where(*emptied).values(person=""))
        self._ended.set()

    async def let_go(self, who: Erasure) -> None:
        """In this program nothing more is done for them, as far as it came before the order. When
        that has ended their name is not written down again."""
        key = {"replica": self._db.replica, "platform": who.platform, "person": who.person}
        statement = insert(let_go).values(**key, upto=who.upto)
        pending = _pending(who.platform, who.person)
        async with self._db.write() as connection:
            if (await connection.execute(pending)).first() is not None:
                await connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=list(key), set_={"upto": who.upto}
                    )
                )

    async def others_at_it(self, who: Erasure) -> bool:
        """Is there another program that has not said so?"""
        given = exists().where(
            let_go.c.replica == replicas.c.id,
            let_go.c.platform == who.platform,
            let_go.c.person == who.person,
            let_go.c.upto >= who.upto,
        )
        other = select(replicas.c.id).where(replicas.c.id != self._db.replica, ~given)
        async with self._db.read() as connection:
            return (await connection.execute(other.limit(1))).first() is not None

    async def ordered(self, timeout_s: float) -> None:
        """Returns when there may be something to do: at the latest then, for another program may
        have ordered it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ordered.wait()
        except TimeoutError:
            return
        self._ordered.clear()

    async def until_ended(self, platform: str, person: str) -> None:
        """For who ordered it in this program."""
        while True:
            self._ended.clear()
            if not await self.is_pending(platform, person):
                return
            with suppress(TimeoutError):  # another program may be at it
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._ended.wait()


def _pending(platform: str, person: str) -> Select[int]:
    own = erasures.c.platform == clean(platform), erasures.c.person == clean(person)
    return select(erasures.c.upto).where(*own)


def _read(row: Any) -> Erasure:  # Any: the columns of erasures
    tell = Conversation(row.platform, row.chat, row.thread) if row.chat else None
    return Erasure(row.platform, row.person, row.upto, row.at, tell, row.language)
