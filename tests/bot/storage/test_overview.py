"""What the operator's page reads all day: pause, open tickets by age, letters that wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.event import Conversation
from bot.storage.outbox import Outbox
from bot.storage.overview import Overview
from bot.storage.ticket import Customer, Line, Step
from bot.storage.tickets import Tickets

STAFF = Conversation("telegram", "-100")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tickets(db, clock):
    return Tickets(db, Outbox(db), clock=clock)


async def called(tickets, chat, **fields):
    where = Conversation("telegram", chat)
    customer = Customer(where, chat, "Ann", "en", shared=False)

    def make(ticket, number, lines):
        return Step(replace(ticket, **fields), Line("customer", "help"))

    await tickets.call(f"event {chat}", customer, STAFF, make)


async def test_open_tickets_are_counted_and_who_waits_longest_comes_first(db, clock, tickets):
    await called(tickets, "1", state="waiting", unanswered_since=900.0)
    await called(tickets, "2", state="staff", unanswered_since=800.0)
    await called(tickets, "3", state="staff", unanswered_since=None)
    await called(tickets, "4", state="bot")
    await called(tickets, "5", state="closed")

    view = await Overview(db, clock=clock).view(most_tickets=8)

    assert view.tickets == {"waiting": 1, "staff": 2, "bot": 1}
    assert [(one.number, one.since) for one in view.oldest] == [(2, 800.0), (1, 900.0), (3, 1000.0)]


async def test_no_more_tickets_are_listed_than_are_asked_for(db, clock, tickets):
    for number in range(4):
        await called(tickets, str(number), state="waiting", unanswered_since=900.0 - number)

    view = await Overview(db, clock=clock).view(most_tickets=2)

    assert [one.number for one in view.oldest] == [4, 3]
    assert view.tickets == {"waiting": 4}


async def test_nothing_is_told_of_an_empty_database(db, clock):
    view = await Overview(db, clock=clock).view(most_tickets=8)

    assert (view.pause, view.tickets, view.oldest, view.letters) == (None, {}, (), 0)
