"""Who has spoken to us: roles, languages, bans; and the chats we know."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.access.quota import GivenRole
from bot.event import Conversation, Event
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import chats, inbox, people

FOR_EVER = 253_402_300_800.0  # the year 10000
_SEEN_EVERY_S = 3600.0  # how exactly we know when somebody was last here
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Known:
    """A person as we remember them."""

    platform: str
    id: str
    name: str = ""
    role: GivenRole | None = None  # None: no command gave one
    language: Literal["zh", "en", ""] = ""  # as chosen
    banned_until: float | None = None
    ban_reason: str = ""
    last_seen: float | None = None
    spoken: Literal["zh", "en", ""] = ""  # their last own words were in; empty: not needed
    patience_s: float | None = None  # 0: they wait however long; None: not chosen

    def is_banned(self, now: float) -> bool:
        return self.banned_until is not None and now < self.banned_until


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many there are."""

    people: int
    active_today: int  # within 24 hours
    active_lately: int  # within 30 days
    groups: int
    banned: int


class People:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def meet(self, event: Event, *, spoken: Literal["zh", "en", ""] = "") -> Event:
        """Remember person and chat; the event, with the language that the person chose, or else
        spoke last where their platform tells of none. `spoken`: in these words, if that is news.

        Both in one write, an hour apart at least, but for a change of language. People who talk to
        each other beside us in a group are not remembered.
        """
        platform, chat = event.conversation.platform, event.conversation.chat
        since = self._clock() - _SEEN_EVERY_S
        seen = select(chats.c.last_seen).where(*_is(chats, platform, chat), ~chats.c.gone)
        async with self._db.read() as connection:
            person = await self._known(connection, platform, event.person.id)
            chat_seen = (await connection.execute(seen)).scalar()
        person = person or Known(platform, event.person.id)
        spoken = spoken or person.spoken
        new = person.last_seen is None or person.last_seen < since or spoken != person.spoken
        see_person = new and event.addressed and bool(event.person.id)
        see_chat = chat_seen is None or chat_seen < since
        if see_person or see_chat:
            async with self._db.write() as connection:
                if see_chat:
                    await self._see_chat(connection, event)
                if see_person:
                    await self._see_person(connection, event, spoken)
        said = event.person
        chosen, language = person.language or said.chosen, said.language or spoken
        return replace(event, person=replace(said, chosen=chosen, language=language))

    async def come(self, platform: str, person: str) -> Known | None:
        """Remember one who came without an event, an hour apart at least; as known before."""
        known = await self.known(platform, person)
        if ((known and known.last_seen) or 0.0) < self._clock() - _SEEN_EVERY_S:
            async with self._db.write() as connection:
                await self._put(connection, platform, person, {"last_seen": self._clock()})
        return known

    async def known(self, platform: str, person: str) -> Known | None:
        async with self._db.read() as connection:
            return await self._known(connection, platform, person)

    async def given_role(self, platform: str, person: str) -> GivenRole | None:
        """What a command gave; None: nothing."""
        known = await self.known(platform, person)
        return known.role if known else None

    async def choose_language(
        self, platform: str, person: str, language: Literal["zh", "en", ""]
    ) -> None:
        """Empty: as their words or the platform say."""
        async with self._db.write() as connection:
            await self._put(connection, platform, person, {"language": language})

    async def choose_patience(self, platform: str, person: str, seconds: float | None) -> None:
        """As in Known."""
        async with self._db.write() as connection:
            await self._put(connection, platform, person, {"patience_s": seconds})

    async def set_role_with(
        self, connection: AsyncConnection, platform: str, person: str, role: GivenRole
    ) -> None:
        """In the caller's transaction, like those below."""
        await self._put(connection, platform, person, {"role": role})

    async def add_with(
        self, connection: AsyncConnection, platform: str, person: str, name: str, role: GivenRole
    ) -> None:
        """Somebody who has not come yet."""
        values: dict[str, object] = {"name": clean(name[:_LONGEST_NAME]), "role": role}
        await self._put(connection, platform, person, values)

    async def ban_with(
        self, connection: AsyncConnection, platform: str, person: str, until: float, reason: str
    ) -> None:
        values: dict[str, object] = {"banned_until": until, "ban_reason": clean(reason)}
        await self._put(connection, platform, person, values)

    async def unban_with(self, connection: AsyncConnection, platform: str, person: str) -> bool:
        """False: there was no ban in force."""
        known = await self._known(connection, platform, person)
        if known is None or not known.is_banned(self._clock()):
            return False
        values: dict[str, object] = {"banned_until": None, "ban_reason": ""}
        await self._put(connection, platform, person, values)
        return True

    async def known_with(
        self, connection: AsyncConnection, platform: str, person: str
    ) -> Known | None:
        return await self._known(connection, platform, person)

    async def is_group(self, platform: str, chat: str) -> bool:
        """As far as we know: a group somebody has spoken in."""
        statement = select(chats.c.is_group).where(*_is(chats, platform, chat))
        async with self._db.read() as connection:
            return bool((await connection.execute(statement)).scalar())

    async def private_chat(self, platform: str, person: str) -> Conversation | None:
        """Where they last wrote to us alone; None: they never did. On some platforms that chat has
        the person's own id, and is known for longer than their words."""
        alone = and_(chats.c.platform == inbox.c.platform, chats.c.chat == inbox.c.chat)
        newest = (
            select(inbox.c.chat)
            .join(chats, and_(alone, ~chats.c.is_group))
            .where(inbox.c.platform == clean(platform), inbox.c.person == clean(person))
            .order_by(inbox.c.id.desc())
            .limit(1)
        )
        own = select(chats.c.chat).where(*_is(chats, platform, person), ~chats.c.is_group)
        async with self._db.read() as connection:
            chat = (await connection.execute(newest)).scalar()
            chat = chat or (await connection.execute(own)).scalar()
        return None if chat is None else Conversation(platform, chat)

    async def with_role(self) -> list[Known]:
        """Those to whom a command gave more than a guest's role."""
        return await self._many(
            select(people)
            .where(people.c.role.is_not(None), people.c.role != "guest")
            .order_by(people.c.role, people.c.platform, people.c.person)
        )

    async def banned(self) -> list[Known]:
        return await self._many(
            select(people)
            .where(people.c.banned_until > self._clock())
            .order_by(people.c.platform, people.c.person)
        )

    async def found(self, words: str, *, limit: int, after: int = 0) -> list[Known]:
        """Whose name or "platform:id" has these words in it, who was here last first; without
        words everybody. `after`: so many are passed over."""
        statement = select(people).order_by(
            people.c.last_seen.desc().nulls_last(), people.c.platform, people.c.person
        )
        if words:
            own = people.c.platform.concat(":").concat(people.c.person)
            has = clean(words)
            statement = statement.where(
                or_(
                    people.c.name.icontains(has, autoescape=True),
                    own.icontains(has, autoescape=True),
                )
            )
        return await self._many(statement.limit(limit).offset(after))

    async def reachable_with(self, connection: AsyncConnection) -> list[Conversation]:
        """Every chat that a broadcast goes to."""
        statement = (
            select(chats.c.platform, chats.c.chat)
            .where(~chats.c.gone)
            .order_by(chats.c.platform, chats.c.chat)
        )
        rows = await connection.execute(statement)
        return [Conversation(row.platform, row.chat) for row in rows]

    async def lose(self, unreached: Sequence[Conversation]) -> None:
        """Broadcasts leave them out until somebody speaks there again."""
        async with self._db.write() as connection:
            for one in unreached:
                where = _is(chats, one.platform, one.chat)
                await connection.execute(update(chats).where(*where).values(gone=True))

    async def crowd(self) -> Crowd:
        now = self._clock()
        everybody = select(
            func.count(),
            func.count().filter(people.c.last_seen > now - 86_400),
            func.count().filter(people.c.last_seen > now - 30 * 86_400),
            func.count().filter(people.c.banned_until > now),
        ).select_from(people)
        groups = select(func.count()).where(chats.c.is_group, ~chats.c.gone)
        async with self._db.read() as connection:
            number, today, lately, banned = (await connection.execute(everybody)).one()
            number_of_groups = (await connection.execute(groups)).scalar_one()
        return Crowd(number, today, lately, number_of_groups, banned)

    async def _known(self, connection: AsyncConnection, platform: str, person: str) -> Known | None:
        statement = select(people).where(*_is(people, platform, person))
        row = (await connection.execute(statement)).first()
        return None if row is None else _read_person(row)

    async def _many(self, statement: Select[Any]) -> list[Known]:  # Any: the columns of people
        async with self._db.read() as connection:
            return [_read_person(row) for row in await connection.execute(statement)]

    async def _see_person(self, connection: AsyncConnection, event: Event, spoken: str) -> None:
        name = clean(event.person.name[:_LONGEST_NAME])
        values: dict[str, object] = {"last_seen": self._clock(), "spoken": spoken}
        values |= {"name": name} if name else {}
        await self._put(connection, event.conversation.platform, event.person.id, values)

    async def _see_chat(self, connection: AsyncConnection, event: Event) -> None:
        now, where = self._clock(), event.conversation
        values = {"is_group": event.group, "gone": False, "last_seen": now}
        key = {"platform": clean(where.platform), "chat": clean(where.chat)}
        statement = insert(chats).values(**key, first_seen=now, **values)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=values)
        )

    async def _put(
        self, connection: AsyncConnection, platform: str, person: str, values: dict[str, object]
    ) -> None:
        key = {"platform": clean(platform), "person": clean(person)}
        first: dict[str, object] = {"name": "", "language": "", "spoken": "", "ban_reason": ""}
        first |= {"first_seen": self._clock()}
        statement = insert(people).values(**first | key | values)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=values)
        )


def _is(table: Any, platform: str, id_: str) -> tuple[Any, ...]:  # Any: two tables' columns
    """The row of one person or chat."""
    own = table.c.person if table is people else table.c.chat
    return table.c.platform == clean(platform), own == clean(id_)


def _read_person(row: Row[Any]) -> Known:  # Any: the columns are known to tables.py alone
    return Known(
        row.platform,
        row.person,
        row.name,
        row.role,
        row.language,
        row.banned_until,
        row.ban_reason,
        row.last_seen,
        row.spoken,
        row.patience_s,
    )
