"""Cases: what content safety blocked or wants looked at, what people say to it, who decided what.

Nobody's words stand here unmasked: what was asked is known by a digest that has its person in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses

from bot.event import Conversation
from bot.storage.db import Database, Transaction
from bot.storage.event_json import clean
from bot.storage.tables import cases, outbox

Place = Literal["question", "picture", "answer"]
State = Literal["open", "approved", "rejected"]
Kind = Literal["block", "review"]

_DAY_S = 86_400.0
_MOST_A_DAY: dict[Kind, int] = {"block": 100, "review": 20}  # of one person that are open
_OWN_DOING = ("question", "picture")  # an answer is the model's
_NOBODYS_DOING = "unchecked"  # the category of what could not be looked at


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened. `key` names it for ever: told again, it is the same case."""

    key: str
    request: str
    person: str  # "platform:id"; of the API also the user it names: "api:k_1:ann"
    home: Conversation | None  # None: it came over the API
    message: str  # of the person, that letters reply to; empty: none
    language: Literal["zh", "en"]
    place: Place
    action: Kind
    category: str
    detector: str
    version: str
    score: float
    excerpt: str  # masked
    picture: str
    photo: str
    subject: str


@dataclass(frozen=True, slots=True)
class Case:
    id: int
    at: float
    facts: Facts
    state: State = "open"
    appealed_at: float | None = None
    appeal: str = ""
    decided_at: float | None = None
    decided_by: str = ""
    answer: str = ""
    banned_until: float | None = None  # the ban for which it was one of the strikes


class Cases:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    async def file(
        self, facts: Facts, also: Callable[[Transaction, Case], Awaitable[None]]
    ) -> int | None:
        """Its number; `also` is written at the same stroke, the first time alone. None: this person
        has so many open cases of today that no more are kept."""
        async with self._db.write() as connection:
            known = await _one(connection, cases.c.key == clean(facts.key))
            if known is not None:
                return known.id
            if await self._has_many(connection, facts):
                return None
            at = self._clock()
            done = await connection.execute(insert(cases).values(**_row(facts, at)))
            assert done.inserted_primary_key is not None
            case = Case(int(done.inserted_primary_key[0]), at, facts)
            await also(connection, case)
        return case.id

    async def case(self, number: int) -> Case | None:
        async with self._db.read() as connection:
            return await _one(connection, cases.c.id == number)

    async def case_with(self, connection: Transaction, number: int) -> Case | None:
        return await _one(connection, cases.c.id == number)

    async def listed(
        self, *, state: State | None = None, person: str = "", limit: int
    ) -> tuple[list[Case], int]:
        """The newest ones, and how many there are. `person`: of the API all users of that key."""
        where = [cases.c.state == state] if state else []
        if person:
            where.append(_is_of(person))
        newest = select(cases).where(*where).order_by(cases.c.id.desc()).limit(limit)
        count = select(func.count()).select_from(cases).where(*where)
        async with self._db.read() as connection:
            found = [_read(row) for row in await connection.execute(newest)]
            return found, int((await connection.execute(count)).scalar_one())

    async def allowed(self, person: str, place: Place, subject: str) -> frozenset[str]:
        """The categories in which staff let this through."""
        same = cases.c.person == clean(person), cases.c.subject == subject
        approved = cases.c.place == place, cases.c.state == "approved"
        statement = select(cases.c.category).where(*same, *approved)
        async with self._db.read() as connection:
            return frozenset((await connection.execute(statement)).scalars())

    async def newest_block(self, where: Conversation, person: str) -> Case | None:
        """Of this person in this chat: what they mean who say that it was a mistake."""
        own = (
            cases.c.person == clean(person),
            cases.c.platform == clean(where.platform),
            cases.c.chat == clean(where.chat),
            cases.c.action == "block",
        )
        async with self._db.read() as connection:
            return await _one(connection, *own)

    async def appeal_with(self, connection: Transaction, number: int, words: str) -> None:
        appealed = {"appealed_at": self._clock(), "appeal": clean(words)}
        await connection.execute(update(cases).where(cases.c.id == number).values(**appealed))

    async def decide_with(
        self, connection: Transaction, number: int, state: State, by: str, answer: str
    ) -> None:
        values = {"state": state, "decided_at": self._clock(), "decided_by": clean(by)}
        statement = update(cases).where(cases.c.id == number)
        await connection.execute(statement.values(**values, answer=clean(answer)))

    async def strikes(self, person: str, *, since: float) -> dict[int, str]:
        """The person's own blocks that were not approved, and whose messages led to no ban yet; of
        each the request, for one message may have several."""
        own = cases.c.person == clean(person)
        spent = select(cases.c.request).where(own, cases.c.banned_until.is_not(None))
        statement = select(cases.c.id, cases.c.request).where(
            own,
            cases.c.at >= since,
            cases.c.action == "block",
            cases.c.place.in_(_OWN_DOING),
            cases.c.category != _NOBODYS_DOING,
            cases.c.state != "approved",
            cases.c.request.not_in(spent),
        )
        async with self._db.read() as connection:
            found = await connection.execute(statement.order_by(cases.c.id))
            return {row.id: row.request for row in found}

    async def count_with(
        self, connection: Transaction, numbers: Collection[int], until: float
    ) -> None:
        """These were the strikes for a ban."""
        statement = update(cases).where(cases.c.id.in_(numbers))
        await connection.execute(statement.values(banned_until=until))

    async def uncount_with(self, connection: Transaction, person: str, until: float) -> None:
        """That ban is lifted; what else led to it counts again."""
        own = cases.c.person == clean(person), cases.c.banned_until == until
        await connection.execute(update(cases).where(*own).values(banned_until=None))

    async def told_with(self, connection: Transaction, batch: str, *, since: float) -> int:
        """How many letters of the batch were put since then."""
        lately = select(func.count()).where(outbox.c.batch == batch, outbox.c.at >= since)
        return int((await connection.execute(lately)).scalar_one())

    async def open_with(self, connection: Transaction) -> int:
        """How many nobody has decided yet."""
        statement = select(func.count()).where(cases.c.state == "open")
        return int((await connection.execute(statement)).scalar_one())

    async def forget_with(self, connection: Transaction, person: str) -> None:
        """All that is kept of this person; of an API key also its users'. What letters said of it
        is emptied, and one that waits is not sent any more."""
        numbers = select(cases.c.id).where(_is_of(person))
        for number in (await connection.execute(numbers)).scalars().all():
            about = outbox.c.key > f"case/{number}/", outbox.c.key < f"case/{number}0"  # after "/"
            waits = update(outbox).where(*about, outbox.c.state == "waiting")
            await connection.execute(waits.values(state="left", ended_at=self._clock()))
            await connection.execute(update(outbox).where(*about).values(text="", photo=""))
        await connection.execute(delete(cases).where(_is_of(person)))

    async def _has_many(self, connection: Transaction, facts: Facts) -> bool:
        statement = select(func.count()).where(
            cases.c.person == clean(facts.person),
            cases.c.at > self._clock() - _DAY_S,
            cases.c.action == facts.action,
            cases.c.state == "open",
        )
        count = (await connection.execute(statement)).scalar_one()
        return int(count) >= _MOST_A_DAY[facts.action]


