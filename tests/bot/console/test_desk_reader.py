"""However many look, the database is read once in two seconds, and what grows less often."""

from __future__ import annotations

import asyncio

import pytest

from bot.console.desk import DeskReader
from bot.rules import Rules, RuleSet
from bot.storage.ledger import Used
from bot.storage.overview import View
from bot.storage.people import Crowd


class CountedStores:
    """The three stores that are read, in one."""

    def __init__(self):
        self.views = self.sums = 0

    async def view(self, *, most_tickets):
        self.views += 1
        await asyncio.sleep(0)
        return View(None, {}, (), self.views)

    async def crowd(self):
        self.sums += 1
        return Crowd(self.sums, 0, 0, 0, 0)

    async def used(self, person, since):
        return Used(0, 0)


@pytest.fixture
def stores():
    return CountedStores()


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def reader(stores, now):
    return DeskReader(stores, stores, stores, Rules(RuleSet()), clock=lambda: now[0])


async def test_everybody_who_looks_within_two_seconds_is_served_by_one_read(reader, stores, now):
    await asyncio.gather(*(reader.read() for _ in range(5)))
    now[0] += 1.9
    await reader.read()
    assert stores.views == 1

    now[0] += 0.2
    await reader.read()
    assert stores.views == 2


async def test_sums_are_made_every_half_minute(reader, stores, now):
    for _ in range(14):
        await reader.read()
        now[0] += 2.0
    assert (stores.views, stores.sums) == (14, 1)

    now[0] += 2.0
    assert (await reader.read()).crowd.people == 2


async def test_after_a_change_the_next_look_is_fresh(reader, stores):
    await reader.read()
    reader.forget()
    await reader.read()

    assert (stores.views, stores.sums) == (2, 2)


async def test_clock_that_is_set_back_does_not_stop_the_reading(reader, stores, now):
    await reader.read()
    now[0] -= 3600.0
    await reader.read()

    assert stores.views == 2
