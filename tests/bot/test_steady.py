"""Nobody is late because the clock was put forward."""

from __future__ import annotations

from bot.steady import SteadyClock

DAY, HOUR = 86_400.0, 3600.0


class Clock:
    def __init__(self) -> None:
        self.wall, self.tick = 1_000_000.0, 500.0
        self.steady = SteadyClock(clock=lambda: self.wall, ticks=lambda: self.tick)

    def after(self, seconds: float, *, leap: float = 0.0) -> float:
        self.tick += seconds
        self.wall += seconds + leap
        return self.steady()


def test_it_goes_as_the_wall_clock_goes():
    clock = Clock()

    assert clock.after(5.0) == clock.wall
    assert clock.after(HOUR) == clock.wall


def test_small_steps_are_followed():
    clock = Clock()

    assert clock.after(5.0, leap=30.0) == clock.wall
    assert clock.after(5.0, leap=-30.0) == clock.wall


def test_a_leap_forward_counts_after_an_hour():
    clock = Clock()

    assert clock.after(5.0, leap=DAY) == clock.wall - DAY
    assert clock.after(HOUR - 10) == clock.wall - DAY
    assert clock.after(20.0) == clock.wall


def test_a_leap_that_is_taken_back_never_counted():
    clock = Clock()
    clock.after(5.0, leap=DAY)

    assert clock.after(5.0, leap=-DAY) == clock.wall
    assert clock.after(5.0, leap=DAY) == clock.wall - DAY
    assert clock.after(HOUR - 10) == clock.wall - DAY


def test_a_leap_back_is_believed_at_once():
    clock = Clock()

    assert clock.after(5.0, leap=-DAY) == clock.wall
