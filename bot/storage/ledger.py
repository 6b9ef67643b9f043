"""What people may use and what they used: limits, gifts, reservations, settled amounts.

Looking for room and taking it is one transaction, so that questions asked at the same time never
use more than there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.access.quota import EVERY_GROUP, Amount, Limit, Period, Subject, Unit
from bot.storage.db import Also, Database
from bot.storage.erasing.hidden import hidden_name
from bot.storage.event_json import clean
from bot.storage.tables import gifts, inbox, ledger, limits, replicas, resets, turns

_QUESTIONS = func.coalesce(ledger.c.settled_questions, ledger.c.reserved_questions)
_TOKENS = func.coalesce(ledger.c.settled_tokens, ledger.c.reserved_tokens)


@dataclass(frozen=True, slots=True)
class Account:
    """Who uses: a person in a role, perhaps in a group. `limits` and `group_limits` are those of
    config.toml, which what stands here changes; None: this account has none, whatever they say."""

    person: str  # "platform:id"
    role: str
    group: str | None = None  # "platform:chat"
    limits: Sequence[Limit] | None = ()
    group_limits: Sequence[Limit] = ()


@dataclass(frozen=True, slots=True)
class Now:
    """The moment, and when the running day and month began."""

    at: float
    starts: Mapping[Period, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands."""

    scope: Literal["person", "group"]
    limit: Limit
    used: int
    given: int = 0  # on top of the limit

    @property
    def allowed(self) -> int:
        assert self.limit.amount is not None
        return self.limit.amount + self.given

    @property
    def left(self) -> int:
        return max(0, self.allowed - self.used)


@dataclass(frozen=True, slots=True)
class Shortage:
    """The standing that leaves no room for `wanted`."""

    standing: Standing
    wanted: int


@dataclass(frozen=True, slots=True)
class Used:
    questions: int
    tokens: int

    def of(self, unit: Unit) -> int:
        return self.questions if unit == "questions" else self.tokens


