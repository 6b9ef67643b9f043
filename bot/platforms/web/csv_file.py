"""The history as a CSV that spreadsheets open as it is, and in which no cell is a formula."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.platforms.web.wire import Language

CSV_HEADERS = {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": 'attachment; filename="visionbot.csv"',
    "Cache-Control": "no-store",
}

_MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
_HEADS = {
    "zh": ("时间（{zone}）", "问题", "照片数", "回答"),
    "en": ("time ({zone})", "question", "photos", "answer"),
}
_MACHINES = {"zh": "服务器的时区", "en": "the server's zone"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # some take the wide ones too


def zone_named(*names: str) -> ZoneInfo | None:
    """The first that IANA knows; None: the machine's own."""
    for name in names:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def render_head(language: Language, zone: ZoneInfo | None) -> bytes:
    time, *others = _HEADS[language]
    name = zone.key if zone else _MACHINES[language]
    return f"{_MARK}{_line((time.format(zone=name), *others))}".encode()


def render_row(at: float, question: str, photos: int, answer: str, zone: ZoneInfo | None) -> bytes:
    """The time as ISO 8601, with how far it is from UTC."""
    time = datetime.fromtimestamp(at, zone).astimezone(zone).isoformat(timespec="seconds")
    return _line((time, _inert(question), str(photos), _inert(answer))).encode()


def _inert(text: str) -> str:
    """With an apostrophe in front, spreadsheets take it for text; also where they would skip spaces
    or a line break to find the formula."""
    return f"'{text}" if text.lstrip(" \n\u3000").startswith(_FORMULA) else text


def _line(cells: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()
