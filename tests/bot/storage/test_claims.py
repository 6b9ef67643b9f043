"""Each open entry is in one hand, a chat's in one at a time, in order; nothing is left lying."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from bot.event import Conversation, Event, Person
from bot.storage.claims import Claims
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from bot.storage.replicas import Replicas
from bot.storage.tables import claims, inbox
from tests.bot.storage.ground import Ground, on_postgres
from tests.postgres import Cluster

MakeEvent = Callable[..., Event]
OF_A_CHAT = 3


def claims_of(db: Database, **more: object) -> Claims:
    return Claims(db, **({"platforms": lambda: ["test"]} | more))


async def take(some: Claims, room: dict[tuple[str, str], int] | None = None, most: int = 100):
    return await some.take(room or {}, usual=64, most=most)


@pytest.fixture
async def box(db: Database) -> Inbox:
    await Replicas(db).enlist("home")
    return Inbox(db)


async def test_what_was_taken_is_not_given_out_again(db, box, make_event: MakeEvent):
    for message in "ab":
        await box.accept(make_event(message))
    some = claims_of(db)

    first, second = await take(some), await take(some)

    assert [entry.event.message for entry in await box.these(first)] == ["a", "b"]
    assert second == []


async def test_a_restart_finds_all_that_has_no_end_at_once(db, box, make_event: MakeEvent):
    for message in "abc":
        await box.accept(make_event(message))
    asked, waits, ended = await take(claims_of(db))
    await box.wait(waits)
    await box.end(ended, "said")

    await _restarted(db)

    assert await take(claims_of(db)) == [asked, waits]


async def test_entries_of_a_platform_out_of_reach_are_left(db, box, make_event: MakeEvent):
    await box.accept(make_event("a"))
    reach: list[str] = []
    some = claims_of(db, platforms=lambda: reach)

    nothing = await take(some)
    reach.append("test")

    assert nothing == []
    assert len(await take(some)) == 1


async def test_of_a_full_chat_nothing_is_taken_and_others_are_not_held_up(
    db, box, make_event: MakeEvent
):
    for number in range(600):
        await box.accept(make_event(f"flood {number}", chat="flood"))
    await box.accept(make_event("ann", chat="ann"))
    some = claims_of(db)

    first = await take(some, {("test", "flood"): 2})
    second = await take(some, {("test", "flood"): 0})

    taken = [entry.event.message for entry in await box.these([*first, *second])]
    assert taken == ["flood 0", "flood 1", "ann"]


async def test_at_most_so_many_are_taken_the_oldest_first(db, box, make_event: MakeEvent):
    for number in range(5):
        await box.accept(make_event(str(number), chat=str(number)))

    assert len(await take(claims_of(db), most=2)) == 2
    assert (await take(claims_of(db)))[0] == 3


async def test_what_was_committed_though_it_failed_is_given_out_all_the_same(
    db, box, make_event: MakeEvent
):
    """The answer to the commit was lost."""
    await box.accept(make_event("a"))
    some, read, fails = claims_of(db), db.read, [False, True]

    def failing():
        if fails and fails.pop(0):
            raise ConnectionResetError
        return read()

    db.read = failing
    with pytest.raises(ConnectionResetError):
        await take(some)

    assert len(await take(some)) == 1


async def test_what_was_not_committed_after_all_is_taken_at_the_next_look(
    db, box, make_event: MakeEvent
):
    """Nobody rings a second time for what came before the disk was full."""
    await box.accept(make_event("a"))
    some, stroke, fails = claims_of(db), db.stroke, [True]

    @asynccontextmanager
    async def failing():
        async with stroke() as connection:
            yield connection
            if fails and fails.pop():
                raise ConnectionResetError

    db.stroke = failing
    with pytest.raises(ConnectionResetError):
        await take(some)

    assert len(await take(some)) == 1


@pytest.mark.parametrize("taken", [True, False], ids=["in its hand", "came to it"])
async def test_what_came_behind_an_entry_of_another_program_waits_for_it(
    db, box, make_event: MakeEvent, taken: bool
):
    for message in "abc":
        await box.accept(make_event(message))
    async with db.write() as connection:
        theirs = {"inbox_id": 2, "replica": db.replica + 1, "taken": taken}
        await connection.execute(claims.insert().values(**theirs))
    some = claims_of(db)

    before = await take(some)
    await box.end(2, "said")

    assert before == [1]
    assert await take(some) == [3]


@on_postgres
async def test_a_chat_is_left_to_whose_share_it_is_for_a_moment(db, box, make_event: MakeEvent):
    for number in range(20):
        await box.accept(make_event(str(number), chat=str(number)))
    now = [(await box.these([1]))[0].received_at]
    shared = claims_of(db, living=lambda: (db.replica, db.replica + 1), clock=lambda: now[0])

    own = await take(shared)
    now[0] += 10.0
    late = await take(shared)

    assert 3 <= len(own) <= 17
    assert sorted(own + late) == list(range(1, 21))


@on_postgres
async def test_a_chat_that_another_program_looks_at_is_passed_over(db, box, make_event: MakeEvent):
    for message, chat in (("1", "a"), ("2", "b"), ("3", "a")):
        await box.accept(make_event(message, chat=chat))
    some = claims_of(db)

    async with db.stroke() as other, asyncio.timeout(5):
        first = select(inbox.c.id).where(inbox.c.chat == "a").order_by(inbox.c.id).limit(1)
        await other.execute(first.with_for_update())
        meanwhile = await take(some)

    assert [entry.event.message for entry in await box.these(meanwhile)] == ["2"]
    assert [entry.event.message for entry in await box.these(await take(some))] == ["1", "3"]


@on_postgres
async def test_what_another_program_took_just_before_our_lock_is_left_to_it(
    db, box, ground: Ground, make_event: MakeEvent
):
    """Our first statement saw the time before."""
    for message in "ab":
        await box.accept(make_event(message))
    other, some, stroke = await ground.join(), claims_of(db), db.stroke
    theirs = {"inbox_id": 1, "replica": db.replica + 1, "taken": True}

    @asynccontextmanager
    async def overtaken():
        async with stroke() as connection:
            first = [True]

            async def execute(*statement):
                found = await connection.execute(*statement)
                if first and first.pop():
                    async with other.write() as before:
                        await before.execute(claims.insert().values(**theirs))
                return found

            yield SimpleNamespace(execute=execute)

    db.stroke = overtaken

    assert await take(some) == []
    async with db.read() as connection:
        assert [tuple(row) for row in await connection.execute(select(claims))] == [
            (1, db.replica + 1, True)
        ]
    await other.close()


async def _restarted(db: Database) -> None:
    """As by another program of the same home."""
    async with db.write() as connection:
        await connection.execute(delete(claims))


@dataclass(eq=False)
class Hand:
    """One of the programs."""

    db: Database
    claims: Claims
    held: list[int] = field(default_factory=list)


class Crowd:
    """Three programs on one server; whoever dies comes again under a new number."""

    def __init__(self, folder: Path, cluster: Cluster, name: str) -> None:
        self._folder, self._url = folder, cluster.url(name)
        self.hands: list[Hand] = []
        self._came_to: dict[int, Hand] = {}
        self._homes = 0
        self._said = 0
        self.now = 0.0

    async def fill(self) -> None:
        while len(self.hands) < 3:
            self._homes += 1
            home = f"home {self._homes}"
            db = await Database.open(self._folder / home, self._url)
            await Replicas(db).enlist(home)
            self.hands.append(Hand(db, self._claims(db)))

    async def close(self) -> None:
        for hand in self.hands:
            await hand.db.close()

    async def play(self, steps: Sequence[tuple[str, int, int]]) -> None:
        async with self.hands[0].db.write() as connection:
            await connection.execute(delete(claims))
            await connection.execute(delete(inbox))
        self._came_to.clear()
        for hand in self.hands:
            hand.held.clear()
        for what, who, number in steps:
            await getattr(self, what)(self.hands[who], number)
            await self.check()
        await self.finish()

    async def accept(self, hand: Hand, number: int) -> None:
        await self._accept(hand, number, here=False)

    async def accept_here(self, hand: Hand, number: int) -> None:
        await self._accept(hand, number, here=True)

    async def take_all(self, _hand: Hand, number: int) -> None:
        """At the same moment."""
        await asyncio.gather(*(self._take(one, number) for one in self.hands))

    async def end(self, hand: Hand, number: int) -> None:
        """Out of order, too: one may be done before the one before it."""
        if hand.held:
            entry = hand.held.pop(number % len(hand.held))
            await Inbox(hand.db).end(entry, "said")

    async def take_while_ending(self, hand: Hand, number: int) -> None:
        await asyncio.gather(
            self.end(hand, number), *(self._take(one, number) for one in self.hands)
        )

    async def die(self, hand: Hand, _number: int) -> None:
        other = next(one for one in self.hands if one is not hand)
        rows = await Replicas(other.db).beat()
        await Replicas(other.db).bury([one for one in rows if one.id == hand.db.replica])
        self.hands.remove(hand)
        await hand.db.close()
        await self.fill()

    async def check(self) -> None:
        held = [entry for hand in self.hands for entry in hand.held]
        assert len(held) == len(set(held)), "one entry in two hands"
        for hand in self.hands:
            whose = [self._came_to.get(entry, hand) for entry in hand.held]
            lives = [one for one in whose if one in self.hands]
            assert all(one is hand for one in lives), "what came to another one that lives"
        async with self.hands[0].db.read() as connection:
            statement = select(inbox.c.id, inbox.c.chat).where(inbox.c.state == "new")
            rows = (await connection.execute(statement.order_by(inbox.c.id))).all()
        for chat in {row.chat for row in rows}:
            open_ = [row.id for row in rows if row.chat == chat]
            taken = [entry for entry in open_ if entry in held]
            holders = [hand for hand in self.hands if set(taken) & set(hand.held)]
            assert taken == open_[: len(taken)], "a later entry before an earlier one"
            assert len(holders) <= 1, "one chat in two hands"

    async def finish(self) -> None:
        """All that is left is taken and done, in order."""
        self.now = 1e12
        for _ in range(100):
            for hand in self.hands:
                await self._take(hand, 0)
                await self.check()
                while hand.held:
                    await self.end(hand, 0)
            if not await Inbox(self.hands[0].db).unended(1):
                break
        self.now = 0.0
        assert await Inbox(self.hands[0].db).unended(10) == []

    async def _accept(self, hand: Hand, number: int, *, here: bool) -> None:
        self._said += 1
        chat = Conversation("test", str(number % 3))
        event = Event("bot", str(self._said), chat, Person("p"), "why?")
        await Inbox(hand.db, clock=lambda: 0.0).accept(event, here=here)
        if here:
            async with hand.db.read() as connection:
                newest = (await connection.execute(select(func.max(inbox.c.id)))).scalar_one()
            self._came_to[newest] = hand

    async def _take(self, hand: Hand, most: int) -> None:
        async with hand.db.read() as connection:
            statement = select(inbox.c.id, inbox.c.chat).where(inbox.c.id.in_(hand.held))
            chats = [row.chat for row in await connection.execute(statement)]
        room = {("test", chat): OF_A_CHAT - chats.count(chat) for chat in set(chats)}
        hand.held += await hand.claims.take(room, usual=OF_A_CHAT, most=most + 1)

    def _claims(self, db: Database) -> Claims:
        def living() -> list[int]:
            return sorted(one.db.replica for one in self.hands)

        return claims_of(db, living=living, clock=lambda: self.now)


def behind_one_that_came_to(who: int) -> list[tuple[str, int, int]]:
    """Somebody has the first of a chat; whoever has not must keep the second from the third."""
    first, second, third = ("accept", 0, 0), ("accept_here", who, 0), ("accept", 0, 0)
    return [first, ("take_all", 0, 5), second, third, ("take_all", 0, 5)]


STEPS = st.tuples(
    st.sampled_from(
        [
            *("accept", "accept", "accept", "accept_here", "take_all", "take_all"),
            *("end", "end", "take_while_ending", "die"),
        ]
    ),
    st.integers(0, 2),
    st.integers(0, 5),
)


@pytest.mark.row(48)
@pytest.mark.timeout(120)
def test_row_48_no_entry_is_in_two_hands_and_none_is_left_whoever_dies(
    postgres: Cluster, tmp_path: Path
):
    with asyncio.Runner() as runner:
        crowd = Crowd(tmp_path, postgres, runner.run(postgres.fresh()))
        runner.run(crowd.fill())

        @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(STEPS, max_size=25))
        @example(behind_one_that_came_to(0))
        @example(behind_one_that_came_to(1))
        def whatever_happens(steps: list[tuple[str, int, int]]) -> None:
            runner.run(crowd.play(steps))

        try:
            whatever_happens()
        finally:
            runner.run(crowd.close())
