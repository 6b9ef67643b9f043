"""How often one may come: exact within any minute, bounded in memory, forgiving after a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.api.rates import LockOuts, Rates


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    limit=st.integers(1, 5),
    pauses=st.lists(st.floats(0, 40, allow_nan=False), max_size=40),
)
def test_in_no_minute_are_there_more_than_the_limit_and_waiting_as_told_helps(
    limit: int, pauses: list[float]
) -> None:
    clock, taken = Clock(), []
    rates = Rates(clock)
    for pause in pauses:
        clock.now += pause
        rate = rates.count("k_1", limit)
        if rate.fits:
            taken.append(clock.now)
        else:
            assert 0 < rate.free_in_s <= 60
            clock.now += rate.free_in_s + 1e-6
            assert rates.count("k_1", limit).fits
            taken.append(clock.now)

    for moment in taken:
        assert sum(moment - 60 < one <= moment for one in taken) <= limit


def test_each_has_its_own_minute() -> None:
    rates = Rates(Clock())

    fits = [rates.count(name, 1).fits for name in ("a", "a", "b")]

    assert fits == [True, False, True]


def test_what_is_left_is_told_with_each_request() -> None:
    rates = Rates(Clock())

    left = [(rate.left, rate.fits) for rate in (rates.count("a", 2) for _ in range(3))]

    assert left == [(1, True), (0, True), (0, False)]


def test_a_lock_lasts_longer_each_time_and_never_more_than_five_minutes() -> None:
    clock = Clock()
    locks = LockOuts(clock)
    waits = []
    for _ in range(25):
        locks.failed("1.2.3.4")
        waits.append(locks.left_s("1.2.3.4"))
        clock.now += waits[-1]

    assert waits[:9] == [0] * 9
    assert waits[9:14] == [1, 2, 4, 8, 16]
    assert max(waits) == waits[-1] == 300


def test_a_right_key_and_a_quarter_of_an_hour_are_a_new_start() -> None:
    clock = Clock()
    locks = LockOuts(clock)
    for _ in range(12):
        locks.failed("right")
        locks.failed("later")

    locks.succeeded("right")
    clock.now += 901
    locks.failed("later")

    assert (locks.left_s("right"), locks.left_s("later")) == (0, 0)


def test_who_comes_from_very_many_addresses_fills_no_memory() -> None:
    locks, rates = LockOuts(Clock()), Rates(Clock())
    for number in range(10_050):
        locks.failed(str(number))
        rates.count(str(number), 1)

    assert len(locks) == len(rates) == 10_000