class Ledger:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def reserve(
        self,
        inbox_id: int | None,
        account: Account,
        now: Now,
        *,
        tokens: int,
        also: Also | None = None,
    ) -> list[Shortage]:
        """One question and so many tokens; empty: they are reserved. What was reserved for this
        entry before, settled or not, stays as it is. `also` is written in any case."""
        async with self._db.write() as connection:
            if also is not None:
                await also(connection)
            if inbox_id is not None and await _is_known(connection, inbox_id):
                return []
            standings = await self._standings(connection, account, now)
            short = _shortages(standings, {"questions": 1, "tokens": tokens})
            if not short:
                row = _reservation(account, now.at, tokens).values(inbox_id=inbox_id)
                await connection.execute(row)
        return short

    async def cover(
        self, inbox_id: int, account: Account, then: Callable[[float], Now], *, tokens: int
    ) -> list[Shortage]:
        """So many tokens in all, where more turn out to be needed than were reserved; empty: they
        are reserved now, or nothing waits to be settled. `then`: the moment of the reservation,
        whose day and month they count for."""
        held = ledger.c.inbox_id == inbox_id, ledger.c.state == "reserved"
        too_few = select(ledger.c.reserved_tokens, ledger.c.at).where(
            *held, ledger.c.reserved_tokens < tokens
        )
        async with self._db.read() as connection:
            row = (await connection.execute(too_few)).first()
        if row is None:
            return []
        async with self._db.write() as connection:
            standings = await self._standings(connection, account, then(row.at))
            more: dict[Unit, int] = {"questions": 0, "tokens": tokens - row.reserved_tokens}
            if not (short := _shortages(standings, more)):
                raised = update(ledger).where(*held).values(reserved_tokens=tokens)
                await connection.execute(raised)
        return short

    async def settle(
        self, inbox_id: int, *, questions: int, tokens: int, also: Also | None = None
    ) -> int | None:
        """What was really used takes the place of the reservation; the first time counts. `also` is
        written at the same stroke. The tokens that were reserved; None: nothing waited to be
        settled."""
        return await self._settle(ledger.c.inbox_id == inbox_id, questions, tokens, also)

    async def reserve_call(
        self, call: str, account: Account, now: Now, *, tokens: int
    ) -> list[Shortage]:
        """Like `reserve`, for a request of the API; `call` must never have been used before.

        Raises NoRoom as Inbox.accept does.
        """
        self._db.room.check()
        async with self._db.write() as connection:
            standings = await self._standings(connection, account, now)
            short = _shortages(standings, {"questions": 1, "tokens": tokens})
            if not short:
                row = _reservation(account, now.at, tokens).values(call=self._named(call))
                await connection.execute(row)
        return short

    async def settle_call(self, call: str, *, questions: int, tokens: int) -> int | None:
        """Like `settle`."""
        return await self._settle(ledger.c.call == self._named(call), questions, tokens)

    async def recover_calls(self) -> int:
        """What is still reserved for the API by a program that lives no more was broken off by its
        end, and costs nothing. How many there were."""
        nothing = {"settled_questions": 0, "settled_tokens": 0, "state": "settled"}
        async with self._db.write() as connection:
            living = (await connection.execute(select(replicas.c.id))).scalars()
            lives = or_(false(), *(ledger.c.call.startswith(f"{one}/") for one in living))
            broken_off = ledger.c.call.is_not(None), ledger.c.state == "reserved", ~lives
            done = await connection.execute(update(ledger).where(*broken_off).values(nothing))
        return done.rowcount

    async def recover(self) -> int:
        """After a crash between an entry's end and its settling: an answer costs the tokens that
        its turns have, anything else nothing. How many there were."""
        answered = inbox.c.state == "answered"
        of_turns = select(func.sum(turns.c.tokens)).where(turns.c.inbox_id == ledger.c.inbox_id)
        ended = (
            select(inbox.c.id, answered.label("answered"))
            .join(ledger, ledger.c.inbox_id == inbox.c.id)
            .where(ledger.c.state == "reserved", inbox.c.state.not_in(("new", "waiting")))
        )
        tokens = func.coalesce(of_turns.scalar_subquery(), ledger.c.reserved_tokens)
        async with self._db.write() as connection:
            rows = (await connection.execute(ended)).all()
            for row in rows:
                used = {"settled_questions": 1, "settled_tokens": tokens}
                nothing = {"settled_questions": 0, "settled_tokens": 0}
                await connection.execute(
                    update(ledger)
                    .where(ledger.c.inbox_id == row.id)
                    .values(state="settled", **(used if row.answered else nothing))
                )
        return len(rows)

    async def standings(self, account: Account, now: Now) -> list[Standing]:
        """Every limit that this account has."""
        async with self._db.read() as connection:
            return await self._standings(connection, account, now)

    async def used(self, person: str | None, since: float) -> Used:
        """None: by all people together."""
        where = ledger.c.at >= since
        if person is not None:
            where = and_(where, _of_person(person))
        async with self._db.read() as connection:
            return await _sum(connection, where)

    async def overrides(self, subject: Subject | None = None) -> list[tuple[Subject, Limit]]:
        """The limits that commands have set; None: of all subjects."""
        statement = select(limits).order_by(*limits.primary_key.columns)
        if subject is not None:
            statement = statement.where(*_of(limits, subject))
        async with self._db.read() as connection:
            rows = await connection.execute(statement)
            return [(Subject(row.scope, row.subject), _limit(row)) for row in rows]

    async def set_with(self, connection: AsyncConnection, subject: Subject, limit: Limit) -> None:
        """In the caller's transaction, like those below."""
        key = {**_key(subject), "unit": limit.unit, "period": limit.period}
        statement = insert(limits).values(**key, amount=limit.amount)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_={"amount": limit.amount})
        )

    async def unset_with(
        self, connection: AsyncConnection, subject: Subject, name: tuple[Unit, Period] | None
    ) -> int:
        """Back to config.toml; None: all limits of the subject. How many there were."""
        statement = delete(limits).where(*_of(limits, subject))
        if name is not None:
            statement = statement.where(limits.c.unit == name[0], limits.c.period == name[1])
        return (await connection.execute(statement)).rowcount

    async def give_with(
        self, connection: AsyncConnection, subject: Subject, amount: Amount, at: float
    ) -> None:
        values = {"unit": amount.unit, "amount": amount.amount, "at": at}
        await connection.execute(gifts.insert().values(**_key(subject), **values))

    async def reset_with(self, connection: AsyncConnection, subject: Subject, at: float) -> None:
        """What was used so far does not count any more."""
        key = _key(subject)
        statement = insert(resets).values(**key, at=at)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_={"at": at})
        )

    def _named(self, call: str) -> str:
        """With who answers it."""
        return f"{self._db.replica}/{call}"

    async def _settle(
        self, own: ColumnElement[bool], questions: int, tokens: int, also: Also | None = None
    ) -> int | None:
        statement = (
            update(ledger)
            .where(own, ledger.c.state == "reserved")
            .values(settled_questions=questions, settled_tokens=tokens, state="settled")
            .returning(ledger.c.reserved_tokens)
        )
        async with self._db.write() as connection:
            reserved: int | None = (await connection.execute(statement)).scalar()
            if also is not None:
                await also(connection)
        return reserved

    async def _standings(
        self, connection: AsyncConnection, account: Account, now: Now
    ) -> list[Standing]:
        found = []
        if account.limits is not None:
            own = [Subject("person", account.person), Subject("role", account.role)]
            by_person = _of_person(account.person)
            found += await _look(connection, "person", own, account.limits, by_person, now)
        if account.group is not None and account.limits is not None:
            both = [Subject("group", account.group), Subject("group", EVERY_GROUP)]
            in_group = ledger.c.chat == clean(account.group)
            found += await _look(connection, "group", both, account.group_limits, in_group, now)
        return found


