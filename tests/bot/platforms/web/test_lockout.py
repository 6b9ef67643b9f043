"""Wrong access codes: a few are forgiven, more cost time, and guessing from everywhere does too."""

from __future__ import annotations

import pytest

from bot.platforms.web.lockout import Lockout
from tests.fakes import FakeTime


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def lockout(time):
    return Lockout(clock=time.clock)


def fail(lockout, address, times):
    for _ in range(times):
        lockout.failed(address)


def test_a_few_wrong_codes_cost_nothing(lockout):
    fail(lockout, "10.0.0.1", 4)

    assert lockout.wait_s("10.0.0.1") == 0


def test_waits_double_up_to_an_hour(lockout, time):
    waits = []
    for _ in range(14):
        lockout.failed("10.0.0.1")
        waits.append(lockout.wait_s("10.0.0.1"))
        time.now += waits[-1]

    assert waits[3:8] == [0, 30, 60, 120, 240]
    assert waits[-1] == 3600


def test_others_do_not_wait_for_one_who_guesses(lockout):
    fail(lockout, "10.0.0.1", 50)

    assert lockout.wait_s("10.0.0.2") == 0


def test_right_code_wipes_the_slate(lockout):
    fail(lockout, "10.0.0.1", 4)
    lockout.passed("10.0.0.1")
    fail(lockout, "10.0.0.1", 4)

    assert lockout.wait_s("10.0.0.1") == 0


def test_faults_are_forgotten_after_a_day(lockout, time):
    fail(lockout, "10.0.0.1", 4)
    time.now += 86_401
    lockout.failed("10.0.0.1")

    assert lockout.wait_s("10.0.0.1") == 0


def test_guessing_from_many_addresses_makes_all_wait(lockout, time):
    for number in range(100):
        lockout.failed(f"10.0.0.{number}")
        time.now += 1

    assert lockout.wait_s("10.9.9.9") == 500
    time.now += 500
    assert lockout.wait_s("10.9.9.9") == 0
