"""The newest warnings and errors of the log, for the operator's page: bounded, secrets masked."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bot.log import Area, area_of, request_of
from bot.masking import Mask

_MOST = 200
_LONGEST = 500  # letters of one line


@dataclass(frozen=True, slots=True)
class Trouble:
    number: int  # of the newest one, if it came several times in a row
    at: float
    level: str
    area: Area
    request: str
    text: str
    times: int = 1

    def is_like(self, other: Trouble) -> bool:
        mine, its = (self.level, self.area, self.text), (other.level, other.area, other.text)
        return mine == its


class Recent(logging.Handler):
    """Keeps messages without their tracebacks, in which other people's libraries quote what they
    like; but with the name of the error."""

    def __init__(self, mask: Mask, *, most: int = _MOST) -> None:
        super().__init__(logging.WARNING)
        self._mask = mask
        self._number = 0
        self._kept: deque[Trouble] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            trouble = self._read(record)
        except Exception:  # a wrong log line is told on stderr, and nothing else fails of it
            self.handleError(record)
            return
        last = self._kept[-1] if self._kept else None
        if last is not None and last.is_like(trouble):
            self._kept[-1] = replace(trouble, times=last.times + 1)
        else:
            self._kept.append(trouble)

    def newest(self) -> list[Trouble]:
        """Newest first."""
        return list(reversed(self._kept))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """To everything that is logged meanwhile."""
        root = logging.getLogger()
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)

    def _read(self, record: logging.LogRecord) -> Trouble:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text} ({record.exc_info[0].__name__})"
        self._number += 1
        return Trouble(
            self._number,
            record.created,
            record.levelname,
            area_of(record.name),
            request_of(record),
            self._mask(text)[:_LONGEST],
        )
