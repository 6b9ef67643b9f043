"""One log format on stderr, with every secret masked; ids and sizes, never what people wrote."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Literal

from pydantic import BaseModel

log = logging.getLogger(__name__)

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MASK = "***"
# A bot token as such, and whatever stands where a token stands in an address of the Bot API.
_TOKENS = re.compile(r"\b\d{3,}(?::|%3A)[A-Za-z0-9_-]{30,}|(?<=/bot)\d+(?::|%3A)[^/\s\"']+")
_SHORTEST_SECRET = 6  # masking a shorter one would make the log unreadable
_TALKATIVE = (
    "PIL",
    "aiohttp.access",
    "aiosqlite",  # writes what it stores, and so what people say
    "alembic",
    "asyncio",
    "httpcore",
    "httpx",  # writes addresses with the token in them
    "markdown_it",
    "peewee",  # writes what it stores, which are keys of encrypted rooms
    "telegram",
)
_QUOTING = ("nio",)  # whose warnings hold what people wrote


class LogSection(BaseModel, extra="forbid", frozen=True):
    level: Literal["debug", "info", "warning", "error"] = "info"


def set_up(section: LogSection, secrets: Iterable[str] = ()) -> None:
    """Replaces all handlers of the root logger. `secrets` are masked wherever they appear."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(secrets))
    logging.basicConfig(level=section.level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _QUOTING:
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.excepthook = _log_uncaught


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, so that arguments, tracebacks and stacks are covered alike."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(_FORMAT)
        long_enough = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # longest first: one secret may begin with another
        given = "|".join(re.escape(s) for s in sorted(long_enough, key=len, reverse=True))
        self._given = re.compile(given) if given else None

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if self._given is not None:
            line = self._given.sub(_MASK, line)
        return _TOKENS.sub(_MASK, line)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """A traceback printed by Python itself would pass by the mask."""
    log.critical("the program ends with an error", exc_info=(kind, error, trace))