def _is_of(person: str) -> ColumnElement[bool]:
    """Users of one API key stand behind its name."""
    whole = clean(person)
    if not whole.startswith("api:"):
        return cases.c.person == whole
    return or_(cases.c.person == whole, cases.c.person.startswith(f"{whole}:", autoescape=True))


async def _one(connection: Transaction, *where: ColumnElement[bool]) -> Case | None:
    """The newest of these."""
    statement = select(cases).where(and_(*where)).order_by(cases.c.id.desc()).limit(1)
    row = (await connection.execute(statement)).first()
    return None if row is None else _read(row)


def _row(facts: Facts, at: float) -> dict[str, object]:
    home = facts.home or Conversation("", "")
    values = {name: _storable(value) for name, value in asdict(facts).items() if name != "home"}
    where = {"platform": home.platform, "chat": home.chat, "thread": home.thread}
    where["member"] = home.person
    values |= {name: clean(value) for name, value in where.items()}
    values |= {"at": at, "state": "open", "appeal": "", "decided_by": "", "answer": ""}
    return values


def _storable(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _read(row: Row[Any]) -> Case:  # Any: the columns are known to tables.py alone
    home = Conversation(row.platform, row.chat, row.thread, row.member) if row.platform else None
    facts = Facts(
        row.key,
        row.request,
        row.person,
        home,
        row.message,
        row.language,
        row.place,
        row.action,
        row.category,
        row.detector,
        row.version,
        row.score,
        row.excerpt,
        row.picture,
        row.photo,
        row.subject,
    )
    return Case(
        row.id,
        row.at,
        facts,
        row.state,
        row.appealed_at,
        row.appeal,
        row.decided_at,
        row.decided_by,
        row.answer,
        row.banned_until,
    )
