"""As time goes by staff are reminded, others told, tickets closed; once, also over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.event import Conversation
from bot.rules import Rules, RuleSet, ServiceSection
from bot.service.letters import TO_CUSTOMERS
from bot.service.reminders import Reminders
from bot.storage.db import Database
from bot.storage.outbox import Letter, Outbox
from bot.storage.ticket import Customer, Line, Step, Ticket
from bot.storage.tickets import Tickets
from bot.texts import say
from tests.fakes import FakeTime, cancelled

CHAT = Conversation("test", "ann")
STAFF = Conversation("other", "staff")
THREAD = Conversation("other", "staff", "t1")
SECTION = ServiceSection(
    staff_chat="other:staff", remind_after_s=600.0, escalate_after_s=3600.0, timezone="UTC"
)


class Clockwork:
    """A ticket of Ann that waits in its thread, and a clock."""

    def __init__(self, db: Database) -> None:
        self.time = FakeTime()
        self.letters = Outbox(db)
        self.rules = Rules(RuleSet(service=SECTION))
        self.tickets = Tickets(db, self.letters, clock=self.time.clock)
        self.reminders = Reminders(self.tickets, self.rules, "en", sleep=self.time.sleep)

    def set(self, **values: object) -> None:
        self.rules.change(service=SECTION.model_copy(update=values))

    async def open(self, **values: object) -> Ticket:
        customer = Customer(CHAT, "ann", "Ann", "en", shared=False)
        fields = {
            "state": "waiting",
            "unanswered_since": self.time.now,
            "desk": THREAD,
            "announce": False,
        }

        def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
            return Step(replace(ticket, **fields | values), Line("customer", "help", "Ann"))

        return (await self.tickets.call("e1", customer, STAFF, make)).ticket

    async def change(self, event: str, **values: object) -> None:
        def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
            return Step(replace(ticket, **values), Line("system", "x"))

        await self.tickets.step(event, 1, make)

    async def after(self, seconds: float) -> list[tuple[Conversation, str]]:
        """What is put when so much time has gone by, looked at twice."""
        self.time.now += seconds
        await self.reminders.look()
        await self.reminders.look()
        found = []
        for platform in ("test", "other"):
            waiting = await self.letters.waiting(platform, patient=False, without=(), limit=99)
            for pending in waiting:
                found.append((pending.letter.to, pending.letter.text))
                await self.letters.end(pending.id, "sent")
        return found


@pytest.fixture
async def c(tmp_path: Path) -> AsyncIterator[Clockwork]:
    db = await Database.open(tmp_path)
    yield Clockwork(db)
    await db.close()


def reminder(minutes: int) -> tuple[Conversation, str]:
    return THREAD, say("remind", "en", number=1, name="Ann", minutes=minutes)


async def test_staff_are_reminded_after_the_interval_and_then_ever_more_rarely(c: Clockwork):
    c.set(escalate_after_s=0.0)
    await c.open()

    assert await c.after(599) == []
    assert await c.after(1) == [reminder(10)]
    assert await c.after(599) == []
    assert await c.after(1) == [reminder(20)]
    assert await c.after(1199) == []
    assert await c.after(1) == [reminder(40)]


async def test_a_restart_does_not_remind_again(c: Clockwork):
    await c.open()
    assert await c.after(600) == [reminder(10)]

    c.reminders = Reminders(c.tickets, c.rules, "en", sleep=c.time.sleep)

    assert await c.after(0) == []


async def test_who_was_answered_is_not_spoken_of(c: Clockwork):
    await c.open()
    await c.change("e2", state="staff", unanswered_since=None)

    assert await c.after(10_000) == []


async def test_who_writes_again_waits_again(c: Clockwork):
    await c.open(state="staff", unanswered_since=None)
    c.time.now += 5000
    await c.change("e2", unanswered_since=c.time.now)

    assert await c.after(600) == [reminder(10)]


async def test_others_are_told_once(c: Clockwork):
    await c.open()
    c.set(remind_after_s=0.0, escalate_names=("@dora", "@emil"))
    told = say("escalate", "en", number=1, name="Ann", minutes=60) + " @dora @emil"

    assert await c.after(3599) == []
    assert await c.after(1) == [(STAFF, told)]
    assert await c.after(9999) == []


async def test_others_can_be_told_elsewhere(c: Clockwork):
    await c.open()
    c.set(remind_after_s=0.0, escalate_to="matrix:!boss:example.org")
    await c.after(3600)

    (pending,) = await c.letters.waiting("matrix", patient=False, without=(), limit=9)

    assert pending.letter.to == Conversation("matrix", "!boss:example.org")


async def test_nothing_is_said_of_it_where_both_are_off(c: Clockwork):
    await c.open()
    c.set(remind_after_s=0.0, escalate_after_s=0.0)

    assert await c.after(1_000_000) == []


async def test_the_time_begins_when_the_office_opens(c: Clockwork):
    c.set(hours=("daily 09:00-18:00",))
    c.time.now = datetime(2026, 11, 20, 23, 0, tzinfo=UTC).timestamp()
    await c.open()

    assert await c.after(9 * 3600) == []  # 08:00
    assert await c.after(3600) == []  # 09:00
    assert await c.after(600) == [reminder(610)]


async def test_nobody_is_reminded_while_the_office_is_closed(c: Clockwork):
    c.set(hours=("daily 09:00-18:00",))
    c.time.now = datetime(2026, 11, 20, 17, 55, tzinfo=UTC).timestamp()
    await c.open()

    assert await c.after(3600) == []  # 18:55
    assert len(await c.after(15 * 3600)) == 2  # 09:55: reminded, and others told


async def test_of_a_ticket_that_staff_were_not_shown_nobody_is_reminded(c: Clockwork):
    await c.open(announce=True, desk=None)

    assert await c.after(100_000) == []


@pytest.mark.parametrize("state", ["staff", "bot"])
async def test_a_ticket_in_which_nobody_writes_any_more_is_closed(c: Clockwork, state: str):
    await c.open(state=state, unanswered_since=None, taken_by="other:bob")
    c.set(close_after_s=86_400.0)
    assert await c.after(86_399) == []

    *to_customer, to_staff = await c.after(1)

    ticket = await c.tickets.ticket(1)
    assert (ticket.state, ticket.closed_at) == ("closed", c.time.now)
    assert to_staff == (THREAD, say("closed_idle", "en", number=1))
    asked = say("rate_ask", "en")
    ended = say("closed_for_you", "en", number=1)
    assert to_customer == ([(CHAT, f"{ended}\n{asked}")] if state == "staff" else [])
    assert await c.after(86_400) == []


async def test_who_still_waits_for_an_answer_is_not_sent_away(c: Clockwork):
    await c.open()

    await c.after(1_000_000)

    assert (await c.tickets.ticket(1)).state == "waiting"


async def test_tickets_stay_open_where_that_is_wanted(c: Clockwork):
    await c.open(state="staff", unanswered_since=None)
    c.set(close_after_s=0.0)

    assert await c.after(1_000_000) == []


async def test_a_lost_letter_is_told_once(c: Clockwork):
    await c.open()
    lost = Letter("ticket/1/1/customer/0", CHAT, "hello", batch=TO_CUSTOMERS)
    await c.letters.put([lost])
    (pending,) = await c.letters.waiting("test", patient=False, without=(), limit=1)
    await c.letters.end(pending.id, "failed")

    assert await c.after(0) == [(THREAD, say("customer_unreached", "en"))]
    assert await c.after(0) == []


async def test_it_looks_again_and_again_though_a_look_fails(c: Clockwork):
    looks = []

    class Failing(Reminders):
        async def look(self) -> None:
            looks.append(c.time.now)
            if len(looks) == 1:
                raise OSError("locked")

    task = asyncio.create_task(Failing(c.tickets, c.rules, "en", sleep=c.time.sleep).run())
    await c.time.sleeping()
    await c.time.advance(40.0)
    await cancelled(task)

    assert looks == [1000.0, 1015.0, 1030.0]
