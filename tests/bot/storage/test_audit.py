"""Orders leave a trace, and have their effect once."""

from __future__ import annotations

import pytest

from bot.event import Conversation, Event, Person
from bot.storage.audit import Act, Audit, Outcome, act_of
from bot.storage.db import Database, Transaction
from bot.storage.pauses import Pauses
from bot.storage.tellings import Tellings

ACT = Act("e1", "test:ann", "/pause")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit(db: Database, clock: Clock) -> Audit:
    return Audit(db, clock=clock)


def event(message: str, chat: str = "7") -> Event:
    return Event("bot", message, Conversation("test", chat), Person("ann"), "/pause")


async def test_the_same_act_is_carried_out_once_and_told_the_same(audit: Audit):
    done = []

    async def change(_: Transaction) -> Outcome:
        done.append(1)
        return Outcome(f"done {len(done)}", "test:bob")

    said = [await audit.once(ACT, change) for _ in range(2)]

    assert said == ["done 1", "done 1"]
    assert len(done) == 1


async def test_a_change_that_fails_leaves_neither_change_nor_trace(
    db: Database, audit: Audit, clock: Clock
):
    pauses = Pauses(db, clock=clock)

    async def change(transaction: Transaction) -> Outcome:
        await pauses.begin_with(transaction, None, "")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await audit.once(ACT, change)

    assert await pauses.now() is None
    assert await audit.newest(10) == []


async def test_the_trace_says_who_ordered_what_about_whom_and_what_came_of_it(audit: Audit):
    async def change(_: Transaction) -> Outcome:
        return Outcome("done", "test:bob")

    await audit.once(ACT, change)
    await audit.deny(Act("e2", "test:eve", "/role eve admin"))

    [newest, first] = await audit.newest(10)
    assert (first.actor, first.command, first.subject) == ("test:ann", "/pause", "test:bob")
    assert (newest.actor, newest.outcome) == ("test:eve", "denied")
    assert len(await audit.newest(1)) == 1


async def test_messages_of_other_chats_are_other_acts():
    assert act_of(event("1")) == act_of(event("1"))
    assert act_of(event("1")).event != act_of(event("1", chat="8")).event
    assert act_of(event("1")).actor == "test:ann"


async def test_what_was_told_is_told_again_to_the_same_event_alone(db: Database, clock: Clock):
    tellings = Tellings(db, clock=clock)

    async def is_due(message: str, about: str = "banned", to: str = "ann") -> bool:
        return await tellings.is_due(event(message), about, to=to, every_s=60.0)

    assert await is_due("1")
    assert await is_due("1")
    assert not await is_due("2")
    assert await is_due("2", about="paused")
    assert await is_due("2", to="bob")
    clock.now += 60
    assert await is_due("3")
    assert not await is_due("2")


async def test_a_pause_ends_by_itself_or_by_order(db: Database, clock: Clock):
    pauses = Pauses(db, clock=clock)
    async with db.write() as transaction:
        await pauses.begin_with(transaction, 60.0, "back soon")
    pause = await pauses.now()
    assert pause is not None
    assert (pause.until, pause.text) == (clock.now + 60, "back soon")

    clock.now += 60
    assert await pauses.now() is None

    async with db.write() as transaction:
        assert not await pauses.end_with(transaction)
        await pauses.begin_with(transaction, None, "")
        assert await pauses.end_with(transaction)
    assert await pauses.now() is None


async def test_numbers_of_people_in_a_command_are_not_written_down(db: Database):
    audit = Audit(db, mask=lambda text: text.replace("13800138000", "138****8000"))

    await audit.deny(Act("e2", "test:ann", "/ban test:bob calls from 13800138000"))

    (line,) = await audit.newest(1)
    assert line.command == "/ban test:bob calls from 138****8000"
