"""What people may use and what they used: nobody ever uses more than there is."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.access.quota import EVERY_GROUP, Amount, Limit, Subject
from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.history import History, Said
from bot.storage.inbox import Inbox
from bot.storage.ledger import Account, Ledger, Now, Standing, Used
from tests.opened import new_in

DAY_S = 86_400.0
ANN = Subject("person", "test:ann")
DAILY = Limit(3, "questions", "day")


def at(moment: float) -> Now:
    """Days begin at multiples of a day, months at multiples of ten."""
    return Now(
        moment,
        {"day": moment // DAY_S * DAY_S, "month": moment // (10 * DAY_S) * 10 * DAY_S},
    )


NOW = at(100 * DAY_S + 5)


def ann(*limits: Limit, group: str | None = None, in_group: tuple[Limit, ...] = ()) -> Account:
    return Account("test:ann", "guest", group, limits, in_group)


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db)


@pytest.fixture
def entries(db: Database) -> Entries:
    return Entries(db)


class Entries:
    """Entries of the inbox, which the ledger is about."""

    def __init__(self, db: Database) -> None:
        self._inbox = Inbox(db)
        self._names = count(1)

    async def new(self) -> int:
        name = f"e{next(self._names)}"
        await self._inbox.accept(Event("bot", name, Conversation("test", "c"), Person("ann"), "?"))
        return (await new_in(self._inbox, 10_000))[-1].id


async def test_a_question_beyond_the_limit_is_refused_with_the_limit(
    ledger: Ledger, entries: Entries
):
    for _ in range(3):
        assert await ledger.reserve(await entries.new(), ann(DAILY), NOW, tokens=10) == []

    [short] = await ledger.reserve(await entries.new(), ann(DAILY), NOW, tokens=10)

    assert short.standing == Standing("person", DAILY, used=3)
    assert (short.standing.left, short.wanted) == (0, 1)


async def test_questions_asked_at_the_same_time_never_use_more_than_there_is(
    ledger: Ledger, entries: Entries
):
    numbers = [await entries.new() for _ in range(12)]

    answers = await asyncio.gather(
        *(ledger.reserve(number, ann(DAILY), NOW, tokens=10) for number in numbers)
    )

    assert answers.count([]) == 3


async def test_tokens_that_may_be_taken_count_until_they_are_settled(
    ledger: Ledger, entries: Entries
):
    account = ann(Limit(100, "tokens", "day"))
    first = await entries.new()
    await ledger.reserve(first, account, NOW, tokens=70)
    assert await ledger.reserve(await entries.new(), account, NOW, tokens=40) != []

    await ledger.settle(first, questions=1, tokens=20)

    assert await ledger.reserve(await entries.new(), account, NOW, tokens=80) == []


async def test_what_was_not_answered_costs_nothing(ledger: Ledger, entries: Entries):
    account = ann(Limit(1, "questions", "day"))
    number = await entries.new()
    await ledger.reserve(number, account, NOW, tokens=10)

    await ledger.settle(number, questions=0, tokens=0)

    assert await ledger.reserve(await entries.new(), account, NOW, tokens=10) == []


async def test_reserving_and_settling_again_changes_nothing(ledger: Ledger, entries: Entries):
    account, number = ann(Limit(1, "questions", "day")), await entries.new()
    for _ in range(2):
        assert await ledger.reserve(number, account, NOW, tokens=10) == []
    assert await ledger.settle(number, questions=1, tokens=7) == 10
    assert await ledger.settle(number, questions=0, tokens=0) is None

    assert await ledger.reserve(number, account, NOW, tokens=10) == []
    assert await ledger.used("test:ann", 0) == Used(1, 7)


async def test_tokens_beyond_the_reservation_are_taken_only_if_they_are_there(
    ledger: Ledger, entries: Entries
):
    account, first = ann(Limit(100, "tokens", "day")), await entries.new()
    await ledger.reserve(first, account, NOW, tokens=40)
    await ledger.reserve(await entries.new(), account, NOW, tokens=30)

    [short] = await ledger.cover(first, account, at, tokens=71)
    assert (short.wanted, short.standing.used) == (31, 70)
    assert await ledger.cover(first, account, at, tokens=70) == []

    assert (await ledger.used("test:ann", 0)).tokens == 100


async def test_tokens_within_the_reservation_leave_it_as_it_is(ledger: Ledger, entries: Entries):
    account, first = ann(Limit(50, "tokens", "day")), await entries.new()
    await ledger.reserve(first, account, NOW, tokens=50)

    assert await ledger.cover(first, account, at, tokens=20) == []
    assert (await ledger.used("test:ann", 0)).tokens == 50


async def test_what_is_settled_needs_no_more(ledger: Ledger, entries: Entries):
    account, first = ann(Limit(50, "tokens", "day")), await entries.new()
    await ledger.reserve(first, account, NOW, tokens=50)
    await ledger.settle(first, questions=1, tokens=50)

    assert await ledger.cover(first, account, at, tokens=99) == []
    assert (await ledger.used("test:ann", 0)).tokens == 50


async def test_tokens_that_turn_out_to_be_needed_count_on_the_day_of_the_question(
    ledger: Ledger, entries: Entries
):
    account, first = ann(Limit(50, "tokens", "day")), await entries.new()
    for number in (first, await entries.new()):
        await ledger.reserve(number, account, at(NOW.at - DAY_S), tokens=25)

    assert await ledger.cover(first, account, at, tokens=26) != []


async def test_what_is_written_along_is_written_whether_or_not_there_is_room(
    ledger: Ledger, entries: Entries
):
    written: list[str] = []

    async def also(transaction: AsyncConnection) -> None:
        written.append("once")

    for _ in range(2):
        account = ann(Limit(1, "questions", "day"))
        await ledger.reserve(await entries.new(), account, NOW, tokens=1, also=also)

    assert written == ["once", "once"]


async def test_the_next_period_begins_empty(ledger: Ledger, entries: Entries):
    account = ann(Limit(1, "questions", "day"), Limit(2, "questions", "month"))
    moments = [NOW.at, NOW.at + DAY_S, NOW.at + 2 * DAY_S, NOW.at + 10 * DAY_S]

    answers = [
        await ledger.reserve(await entries.new(), account, at(moment), tokens=1)
        for moment in moments
    ]

    assert [bool(short) for short in answers] == [False, False, True, False]
    assert answers[2][0].standing.limit.period == "month"


async def test_a_group_is_limited_for_all_its_people_together(ledger: Ledger, entries: Entries):
    limit = (Limit(2, "questions", "day"),)
    people = [Account(f"test:{n}", "guest", "test:-1", (), limit) for n in range(3)]

    answers = [await ledger.reserve(await entries.new(), one, NOW, tokens=1) for one in people]

    assert [bool(short) for short in answers] == [False, False, True]
    assert answers[2][0].standing.scope == "group"


async def test_what_was_asked_in_private_counts_for_no_group(ledger: Ledger, entries: Entries):
    limit = (Limit(1, "questions", "day"),)
    await ledger.reserve(await entries.new(), ann(), NOW, tokens=1)

    in_group = ann(group="test:-1", in_group=limit)

    assert await ledger.reserve(await entries.new(), in_group, NOW, tokens=1) == []


@pytest.mark.parametrize(
    ("subjects", "amount"),
    [
        ([], 3),
        ([Subject("role", "guest")], 4),
        ([Subject("role", "guest"), ANN], 5),
        ([Subject("role", "member")], 3),
        ([Subject("person", "other:ann")], 3),
    ],
    ids=["config", "role", "person before role", "another role", "another person"],
)
async def test_the_limit_nearest_to_the_person_holds(
    db: Database, ledger: Ledger, subjects: list[Subject], amount: int
):
    async with db.write() as transaction:
        for number, subject in enumerate(subjects, 4):
            await ledger.set_with(transaction, subject, Limit(number, "questions", "day"))

    [standing] = await ledger.standings(ann(DAILY), NOW)

    assert standing.allowed == amount


async def test_a_groups_own_limit_goes_before_that_of_all_groups(db: Database, ledger: Ledger):
    async with db.write() as transaction:
        for number, name in enumerate((EVERY_GROUP, "test:-1"), 4):
            limit = Limit(number, "questions", "day")
            await ledger.set_with(transaction, Subject("group", name), limit)

    [own] = await ledger.standings(ann(group="test:-1"), NOW)
    [other] = await ledger.standings(ann(group="test:-2"), NOW)

    assert (own.allowed, other.allowed) == (5, 4)


async def test_unlimited_takes_a_limit_away_and_default_brings_it_back(
    db: Database, ledger: Ledger
):
    async with db.write() as transaction:
        await ledger.set_with(transaction, ANN, Limit(None, "questions", "day"))
    assert await ledger.standings(ann(DAILY), NOW) == []

    async with db.write() as transaction:
        assert await ledger.unset_with(transaction, ANN, ("questions", "day")) == 1

    assert await ledger.standings(ann(DAILY), NOW) == [Standing("person", DAILY, 0)]


async def test_a_gift_counts_until_its_period_ends(db: Database, ledger: Ledger):
    limits = (DAILY, Limit(9, "questions", "month"), Limit(9, "tokens", "day"))
    async with db.write() as transaction:
        await ledger.give_with(transaction, ANN, Amount(2, "questions"), NOW.at)

    today = [one.given for one in await ledger.standings(ann(*limits), NOW)]
    tomorrow = [one.given for one in await ledger.standings(ann(*limits), at(NOW.at + DAY_S))]

    assert (today, tomorrow) == ([2, 2, 0], [0, 2, 0])


@pytest.mark.parametrize("subject", [ANN, Subject("role", "guest")], ids=["person", "role"])
async def test_after_a_reset_nothing_was_used(
    db: Database, ledger: Ledger, entries: Entries, subject: Subject
):
    await ledger.reserve(await entries.new(), ann(DAILY), NOW, tokens=1)

    async with db.write() as transaction:
        await ledger.reset_with(transaction, subject, NOW.at + 1)

    [standing] = await ledger.standings(ann(DAILY), at(NOW.at + 2))
    assert standing.used == 0


async def test_an_account_without_limits_is_never_refused_but_counted(
    db: Database, ledger: Ledger, entries: Entries
):
    async with db.write() as transaction:
        for subject in (ANN, Subject("role", "owner"), Subject("group", EVERY_GROUP)):
            await ledger.set_with(transaction, subject, Limit(0, "questions", "day"))
    owner = Account("test:ann", "owner", "test:-1", None, (Limit(0, "tokens", "day"),))

    assert await ledger.reserve(await entries.new(), owner, NOW, tokens=9) == []
    assert await ledger.used(None, 0) == Used(1, 9)


@pytest.mark.parametrize(
    ("end", "used"),
    [("answered", Used(1, 7)), ("stopped", Used(0, 0)), ("dead", Used(0, 0)), (None, Used(1, 50))],
)
async def test_a_crash_between_the_end_and_the_settling_is_made_good(
    db: Database, ledger: Ledger, entries: Entries, end: str | None, used: Used
):
    number = await entries.new()
    await ledger.reserve(number, ann(), NOW, tokens=50)
    entry = await Inbox(db).entry(number)
    assert entry is not None
    if end == "answered":
        said = Said("user", "?", (), 3), Said("assistant", "!", (), 4)
        await History(db).answered(entry, *said, ())
    elif end is not None:
        await Inbox(db).end(number, end)

    await ledger.recover()

    assert await ledger.used("test:ann", 0) == used


# Everything that can happen to many people's questions, in any order: said in chats and groups, or
# asked through the API.

PEOPLE = ("ann", "bob", "cid")
CALL = "call"
DOORS = (None, "g1", "g2", CALL)
CONFIGURED = (
    Limit(3, "questions", "day"),
    Limit(60, "tokens", "day"),
    Limit(5, "questions", "month"),
)
OF_GROUPS = (Limit(4, "questions", "day"), Limit(80, "tokens", "month"))


@dataclass
class Asked:
    """What the test knows of one question; `number` names it as an entry's does."""

    number: int
    person: str
    door: str | None  # None: in private; a group, or CALL
    at: float
    tokens: int
    questions: int = 1
    settled: bool = False

    @property
    def group(self) -> str | None:
        return None if self.door == CALL else self.door


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"),
            st.lists(
                st.tuples(st.sampled_from(PEOPLE), st.sampled_from(DOORS), st.integers(0, 40)),
                min_size=1,
                max_size=5,
            ),
        ),
        st.tuples(st.just("settle"), st.integers(0, 50), st.booleans(), st.floats(0, 1)),
        st.tuples(st.just("again"), st.integers(0, 50)),
        st.tuples(st.just("cover"), st.integers(0, 50), st.integers(0, 60)),
        st.tuples(st.just("crash")),
        st.tuples(st.just("later"), st.sampled_from([60.0, DAY_S / 2, DAY_S])),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for all examples: making one takes longer than an example."""
    folder = tmp_path_factory.mktemp("ledger")
    asyncio.run(_make(folder))
    return folder


async def _make(folder: Path) -> None:
    db = await Database.open(folder)
    entries = Entries(db)
    for _ in range(125):  # as many questions as there can be in an example
        await entries.new()
    await db.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order_nobody_uses_more_than_there_is(
    folder: Path, steps: list[tuple]
):
    asyncio.run(_play(folder, steps))


async def _play(folder: Path, steps: list[tuple]) -> None:
    db = await Database.join(folder)
    try:
        async with db.write() as transaction:
            await transaction.execute(text("DELETE FROM ledger"))
        await _steps(db, steps)
    finally:
        await db.close()


async def _steps(db: Database, steps: list[tuple]) -> None:
    ledger = Ledger(db)  # after a crash there is a new one; it knows what the database does
    now, numbers, asked = NOW.at, count(1), []
    for step in steps:
        match step:
            case ("ask", questions):
                new = [Asked(next(numbers), *one[:2], now, one[2]) for one in questions]
                asked += await _ask(ledger, new, asked, now)
            case ("settle", which, answered, share) if asked:
                one = asked[which % len(asked)]
                await _settle(ledger, one, questions=int(answered), tokens=int(share * one.tokens))
                if not one.settled:
                    one.settled, one.questions = True, int(answered)
                    one.tokens = int(share * one.tokens)
            case ("again", which) if asked:
                one = asked[which % len(asked)]
                assert one.door == CALL or await _reserve(ledger, one, now) == []
            case ("cover", which, tokens) if asked:
                one = asked[which % len(asked)]
                if one.door == CALL:
                    continue
                if not await ledger.cover(one.number, _account(one), at, tokens=tokens):
                    one.tokens = one.tokens if one.settled else max(one.tokens, tokens)
            case ("crash",):
                ledger = Ledger(db)
                broken_off = [one for one in asked if one.door == CALL and not one.settled]
                assert await ledger.recover_calls() == len(broken_off)
                for one in broken_off:
                    one.settled, one.questions, one.tokens = True, 0, 0
            case ("later", seconds):
                now += seconds
        await _check(ledger, asked, now)


async def _ask(ledger: Ledger, new: list[Asked], before: list[Asked], now: float) -> list[Asked]:
    """All at the same time; those that were accepted."""
    refused = await asyncio.gather(*(_reserve(ledger, one, now) for one in new))
    if len(new) == 1:  # then it is known exactly whether there was room
        assert bool(refused[0]) != _fits([*before, new[0]], now)
    return [one for one, short in zip(new, refused, strict=True) if not short]


async def _reserve(ledger: Ledger, one: Asked, now: float) -> list:
    if one.door == CALL:
        name = f"call {one.number}"
        return await ledger.reserve_call(name, _account(one), at(now), tokens=one.tokens)
    return await ledger.reserve(one.number, _account(one), at(now), tokens=one.tokens)


async def _settle(ledger: Ledger, one: Asked, *, questions: int, tokens: int) -> None:
    if one.door == CALL:
        await ledger.settle_call(f"call {one.number}", questions=questions, tokens=tokens)
    else:
        await ledger.settle(one.number, questions=questions, tokens=tokens)


def _account(one: Asked) -> Account:
    group = one.group and f"test:{one.group}"
    return Account(f"test:{one.person}", "guest", group, CONFIGURED, OF_GROUPS)


async def _check(ledger: Ledger, asked: list[Asked], now: float) -> None:
    """What stands in the ledger is what happened, and nobody is beyond a limit."""
    assert _fits(asked, now)
    for person in PEOPLE:
        own = [one for one in asked if one.person == person]
        sums = Used(sum(one.questions for one in own), sum(one.tokens for one in own))
        assert await ledger.used(f"test:{person}", 0) == sums


def _fits(asked: list[Asked], now: float) -> bool:
    sums: defaultdict[tuple[str | None, Limit], int] = defaultdict(int)
    for one in asked:
        limits = [(one.person, limit) for limit in CONFIGURED]
        limits += [(one.group, limit) for limit in OF_GROUPS if one.group]
        for whose, limit in limits:
            if one.at >= at(now).starts[limit.period]:
                sums[whose, limit] += one.questions if limit.unit == "questions" else one.tokens
    return all(used <= (limit.amount or 0) for (_, limit), used in sums.items())
