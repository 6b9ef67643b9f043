"""When somebody is there: office hours in a week, in the clock of one place. Pure.

A line is days and times: "Mon-Fri 09:00-18:00", "周一-周五 09:00-12:00, 13:30-18:00",
"Sat 22:00-02:00" (into Sunday), "daily 8:00-20:00". The clock on the wall counts, also on the days
when it is put forward or back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY_MINUTES = 24 * 60
_EVERY_DAY = ("daily", "every day", "每天", "天天")
_CHINESE_DAYS = "一二三四五六日"
_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {
    name[:length]: number
    for number, name in enumerate(_ENGLISH_DAYS)
    for length in range(3, len(name) + 1)
}
_DAYS |= {
    prefix + name: number
    for prefix in ("周", "星期", "礼拜")
    for number, name in enumerate(_CHINESE_DAYS)
}
_DAYS |= {"周天": 6, "星期天": 6, "礼拜天": 6}
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_LONGEST_CLOSED = timedelta(days=15)  # an hour that a clock put forward leaves out takes two weeks


@dataclass(frozen=True, slots=True)
class _Span:
    """Minutes of a day of the week; `end` may lie in the next day."""

    day: int  # Monday is 0
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Made by `office_hours`; without spans somebody is always there."""

    zone: ZoneInfo
    spans: tuple[_Span, ...] = ()

    def is_open(self, at: float) -> bool:
        """`at`: seconds since 1970."""
        if not self.spans:
            return True
        wall = datetime.fromtimestamp(at, self.zone)
        minute = wall.hour * 60 + wall.minute
        return any(
            span.begin <= minute + days * _DAY_MINUTES < span.end
            for span in self.spans
            for days in (0, 1)  # begun today, or yesterday
            if (wall.weekday() - days) % 7 == span.day
        )

    def next_open(self, at: float) -> float:
        """The first moment from `at` on at which somebody is there."""
        if self.is_open(at):
            return at
        moments = sorted(moment for moment in self._changes(at) if moment > at)
        return next(moment for moment in moments if self.is_open(moment))

    def wall(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self.zone)

    def _changes(self, at: float) -> Iterator[float]:
        """All moments of the next week at which it may open: where a span begins, in both of the
        hours that a clock put back shows twice, and where a clock is put forward or back."""
        today = self.wall(at).date()
        for number in range(-1, _LONGEST_CLOSED.days + 1):
            day = today + timedelta(days=number)
            for span in self.spans:
                if span.day == day.weekday():
                    yield from self._moments(day, span.begin)
            yield from self._shifts(day)

    def _moments(self, day: date, minute: int) -> Iterator[float]:
        wall = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        yield wall.timestamp()
        yield wall.replace(fold=1).timestamp()

    def _shifts(self, day: date) -> Iterator[float]:
        """When the clock is put forward or back on this day, to the second."""
        begin = int(datetime.combine(day, time(), self.zone).timestamp())
        end = int(datetime.combine(day + timedelta(days=1), time(), self.zone).timestamp())
        if self._offset(begin) == self._offset(end):
            return
        while end - begin > 1:
            middle = (begin + end) // 2
            if self._offset(middle) == self._offset(begin):
                begin = middle
            else:
                end = middle
        yield float(end)

    def _offset(self, at: float) -> timedelta | None:
        return datetime.fromtimestamp(at, self.zone).utcoffset()


def office_hours(lines: Sequence[str], zone: str) -> OfficeHours:
    """Raises ValueError, which says what is wrong and what it should look like."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        raise ValueError(
            f'no time zone is called {zone!r}; write one such as "Asia/Shanghai" or "UTC"'
        ) from None
    return OfficeHours(place, tuple(span for line in lines for span in _spans(line)))


def _spans(line: str) -> Iterator[_Span]:
    plain = re.sub("[至到~–—]", "-", unicodedata.normalize("NFKC", line)).casefold()
    found = list(_TIMES.finditer(plain))
    if not found or _TIMES.sub("", plain[found[0].start() :]).strip(" ,;、和及"):
        raise _wrong(line)
    days = sorted(set(_days(plain[: found[0].start()], line)))
    for match in found:
        begin_hour, begin_minute, end_hour, end_minute = map(int, match.groups())
        begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
        minutes = max(begin_minute, end_minute)
        if minutes > 59 or begin >= _DAY_MINUTES or end > _DAY_MINUTES or begin == end:
            raise _wrong(line)
        for day in days:
            yield _Span(day, begin, end if end > begin else end + _DAY_MINUTES)


def _days(words: str, line: str) -> Iterator[int]:
    words = words.strip(" :")
    if words in _EVERY_DAY:
        yield from range(7)
        return
    for part in re.split(r"\s*[,、]\s*", words):
        first, dash, last = (side.strip() for side in part.partition("-"))
        begin = _day(first, line)
        end = _day(last, line) if dash else begin
        yield from ((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _day(word: str, line: str) -> int:
    if word not in _DAYS:
        raise _wrong(line)
    return _DAYS[word]


def _wrong(line: str) -> ValueError:
    return ValueError(
        f'{line!r} is no office hours; write days and times such as "Mon-Fri 09:00-18:00" or '
        '"周一-周五 09:00-12:00, 13:30-18:00"'
    )
