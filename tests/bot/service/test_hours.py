"""Office hours: how they are written, and the clock on the wall on every day of the year."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.service.hours import office_hours

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, DAY, WEEK = 60.0, 86_400.0, 7 * 86_400.0


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_an_opening_that_the_clock_leaves_out_is_looked_for_a_week_later():
    office = office_hours(["Sun 02:00-03:00"], "Europe/Berlin")  # not on the 29th of March

    then = office.next_open(at("2026-03-22T03:30", "Europe/Berlin"))

    assert then == at("2026-04-05T02:00", "Europe/Berlin")


@pytest.mark.parametrize(
    "line",
    [
        "Mon-Fri 09:00-18:00",
        "mon - fri 9:00 - 18:00",
        "Monday-Friday 09:00-18:00",
        "Mon,Tue,Wed,Thurs,Fri 09:00-18:00",
        "周一-周五 09:00-18:00",
        "周一至周五 09：00～18：00",
        "星期一到星期五 09:00-18:00",
        "礼拜一、礼拜二、周三、周四、周五 9:00-18:00",
        "周一-周五 09:00-12:00, 12:00-18:00",
        "周一-周五 9:00-12:00、12:00-18:00",
        "Ｍｏｎ－Ｆｒｉ　０９：００－１８：００",
    ],
)
def test_a_working_week_can_be_written_in_many_ways(line: str):
    office = office_hours([line], "Asia/Shanghai")

    assert not office.is_open(at("2026-11-20T08:59"))
    assert office.is_open(at("2026-11-20T09:00"))
    assert office.is_open(at("2026-11-20T17:59"))
    assert not office.is_open(at("2026-11-20T18:00"))
    assert not office.is_open(at("2026-11-21T12:00"))


@pytest.mark.parametrize("days", ["daily", "每天", "Sat-Fri", "周日-周六"])
def test_every_day_is_every_day(days: str):
    office = office_hours([f"{days} 10:00-11:00"], "UTC")

    for day in range(16, 23):
        assert office.is_open(at(f"2026-11-{day}T10:30", "UTC"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Mon-Fri",
        "09:00-18:00",
        "Mon-Fri 9-18",
        "Mon-Fri 09:00-25:00",
        "Mon-Fri 24:00-09:00",
        "Mon-Fri 09:60-18:00",
        "Mon-Fri 09:00-09:00",
        "Mo-Fr 09:00-18:00",
        "Mon-Fri 09:00-18:00 or so",
        "周八 09:00-18:00",
    ],
)
def test_what_is_no_office_hours_is_named_with_an_example(line: str):
    with pytest.raises(ValueError, match="Mon-Fri 09:00-18:00") as error:
        office_hours([line], "UTC")

    assert repr(line) in str(error.value)


@pytest.mark.parametrize("zone", ["", "Berlin", "../etc/passwd", "Europe", "Asia/Beijing"])
def test_an_unknown_time_zone_is_named_with_an_example(zone: str):
    with pytest.raises(ValueError, match="Asia/Shanghai"):
        office_hours([], zone)


def test_without_hours_somebody_is_always_there():
    office = office_hours([], "UTC")

    assert office.is_open(0.0)
    assert office.next_open(12.0) == 12.0


def test_a_night_belongs_to_the_day_on_which_it_begins():
    office = office_hours(["Sat 22:00-02:00"], "UTC")

    assert office.is_open(at("2026-11-21T23:00", "UTC"))
    assert office.is_open(at("2026-11-22T01:59", "UTC"))
    assert not office.is_open(at("2026-11-22T02:00", "UTC"))
    assert not office.is_open(at("2026-11-22T22:30", "UTC"))


def test_after_the_weekend_they_come_on_monday_morning():
    office = office_hours(["周一-周五 09:00-18:00"], "Asia/Shanghai")

    then = office.next_open(at("2026-11-20T18:00"))

    assert then == at("2026-11-23T09:00")
    assert office.wall(then).strftime("%a %H:%M") == "Mon 09:00"


def test_an_hour_that_the_clock_leaps_over_does_not_open_the_office():
    """On 2026-03-29 Berlin's clock goes from 02:00 to 03:00."""
    office = office_hours(["Sun 02:15-02:45"], "Europe/Berlin")

    assert office.next_open(at("2026-03-29T00:00", "Europe/Berlin")) == at(
        "2026-04-05T02:15", "Europe/Berlin"
    )


def test_an_office_that_would_have_opened_in_the_lost_hour_opens_when_the_clock_has_leapt():
    office = office_hours(["Sun 02:30-04:00"], "Europe/Berlin")

    then = office.next_open(at("2026-03-29T00:00", "Europe/Berlin"))

    assert datetime.fromtimestamp(then, UTC) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_opens_the_office_twice():
    """On 2026-10-25 Berlin's clock goes from 03:00 back to 02:00."""
    office = office_hours(["Sun 02:15-02:30"], "Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC).timestamp()

    assert office.next_open(first - 1) == first
    assert office.next_open(first + 15 * MINUTE) == first + 60 * MINUTE


def test_a_clock_put_back_into_the_hours_opens_the_office_again():
    office = office_hours(["Sun 01:30-02:30"], "Europe/Berlin")
    put_back = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp()

    assert not office.is_open(put_back - 1)
    assert office.next_open(put_back - 1) == put_back


times = st.integers(0, 24 * 4 - 1).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
days = st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Fri-Mon", "daily"])
spans = st.tuples(days, times, times).filter(lambda span: span[1] != span[2])
around_changes = st.sampled_from(
    [at("2026-03-29T01:00", "Europe/Berlin"), at("2026-10-25T01:00", "Europe/Berlin")]
)
moments = st.one_of(
    st.integers(1_700_000_000, 1_900_000_000).map(float),
    st.builds(lambda begin, minutes: begin + minutes * MINUTE, around_changes, st.integers(0, 300)),
)


@given(st.lists(spans, min_size=1, max_size=3), moments)
def test_the_next_opening_is_the_first_moment_at_which_somebody_is_there(
    week: list[tuple[str, str, str]], moment: float
):
    office = office_hours([f"{d} {begin}-{end}" for d, begin, end in week], "Europe/Berlin")

    then = office.next_open(moment)

    assert moment <= then <= moment + 2 * WEEK
    assert office.is_open(then)
    assert then == moment or not office.is_open(then - 1)
    between = int((then - moment) // (7 * MINUTE))
    step = max(1, between // 200)
    assert not any(
        office.is_open(moment + number * 7 * MINUTE) for number in range(0, between, step)
    )


@given(spans, moments)
def test_open_is_what_the_clock_on_the_wall_shows(span: tuple[str, str, str], moment: float):
    _, begin, end = span
    office = office_hours([f"daily {begin}-{end}"], "Europe/Berlin")
    shown = datetime.fromtimestamp(moment, BERLIN).strftime("%H:%M")

    inside = begin <= shown < end if begin < end else shown >= begin or shown < end
    assert office.is_open(moment) == inside
