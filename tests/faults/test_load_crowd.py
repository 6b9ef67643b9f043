"""Rows 1, 4 and 5 of the fault matrix in a short form; `python -m bench.load` and `python -m
bench.soak` are the long ones, with the figures. Other programs may run beside: the bounds on time
are wider here than there."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bench.crowd import ask_api
from bench.load import crowded, fill, rush, started
from tests.e2e.program import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LONG_S = 30.0


@pytest.mark.row(1)
async def test_row_01_a_crowd_before_a_full_line_is_told_before_any_answer_ends() -> None:
    async with started() as house:
        house.model.pause_s = 0.05  # so that it is over sooner
        met = await rush(house, 200, 2.0, "crowd", 30, held=True)

        said = [
            one.text for person in house.emulator.people for one in house.emulator.said(person.chat)
        ]

    assert met.lost == 0
    assert sum(one.end == "refused" for one in met.seen) > 150
    assert sum("Please send yours again in about" in text for text in said) > 150
    assert max(met.times("decided_after")) < LONG_S
    assert met.lag.quantile(0.99) <= 1.0
    assert met.memory.peak - met.memory.before < 50


@pytest.mark.row(1)
async def test_row_01_programs_before_a_full_line_get_429_and_when_to_come_again() -> None:
    async with started() as house:
        house.model.pause_s = 0.05
        filled = await fill(house, "before the API")

        told = await ask_api(house.program.url, 100, 0.5)
        house.model.gate.set()
        for crowd in filled:
            await crowd.until_answered()

    assert {(one.status, one.is_bare) for one in told} == {(429, False)}
    assert max(one.took_s for one in told) < LONG_S


@pytest.mark.row(4)
async def test_row_04_streams_beyond_all_room_are_refused_and_the_bots_live() -> None:
    async with started(files=512, API__MAX_AT_ONCE=32) as house:
        met = await crowded(house, 2000)

    assert [one for one in met.received if not one.is_polite] == []
    assert {200, 503} <= {one.status for one in met.received}
    assert met.most_files < 512
    assert met.exhausted == 0
    assert met.answers


@pytest.mark.row(5)
async def test_row_05_nothing_grows_while_it_is_asked_without_a_pause(tmp_path: Path) -> None:
    """In half a minute no slope of the memory can be seen; tasks and files can."""
    command = ("-m", "bench.soak", "--quick", "--minutes", "0.4", "--out", str(tmp_path))
    soak = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)

    assert await soak.wait() == 0

    found = json.loads((tmp_path / "soak.json").read_text("utf-8"))
    assert found["counts"]["answers"] > 50
    assert found["command"].endswith(" ".join(command[2:]))
