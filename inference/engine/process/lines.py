"""The log of the engine's process on its way to its parent, by the process's standard error.

A record is one line of JSON behind a mark, and arrives in the parent's log as if it had been
written there. Whatever else comes, such as the stacks of a step that hangs, is passed on as text.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping

from inference.trace import current

log = logging.getLogger(__name__)

LONGEST_LINE = 1 << 18

_MARK = "\x1e"  # nothing else begins a line so


class RecordFormatter(logging.Formatter):
    """In the process."""

    def format(self, record: logging.LogRecord) -> str:
        error = self.formatException(record.exc_info) if record.exc_info else None
        fields = {
            "name": record.name,
            "level": record.levelno,
            "created": record.created,
            "request": current(),
            "message": record.getMessage(),
            "figures": record.args if isinstance(record.args, Mapping) else None,
            "error": error,
        }
        return _MARK + json.dumps(fields, default=str)


async def pass_on(lines: asyncio.StreamReader) -> None:
    """In the parent; until the process is gone."""
    while True:
        try:
            line = await lines.readline()
        except ValueError:  # longer than any of ours; what is left of it follows
            continue
        if not line:
            return
        text = line.decode("utf-8", "replace").rstrip()
        if (record := _record_of(text)) is not None:
            _handle(record)
        elif text:
            log.warning("%s", text.rpartition("\r")[2])  # of a progress bar its last state


def _record_of(text: str) -> logging.LogRecord | None:
    """None: it is none. Others may write in between, as a library in C does; if that ended us,
    nobody would read any more, and the process would stand still when the pipe is full."""
    if not text.startswith(_MARK):
        return None
    try:
        return parse_record(text)
    except (ValueError, LookupError, TypeError):
        return None


def parse_record(line: str) -> logging.LogRecord:
    """Of a marked line."""
    fields = json.loads(line.removeprefix(_MARK))
    figures = fields["figures"]
    record = logging.LogRecord(
        fields["name"],
        fields["level"],
        "",
        0,
        fields["message"].replace("%", "%%") if figures else fields["message"],
        (figures,) if figures else None,
        None,
    )
    record.created = fields["created"]
    record.exc_text = fields["error"]
    record.request = fields["request"]
    return record


def _handle(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
