"""By this clock things are thrown away, so it believes no leap at once."""

from __future__ import annotations

import pytest

from bot.storage.db import Database
from bot.storage.retention.clock import TrustedClock

pytestmark = pytest.mark.asyncio

HOUR_S, DAY_S = 3600.0, 86_400.0
BEGIN = 1_800_000_000.0


class Machine:
    """Its wall clock, and its ticks, which nobody can set."""

    def __init__(self, db: Database) -> None:
        self.db, self.wall, self.tick = db, BEGIN, 100.0
        self.restart()

    def restart(self) -> None:
        self.clock = TrustedClock(self.db, clock=lambda: self.wall, ticks=lambda: self.tick)

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.tick += seconds


@pytest.fixture
def machine(db: Database) -> Machine:
    return Machine(db)


async def test_clock_that_goes_on_is_believed(machine: Machine):
    await machine.clock.now()
    machine.go_on(10 * DAY_S)

    assert await machine.clock.now() == BEGIN + 10 * DAY_S


async def test_clock_put_forward_makes_nothing_older(machine: Machine):
    await machine.clock.now()
    machine.wall += DAY_S
    machine.go_on(60)

    assert await machine.clock.now() == BEGIN + 60
    assert machine.clock.doubts


async def test_clock_that_stays_put_forward_for_an_hour_is_believed(machine: Machine):
    await machine.clock.now()
    machine.wall += DAY_S
    await machine.clock.now()
    machine.go_on(HOUR_S - 1)
    assert await machine.clock.now() == BEGIN + HOUR_S - 1
    machine.go_on(1)

    assert await machine.clock.now() == BEGIN + DAY_S + HOUR_S
    assert not machine.clock.doubts


async def test_clock_that_is_set_right_again_is_as_if_nothing_had_been(machine: Machine):
    await machine.clock.now()
    machine.wall += DAY_S
    await machine.clock.now()
    machine.wall -= DAY_S
    machine.go_on(2 * HOUR_S)

    assert await machine.clock.now() == BEGIN + 2 * HOUR_S
    assert not machine.clock.doubts


async def test_clock_put_back_is_believed(machine: Machine):
    await machine.clock.now()
    machine.wall -= DAY_S

    assert await machine.clock.now() == BEGIN - DAY_S


async def test_leap_over_a_restart_is_doubted_too(machine: Machine):
    await machine.clock.now()
    machine.wall, machine.tick = machine.wall + 7 * DAY_S, 0.0
    machine.restart()

    assert await machine.clock.now() == BEGIN
    machine.go_on(HOUR_S)
    assert await machine.clock.now() == BEGIN + 7 * DAY_S + HOUR_S
