"""The memory that windows follow: bounded, newest state only, honest about what it forgot."""

from __future__ import annotations

import asyncio

import pytest

from bot.platforms.web.errors import PageError
from bot.platforms.web.live import Live
from bot.platforms.web.wire import Message


def message(number, text=""):
    return Message(number, "bot", text, (), final=False, at=0.0)


def test_slow_reader_gets_the_newest_state_and_no_backlog():
    live = Live(0)
    start = live.revision

    live.publish("a", message(1, "other chat"))
    for count in range(10_000):
        live.publish("b", message(2, "x" * (count % 7)))
    live.publish("b", message(2, "done"))

    changes = live.changes("b", live.revision - 5_000)
    assert [(kept.id, kept.text) for _, kept in changes] == [(2, "done")]
    assert live.revision == start + 10_002


def test_reader_who_missed_more_than_is_remembered_takes_a_snapshot():
    live = Live(0)
    live.publish("a", message(0))
    seen = live.revision

    for number in range(1, 66):
        live.publish("a", message(number))

    assert live.changes("a", seen) is None
    assert len(live.changes("a", seen + 1)) == 64


def test_forgotten_chat_is_not_taken_for_an_unchanged_one():
    live = Live(0)
    live.publish("a", message(1))
    seen = live.revision

    for number in range(2000):
        live.publish(f"other {number}", message(number))

    assert live.changes("a", seen) is None


def test_chat_that_somebody_reads_is_not_forgotten():
    live = Live(0)
    with live.reader("a"):
        live.publish("a", message(1, "kept"))
        for number in range(2000):
            live.publish(f"other {number}", message(number))

        assert live.newest("a", 1).text == "kept"


async def test_waiting_ends_with_the_change_and_not_before():
    live = Live(0)
    waiting = asyncio.ensure_future(live.wait("a", live.revision, 60))
    await asyncio.sleep(0)
    live.publish("b", message(1))
    await asyncio.sleep(0)
    was_done = waiting.done()

    live.publish("a", message(2))
    await waiting

    assert not was_done


async def test_waiting_ends_by_itself_for_the_heartbeat():
    live = Live(0)

    await live.wait("a", live.revision, 0.01)

    assert live.changes("a", live.revision) == []


async def test_change_between_reading_and_waiting_is_not_slept_through():
    live = Live(0)
    seen = live.revision
    live.publish("a", message(1))

    await asyncio.wait_for(live.wait("a", seen, 60), timeout=5)

    assert [kept.id for _, kept in live.changes("a", seen)] == [1]


def test_readers_of_all_chats_together_are_bounded():
    live = Live(0)
    readers = [live.reader(f"chat {number}") for number in range(500)]
    for reader in readers:
        reader.__enter__()

    with pytest.raises(PageError), live.reader("one more"):
        pass

    readers[0].__exit__(None, None, None)
    with live.reader("one more"):
        pass
