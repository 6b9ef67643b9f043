"""When a day and a month begin and end in the time zone that the operator names. Pure."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.access.quota import Period


class Periods:
    def __init__(self, timezone: str = "") -> None:
        """Empty: the machine's own. Raises ValueError for a name that nobody knows."""
        self._zone = _zone(timezone)

    def start(self, period: Period, now: float) -> float:
        """Seconds since 1970 at which the running day or month began."""
        local = self.local(now)
        return self._midnight(local.year, local.month, local.day if period == "day" else 1)

    def end(self, period: Period, now: float) -> float:
        """When the next one begins."""
        local = self.local(now)
        if period == "month":
            return self._midnight(local.year + local.month // 12, local.month % 12 + 1, 1)
        after = local.date() + timedelta(days=1)
        return self._midnight(after.year, after.month, after.day)

    def local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self._zone).astimezone(self._zone)

    def moment(self, wall: datetime) -> float:
        """Seconds since 1970 when the clock on the wall there shows this."""
        return wall.replace(tzinfo=self._zone).timestamp()

    def written(self, at: float, *, with_zone: bool = False) -> str:
        """For people: "2026-11-22 00:00", or "2026-11-22 00:00 UTC+8"."""
        written = self.local(at).strftime("%Y-%m-%d %H:%M")
        return f"{written} {self.offset(at)}" if with_zone else written

    def offset(self, at: float) -> str:
        """ "UTC+8"."""
        seconds = round((self.local(at).utcoffset() or timedelta()).total_seconds())
        hours, minutes = divmod(abs(seconds) // 60, 60)
        sign = "-" if seconds < 0 else "+"
        return f"UTC{sign}{hours}{f':{minutes:02}' if minutes else ''}" if seconds else "UTC"

    def _midnight(self, year: int, month: int, day: int) -> float:
        if self._zone is None:
            return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))
        return datetime(year, month, day, tzinfo=self._zone).timestamp()


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "must be a time zone as IANA names them, such as 'Asia/Shanghai' or 'Europe/Berlin';"
            " leave it empty for that of this machine"
        ) from None