async def _look(
    connection: AsyncConnection,
    scope: Literal["person", "group"],
    subjects: Sequence[Subject],  # whose limit goes before that of the next one
    configured: Sequence[Limit],
    where: ColumnElement[bool],
    now: Now,
) -> list[Standing]:
    holding: dict[str, Limit] = {limit.name: limit for limit in configured}
    for subject in reversed(subjects):
        rows = await connection.execute(select(limits).where(*_of(limits, subject)))
        holding |= {limit.name: limit for limit in map(_limit, rows)}
    bounded = [limit for limit in holding.values() if limit.amount is not None]
    if not bounded:
        return []
    reset_at = await _reset_at(connection, subjects)
    standings = []
    for limit in bounded:
        begun = now.starts[limit.period]
        used = await _sum(connection, and_(where, ledger.c.at >= max(begun, reset_at)))
        given = await _given(connection, subjects, limit.unit, begun)
        standings.append(Standing(scope, limit, used.of(limit.unit), given))
    return standings


async def _sum(connection: AsyncConnection, where: ColumnElement[bool]) -> Used:
    statement = select(func.sum(_QUESTIONS), func.sum(_TOKENS)).where(where)
    questions, tokens = (await connection.execute(statement)).one()
    return Used(questions or 0, tokens or 0)


async def _given(
    connection: AsyncConnection, subjects: Sequence[Subject], unit: Unit, since: float
) -> int:
    statement = select(func.sum(gifts.c.amount)).where(
        _any_of(gifts, subjects), gifts.c.unit == unit, gifts.c.at >= since
    )
    return (await connection.execute(statement)).scalar() or 0


async def _reset_at(connection: AsyncConnection, subjects: Sequence[Subject]) -> float:
    statement = select(func.max(resets.c.at)).where(_any_of(resets, subjects))
    return (await connection.execute(statement)).scalar() or 0.0


def _shortages(standings: Sequence[Standing], wanted: Mapping[Unit, int]) -> list[Shortage]:
    return [
        Shortage(one, wanted[one.limit.unit])
        for one in standings
        if wanted[one.limit.unit] and one.used + wanted[one.limit.unit] > one.allowed
    ]


def _of_person(person: str) -> ColumnElement[bool]:
    """Also what somebody used who was forgotten since."""
    return ledger.c.person.in_([clean(person), hidden_name(person)])


async def _is_known(connection: AsyncConnection, inbox_id: int) -> bool:
    statement = select(ledger.c.id).where(ledger.c.inbox_id == inbox_id)
    return (await connection.execute(statement)).first() is not None


def _reservation(account: Account, at: float, tokens: int) -> Any:
    # Any: SQLAlchemy's Insert, whose type parameter says nothing here
    return ledger.insert().values(
        person=clean(account.person),
        chat=None if account.group is None else clean(account.group),
        at=at,
        reserved_questions=1,
        reserved_tokens=tokens,
        state="reserved",
    )


def _key(subject: Subject) -> dict[str, str]:
    return {"scope": subject.scope, "subject": clean(subject.name)}


def _of(table: Any, subject: Subject) -> tuple[ColumnElement[bool], ...]:  # Any: three tables'
    return table.c.scope == subject.scope, table.c.subject == clean(subject.name)


def _any_of(table: Any, subjects: Sequence[Subject]) -> ColumnElement[bool]:  # Any: likewise
    return or_(*(and_(*_of(table, subject)) for subject in subjects))


def _limit(row: Any) -> Limit:  # Any: the columns of limits
    return Limit(row.amount, row.unit, row.period)
