"""The log on stderr: one line an event, as text or JSON; ids and sizes, never what people wrote.

Every line has its time, level, area and the id of the request it was written for. What stands in a
mapping given as the only argument becomes fields of the JSON line:

    log.info("a picture made ready in %(ms)d ms", {"ms": 12})
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

from pydantic import BaseModel

from bot.masking import Mask
from bot.storage.errors import Broken, NotNow
from inference.trace import current

log = logging.getLogger(__name__)

Level = Literal["debug", "info", "warning", "error"]
Area = Literal[
    "vision",  # photos made ready, with times and sizes
    "engine",  # the model: starts, token times
    "line",  # who waits
    "talk",  # from a message to its answer
    "telegram",
    "matrix",
    "web",  # the page
    "api",
    "storage",
    "admin",
    "program",  # start, stop, settings, libraries
]

# The longest name that fits counts; loggers of libraries belong to the program.
_AREAS: dict[str, Area] = {
    "inference": "engine",
    "inference.images": "vision",
    "handlers": "talk",
    "bot": "talk",
    "bot.line": "line",
    "bot.call": "line",
    "bot.arriving.admission": "line",
    "bot.platforms.telegram": "telegram",
    "bot.platforms.matrix": "matrix",
    "bot.platforms.web": "web",
    "bot.api": "api",
    "bot.storage": "storage",
    "bot.admin": "admin",
    "bot.console": "admin",
    "bot.app": "program",
    "bot.checkup": "program",
    "bot.config": "program",
    "bot.launch": "program",
    "bot.log": "program",
    "bot.watching": "program",
}
# Loggers of libraries whose warnings hold what people wrote. Below warnings no library is heard:
# what httpx, aiosqlite or aiohttp say there has tokens and messages in it.
_QUOTING = ("nio",)
_OWN_FIELDS = ("time", "level", "area", "request", "logger", "message", "error")
# What moves a terminal's cursor, ends a line or turns the order of letters round.
_CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class LogSection(BaseModel, extra="forbid", frozen=True):
    """`[log]`; `areas` has levels of single areas."""

    format: Literal["text", "json"] = "text"
    level: Level = "info"
    areas: dict[Area, Level] = {}

    def level_of(self, area: Area) -> int:
        return int(getattr(logging, self.areas.get(area, self.level).upper()))


def set_up(section: LogSection, secrets: Iterable[str] = ()) -> None:
    """Replaces all handlers of the root logger. `secrets` are masked wherever they appear."""
    handler = _Stderr()
    handler.setFormatter(_FORMATTERS[section.format](Mask(secrets)))
    libraries = max(logging.WARNING, section.level_of("program"))
    logging.basicConfig(level=libraries, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _QUOTING:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name, area in _AREAS.items():
        logging.getLogger(name).setLevel(section.level_of(area))
    # a traceback printed by Python itself would pass by the mask
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_of_thread
    sys.unraisablehook = _log_unraisable


class _Stderr(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Python's own would show the arguments as they are."""
        brief = {
            "name": record.name,
            "levelname": "ERROR",
            "msg": "a line of the log cannot be written: %s",
            "args": (type(sys.exc_info()[1]).__name__,),
        }
        with suppress(OSError, ValueError):  # nobody may be there to read it
            self.stream.write(self.format(logging.makeLogRecord(brief)) + self.terminator)


def area_of(logger: str) -> Area:
    """By the logger's name."""
    while logger:
        if logger in _AREAS:
            return _AREAS[logger]
        logger = logger.rpartition(".")[0]
    return "program"


def request_of(record: logging.LogRecord) -> str:
    """Empty: it was written for nobody in particular. Lines of the engine's process bring their
    own id with them."""
    return str(getattr(record, "request", current()))


class TextFormatter(logging.Formatter):
    """For people. Further lines of an event are indented, so that no text can pass for one."""

    def __init__(self, mask: Mask | None = None) -> None:
        super().__init__()
        self._mask = mask or Mask()

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        time = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
        head = f"{time} {record.levelname:<8} {area_of(record.name):<8} {request_of(record) or '-'}"
        text = "\n".join(filter(None, _told(self, record)))
        shown = _CONTROL.sub(_escaped, self._mask(f"{head}  {text}"))
        return shown.rstrip("\n").replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """For programs: one object a line."""

    def __init__(self, mask: Mask | None = None) -> None:
        super().__init__()
        self._mask = mask or Mask()

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        message, error = _told(self, record)
        fields: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "area": area_of(record.name),
            "request": request_of(record),
            "logger": record.name,
            "message": message,
        }
        if error:
            fields["error"] = error
        if isinstance(record.args, Mapping):
            fields |= {k: v for k, v in record.args.items() if k not in _OWN_FIELDS}
        masked = {name: self._shown(value) for name, value in fields.items()}
        return _CONTROL.sub(_escaped_in_json, json.dumps(masked, ensure_ascii=False))

    def _shown(self, value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # JSON has no word for it
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._mask(str(value))


_FORMATTERS: dict[str, type[TextFormatter] | type[JsonFormatter]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
}


def _told(formatter: logging.Formatter, record: logging.LogRecord) -> tuple[str, str]:
    """What happened; and the traceback and the stack, if it has any.

    None for what passes by itself: whatever works would fill the log while the database is away.
    """
    if known := _explained(record):
        message, words = record.getMessage(), " ".join(str(known).split())
        return (message if words in message else f"{message}: {words}"), ""
    return record.getMessage(), _error(formatter, record)


def _explained(record: logging.LogRecord) -> NotNow | Broken | None:
    """What passes by itself, and what ends the program: their words say all that is to be done."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None and not isinstance(error, NotNow | Broken):
        error = error.__cause__
    return error


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return "\n".join(filter(None, [record.exc_text, record.stack_info]))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _escaped_in_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("the program ends with an error", exc_info=(kind, error, trace))


def _log_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else "-"
        told = (args.exc_type, args.exc_value, args.exc_traceback)
        log.error("the thread %s ended with an error", name, exc_info=told)


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """Of what nobody can catch, as when an object is cleared away."""
    if args.exc_value is not None:
        told = (args.exc_type, args.exc_value, args.exc_traceback)
        log.error("an error was passed over", exc_info=told)
