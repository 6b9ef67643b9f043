from __future__ import annotations

import asyncio

import pytest

from bot.pacing import Governor, Urgency
from bot.platforms.base import Limits, TooFast
from tests.fakes import FakeTime, settle

LIMITS = Limits(4096, "utf-16", edit_every_s=1.0, calls_per_s=10.0)


def FINAL():
    return Urgency.FINAL


class Caller:
    """Makes calls through a governor and notes when each was let through."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.governor = Governor(clock=self.time.clock, sleep=self.time.sleep)
        self.made: list[tuple[str, float]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def call(
        self,
        name,
        chat="ann",
        *,
        urgency=lambda: Urgency.PREVIEW,
        error=None,
        until=None,
        limits=LIMITS,
    ):
        async def one() -> None:
            async with self.governor.turn(chat, limits, urgency):
                self.made.append((name, round(self.time.now - 1000.0, 3)))
                if until is not None:
                    await until.wait()
                if error is not None:
                    raise error

        task = asyncio.create_task(one())
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        self.governor.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def caller():
    caller = Caller()
    yield caller
    await caller.close()


async def test_first_call_to_a_chat_goes_at_once(caller):
    caller.call("a")
    await settle()

    assert caller.made == [("a", 0.0)]


async def test_calls_to_one_chat_keep_its_pause(caller):
    for name in "abc":
        caller.call(name)
    await caller.time.advance(5)

    assert caller.made == [("a", 0.0), ("b", 1.0), ("c", 2.0)]


async def test_previews_of_all_chats_share_the_accounts_rate_evenly(caller):
    for number in range(4):
        caller.call(number, chat=str(number))
    await caller.time.advance(1)

    assert caller.made == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3)]


async def test_what_is_urgent_goes_at_once_while_the_account_has_room(caller):
    for number in range(25):
        caller.call(number, chat=str(number), urgency=FINAL)
    await caller.time.advance(5)

    assert [at for _, at in caller.made] == [0.0] * 10 + [1.0] * 10 + [2.0] * 5


async def test_no_second_sees_too_many_calls_whenever_they_reach_the_platform(caller):
    """A call reaches it at any moment between its begin and its end."""
    until = asyncio.Event()
    for number in range(30):
        caller.call(number, chat=str(number), urgency=FINAL, until=until if number < 4 else None)
    await caller.time.advance(3.5)
    until.set()  # the first four may have reached it only now
    await caller.time.advance(5)

    begun = [at for _, at in caller.made]
    assert begun == [0.0] * 10 + [1.0] * 6 + [2.0] * 6 + [3.0] * 6 + [4.0] * 2


async def test_too_fast_holds_its_chat_and_no_other(caller):
    task = caller.call("ann 1", error=TooFast(35))
    with pytest.raises(TooFast):
        await task
    caller.call("ann 2", urgency=FINAL)
    caller.call("bob", chat="bob")
    await caller.time.advance(34.9)
    assert [name for name, _ in caller.made] == ["ann 1", "bob"]

    await caller.time.advance(0.2)

    assert caller.made[-1] == ("ann 2", 35.0)


async def test_final_passes_the_previews_that_wait(caller):
    caller.call("first")
    await settle()
    caller.call("preview")
    caller.call("final", urgency=FINAL)
    await caller.time.advance(3)

    assert [name for name, _ in caller.made] == ["first", "final", "preview"]


async def test_finals_of_all_chats_pass_previews_when_the_account_is_busy(caller):
    caller.call("first", chat="0")
    await settle()
    for number in range(1, 4):
        caller.call(f"preview {number}", chat=str(number))
    caller.call("final", chat="9", urgency=FINAL)
    await caller.time.advance(1)

    assert [name for name, _ in caller.made][:2] == ["first", "final"]


async def test_first_words_pass_the_previews_of_other_chats_but_no_final(caller):
    slow = Limits(4096, "utf-16", calls_per_s=1.0)
    caller.call("busy", chat="0", limits=slow)
    await settle()
    for number in range(1, 4):
        caller.call(f"preview {number}", chat=str(number), limits=slow)
    caller.call("first words", chat="8", urgency=lambda: Urgency.FIRST, limits=slow)
    caller.call("final", chat="9", urgency=FINAL, limits=slow)
    await caller.time.advance(2)

    assert [name for name, _ in caller.made] == ["busy", "final", "first words"]


async def test_first_signs_go_one_by_one_so_that_few_are_lost_in_a_crash(caller):
    for number in range(3):
        caller.call(number, chat=str(number), urgency=lambda: Urgency.FIRST)
    await caller.time.advance(1)

    times = [at for _, at in caller.made]
    assert times == pytest.approx([0, 1 / LIMITS.calls_per_s, 2 / LIMITS.calls_per_s], abs=0.002)


async def test_finals_need_not_keep_such_a_distance(caller):
    for number in range(3):
        caller.call(number, chat=str(number), urgency=FINAL)
    await settle()

    assert [at for _, at in caller.made] == [0, 0, 0]


async def test_what_becomes_urgent_while_it_waits_goes_first(caller):
    urgency = Urgency.PREVIEW
    caller.call("busy", chat="0")
    await settle()
    caller.call("preview", chat="1")
    caller.call("changing", chat="2", urgency=lambda: urgency)
    await settle()
    urgency = Urgency.FINAL
    await caller.time.advance(1)

    assert [name for name, _ in caller.made] == ["busy", "changing", "preview"]


async def test_group_of_twenty_calls_a_minute_is_never_called_more_often(caller):
    group = Limits(4096, "utf-16", edit_every_s=3.0)
    for number in range(60):
        caller.call(number, chat="-100", limits=group)
    await caller.time.advance(200)

    times = [at for _, at in caller.made]
    assert len(times) == 60
    assert min(later - earlier for earlier, later in zip(times, times[20:], strict=False)) >= 60


async def test_a_chat_has_one_call_at_a_time_and_the_pause_counts_from_its_end(caller):
    until = asyncio.Event()
    caller.call("slow", until=until)
    caller.call("next")
    caller.call("bob", chat="bob")
    await caller.time.advance(7)
    assert [name for name, _ in caller.made] == ["slow", "bob"]

    until.set()
    await caller.time.advance(2)

    assert caller.made[-1] == ("next", 8.0)


async def test_cancelled_waiter_does_not_hold_up_the_next(caller):
    caller.call("first")
    await settle()
    waiting = caller.call("given up")
    caller.call("next")
    await settle()
    waiting.cancel()
    await caller.time.advance(1)

    assert caller.made == [("first", 0.0), ("next", 1.0)]


async def test_waiter_cancelled_at_the_moment_it_is_let_through_gives_its_turn_back(caller):
    first = caller.call("first")
    await first
    chosen = caller.call("chosen")
    await settle()
    caller.time.now += 1.0
    caller.governor._grant()
    chosen.cancel()
    await settle()
    caller.call("next")
    await caller.time.advance(2)

    assert [name for name, _ in caller.made] == ["first", "next"]


async def test_drain_waits_for_calls_under_way_and_lets_nobody_through(caller):
    until = asyncio.Event()
    caller.call("under way", until=until)
    await settle()
    drained = asyncio.create_task(caller.governor.drain())
    caller.call("too late", chat="bob")
    await caller.time.advance(10)
    assert not drained.done()

    until.set()
    await drained

    assert [name for name, _ in caller.made] == ["under way"]


async def test_chats_of_long_ago_are_forgotten(caller):
    fast = Limits(4096, "utf-16", edit_every_s=0.1, calls_per_s=1e6)
    for number in range(1300):
        await caller.call(number, chat=str(number), limits=fast)
        await caller.time.advance(0.001)

    assert len(caller.governor._not_before) < 1200
