"""What is looked at every two seconds: the line, the engine, the times of the last minutes."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from bot.call import Call
from bot.console.lookout import COLUMNS, Lately, Lookout
from bot.console.memory import resident_bytes
from bot.line import Line, LineSection
from bot.watching.cards import Card, Cards
from bot.watching.counts import Counts, Histograms
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine, FakeTime, cancelled


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def line():
    return Line(LineSection(), workers=1)


@pytest.fixture
def lookout(line, time):
    service = Service(FakeEngine(), FakeDecoder())
    card = Card(0, "a card", 2**30, 2**29, busy=0.5)
    return Lookout(
        line,
        service,
        Counts(),
        doors=["web"],
        cards=Cards(lambda: (card,)),
        clock=time.clock,
        sleep=time.sleep,
    )


def newest(lookout):
    return dict(zip(COLUMNS, lookout.samples.after("", 0)[-1], strict=True))


async def test_half_an_hour_is_kept_and_no_more(lookout, time):
    for _ in range(1000):
        lookout.look()

    assert len(lookout.samples.after("", 0)) == 900


async def test_longest_wait_is_told_by_door(lookout, line, time):
    line.join(Call("api:1"))
    lookout.look()
    time.now += 30.0
    line.join(Call("api:2"))
    lookout.look()
    time.now += 5.0

    doors = {door.name: (door.waiting, door.longest_s) for door in lookout.doors()}

    assert doors == {"web": (0, None), "api": (2, 35.0)}


async def test_who_was_called_is_not_remembered(lookout, line, time):
    line.join(Call("api:1"))
    lookout.look()
    time.now += 30.0
    await line.take()
    line.join(Call("api:2"))
    lookout.look()

    assert [door.longest_s for door in lookout.doors()] == [None, 0.0]


async def test_question_that_is_over_before_the_next_sample_is_seen(lookout, line, time):
    running = asyncio.create_task(lookout.run())
    await time.sleeping()
    call = Call("api:1")
    line.join(call)
    await line.take()
    await time.advance(0.5)
    line.answered(call, took_s=0.5)
    line.done(call)
    await time.advance(1.5)
    during = newest(lookout)
    await time.advance(2.0)
    after = newest(lookout)
    await cancelled(running)

    assert (during["answering"], after["answering"]) == (1, 0)


async def test_cards_are_told_where_there_are_any(lookout, time):
    running = asyncio.create_task(lookout.run())
    await time.sleeping()
    await cancelled(running)

    assert newest(lookout)["card_busy"] == 0.5
    assert newest(lookout)["card_used_mb"] == 512


def test_only_the_last_minutes_count():
    of = Histograms((1.0, 10.0))
    lately = Lately(of)
    of.observe("web", 0.5)
    for _ in range(100):
        lately.look()
    of.observe("web", 5.0)
    lately.look()

    assert lately.over(30).buckets == [0, 1, 0]
    assert lately.over().buckets == [1, 1, 0]
    for _ in range(200):
        lately.look()
    assert lately.over().count == 0


def test_memory_is_that_of_this_program():
    assert 2**20 < resident_bytes() < 2**40
    assert resident_bytes(2**30) == 0


def test_memory_of_children_counts():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert resident_bytes() >= resident_bytes(child.pid) + 2**20
    finally:
        child.communicate(b"\n")
