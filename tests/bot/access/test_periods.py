"""When days and months begin, also where clocks are moved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access.periods import Periods
from bot.access.quota import Period

ZONES = ["", "UTC", "Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe"]
MOMENTS = st.floats(0, 4e9)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", "2026-11-21 16:00", "2026-11-22 16:00"),
        ("month", "2026-10-31 16:00", "2026-11-30 16:00"),
    ],
)
def test_a_period_begins_and_ends_at_midnight_of_the_zone(period: Period, start: str, end: str):
    periods, now = Periods("Asia/Shanghai"), at("2026-11-21 20:30")

    assert (periods.start(period, now), periods.end(period, now)) == (at(start), at(end))


def test_a_day_on_which_clocks_are_moved_has_its_own_length():
    periods, now = Periods("Europe/Berlin"), at("2026-03-29 12:00")

    assert periods.end("day", now) - periods.start("day", now) == 23 * 3600


def test_december_is_followed_by_january():
    assert Periods("UTC").end("month", at("2026-12-31 23:59")) == at("2027-01-01 00:00")


def test_a_moment_is_written_in_the_zone():
    assert Periods("Asia/Shanghai").written(at("2026-11-21 16:00")) == "2026-11-22 00:00"


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Asia/Shanghai", "2026-11-22 00:00 UTC+8"),
        ("Asia/Kolkata", "2026-11-21 21:30 UTC+5:30"),
        ("America/St_Johns", "2026-11-21 12:30 UTC-3:30"),
        ("UTC", "2026-11-21 16:00 UTC"),
    ],
)
def test_a_moment_can_be_written_with_how_far_its_zone_is_from_utc(zone: str, written: str):
    assert Periods(zone).written(at("2026-11-21 16:00"), with_zone=True) == written


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "Asia"])
def test_an_unknown_zone_is_refused(name: str):
    with pytest.raises(ValueError, match="Asia/Shanghai"):
        Periods(name)


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["day", "month"]))
def test_every_moment_lies_in_its_period(now: float, zone: str, period: Period):
    periods = Periods(zone)

    assert periods.start(period, now) <= now < periods.end(period, now)


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["day", "month"]))
def test_a_period_begins_where_the_one_before_it_ended(now: float, zone: str, period: Period):
    periods = Periods(zone)
    end = periods.end(period, now)

    assert periods.start(period, end) == end
