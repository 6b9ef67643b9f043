"""What the machine tells of the program, and how late its loop is."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from bot.event import Conversation
from bot.storage.outbox import Letter
from bot.watching.cards import Cards
from bot.watching.counts import Counts
from bot.watching.lag import watch_loop
from bot.watching.vitals import Doctor, Vitals
from inference.service import Service
from tests.bot.flow import Flow
from tests.fakes import FakeDecoder, FakePlatform, cancelled, settle


class PolledPlatform(FakePlatform):
    silence_s: float | None = 7.0

    def silent_s(self) -> float | None:
        return self.silence_s


async def looked_at(flow: Flow) -> Vitals:
    await settle()
    service = Service(flow.engine, FakeDecoder())
    doctor = Doctor(
        flow.db,
        flow.inbox,
        flow.outbox,
        flow.line,
        service,
        flow.deliveries,
        flow.dispatcher.forgotten,
        cards=Cards(lambda: ()),
    )
    return await doctor.look()


async def test_open_files_and_tasks_are_those_of_this_process(flow: Flow) -> None:
    await flow.start()
    before = await looked_at(flow)

    ends = [end for _ in range(20) for end in os.pipe()]
    waiting = [asyncio.create_task(asyncio.sleep(60)) for _ in range(30)]
    after = await looked_at(flow)
    for end in ends:
        os.close(end)
    for task in waiting:
        await cancelled(task)

    assert 30 <= after.process.files - before.process.files <= 50
    assert 25 <= after.tasks - before.tasks <= 35
    assert after.process.most_files > after.process.files


async def test_the_memory_of_children_and_of_their_children_is_counted_apart(flow: Flow) -> None:
    await flow.start()
    before = await looked_at(flow)

    script = f"{sys.executable} -c 'import time; print(flush=True); time.sleep(60)' & wait"
    child = await asyncio.create_subprocess_exec(
        *("sh", "-c", script), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    await child.stdout.readline()
    after = await looked_at(flow)
    os.killpg(child.pid, 9)
    await child.communicate()

    assert after.process.children_bytes > before.process.children_bytes + 5e6
    assert after.process.memory_bytes > 10e6
    assert after.free_bytes > 0


async def test_only_platforms_that_are_polled_now_can_be_silent(flow: Flow) -> None:
    polled, told = PolledPlatform(name="polled"), PolledPlatform(name="told")
    told.silence_s = None
    flow.platforms += [polled, told]
    await flow.start()

    vitals = await looked_at(flow)

    assert vitals.silent_s == {"polled": 7.0}
    assert set(vitals.platforms) == {"test", "other", "polled", "told"}


async def test_calls_that_wait_for_their_turn_and_letters_to_be_sent_are_counted(
    flow: Flow,
) -> None:
    flow.platform.blocked["ann"] = asyncio.Event()
    await flow.start()
    to = Conversation("test", "ann")
    await flow.outbox.put([Letter(f"k{number}", to, "news") for number in range(2)])
    await flow.platform.until(lambda: flow.platform.under_way)
    await flow.say("hello")  # its first sign must wait for the letter that is under way
    while not (vitals := await looked_at(flow)).calls["test"]:
        pass
    flow.platform.blocked.pop("ann").set()

    assert vitals.letters == 2
    assert vitals.calls == {"test": 1, "other": 0}


async def test_a_write_makes_the_newest_commit_young(flow: Flow) -> None:
    await flow.start()
    flow.db.committed_at -= 500.0
    before = await looked_at(flow)

    await flow.say("hello")
    after = await looked_at(flow)

    assert before.committed_s >= 500.0
    assert after.committed_s < 500.0


async def test_the_loop_is_late_by_what_it_slept_too_long() -> None:
    counts, now = Counts(), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        if now > 2.0:
            raise asyncio.CancelledError
        now += seconds + 0.3

    with pytest.raises(asyncio.CancelledError):
        await watch_loop(counts, clock=lambda: now, sleep=sleep)

    assert counts.loop_lag_s.count == 6
    assert counts.loop_lag_s.sum == pytest.approx(6 * 0.3)
