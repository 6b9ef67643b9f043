"""What the engine's process writes arrives in the log of its parent."""

from __future__ import annotations

import asyncio
import logging

import pytest

from inference.engine.process.lines import LONGEST_LINE, RecordFormatter, parse_record, pass_on
from inference.trace import tracing


def a_record(message: str, *args: object, level: int = logging.WARNING, error=None):
    return logging.LogRecord(
        "inference.engine.loop", level, "", 0, message, args, error and (type(error), error, None)
    )


async def passed_on(*lines: bytes) -> None:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    reader.feed_data(b"".join(lines))
    reader.feed_eof()
    await pass_on(reader)


def written(record: logging.LogRecord) -> bytes:
    return RecordFormatter().format(record).encode() + b"\n"


async def test_a_record_arrives_as_it_was_written(caplog: pytest.LogCaptureFixture) -> None:
    with tracing("req_1"):
        line = written(a_record("request %d\nof %s", 3, "100 %", error=ValueError("why")))

    await passed_on(line)

    (record,) = caplog.records
    assert (record.name, record.levelname) == ("inference.engine.loop", "WARNING")
    assert record.getMessage() == "request 3\nof 100 %"
    assert record.request == "req_1"
    assert "ValueError: why" in record.exc_text


def test_figures_arrive_as_figures() -> None:
    record = parse_record(written(a_record("100 %% after %(ms)d ms", {"ms": 7})).decode())

    assert record.args == {"ms": 7}
    assert record.getMessage() == "100 % after 7 ms"


async def test_what_is_below_the_level_stays_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "inference")

    await passed_on(written(a_record("quiet", level=logging.DEBUG)))

    assert caplog.records == []


async def test_other_lines_are_passed_on_as_text(caplog: pytest.LogCaptureFixture) -> None:
    await passed_on(b"Fatal Python error: Aborted\n", b"\n", b"10 %\r90 %\xff\n", b"no end")

    assert [record.getMessage() for record in caplog.records] == [
        "Fatal Python error: Aborted",
        "90 %\ufffd",
        "no end",
    ]


async def test_a_line_without_an_end_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await passed_on(b"x" * (LONGEST_LINE + 10) + b"\n", b"the next\n")

    assert caplog.records[-1].getMessage() == "the next"


async def test_a_record_that_another_writer_has_broken_does_not_end_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = written(a_record("whole"))

    await passed_on(whole[:20] + b"CUDA error: no\n", b"\x1e{}\n", b"\x1e[]\n", whole)

    assert len(caplog.records) == 4
    assert caplog.records[-1].getMessage() == "whole"
