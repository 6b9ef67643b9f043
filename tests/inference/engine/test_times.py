from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import replace
from itertools import count

import pytest

from inference.engine.times import timed
from inference.errors import EngineDown
from inference.request import ChatRequest, Delta, Turn, Usage

REQUEST = ChatRequest((Turn("user", "secret words"),), id="entry-7")
END = Delta("c", finish="stop", usage=Usage(100, 11, 60))


async def deltas(*given: Delta | Exception):
    for one in given:
        if isinstance(one, Exception):
            raise one
        yield one


def ticking():
    """Each look at it is a second later."""
    return lambda ticks=count(): float(next(ticks))


async def test_first_token_and_end_are_told_with_their_times(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "inference")
    stream = timed(REQUEST, deltas(Delta("a"), Delta("b"), END), clock=ticking())

    assert [delta async for delta in stream] == [Delta("a"), Delta("b"), END]

    first, end = caplog.records
    assert first.getMessage() == "first token after 1000 ms"
    assert end.args == {
        "completion_tokens": 11,
        "prompt_tokens": 100,
        "cached_tokens": 60,
        "seconds": 2.0,
        "tokens_per_s": 10.0,
        "finish": "stop",
    }
    assert {record.request for record in caplog.records} == {"entry-7"}
    assert "secret" not in caplog.text


async def test_an_earlier_answer_is_told_as_such_and_has_no_speed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "inference")
    end = replace(END, cached=True)
    stream = timed(REQUEST, deltas(Delta("a", cached=True), end), clock=ticking())

    assert [delta async for delta in stream] == [Delta("a", cached=True), end]

    said = caplog.records[-1].getMessage()
    assert "from an earlier answer" in said
    assert "a second" not in said


async def test_an_answer_that_is_given_up_is_told_and_its_source_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "inference")
    source = deltas(Delta("a"), Delta("b"), END)
    async with aclosing(timed(REQUEST, source, clock=ticking())) as stream:
        await anext(stream)

    assert [delta async for delta in source] == []
    assert caplog.records[-1].getMessage() == "given up after 2.00 s"


async def test_a_fault_is_told_and_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inference")
    with pytest.raises(EngineDown):
        [delta async for delta in timed(REQUEST, deltas(EngineDown("the words")))]

    assert [record.getMessage() for record in caplog.records] == ["no answer: EngineDown"]


async def test_an_answer_of_one_token_has_no_speed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inference")
    one = Delta("a", finish="length", usage=Usage(5, 1))

    assert [delta async for delta in timed(REQUEST, deltas(one))] == [one]

    assert caplog.records[-1].args["tokens_per_s"] == 0.0
