"""New entries of many chats: in order, all of them, and nobody crowds out the others."""

from __future__ import annotations

from collections import defaultdict

import pytest

from bot.arriving.arrivals import Arrivals
from bot.storage.claims import Claims
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from tests.fakes import an_event
from tests.opened import new_in

OF_A_CHAT = 64


class Box(Inbox):
    """With its database at hand."""

    def __init__(self, db):
        super().__init__(db)
        self.db = db


@pytest.fixture
async def inbox(tmp_path):
    db = await Database.open(tmp_path)
    yield Box(db)
    await db.close()


def arriving(inbox):
    return Arrivals(inbox, Claims(inbox.db, platforms=lambda: ["test"]))


async def accept(inbox, chat, count, first=0):
    for number in range(first, first + count):
        await inbox.accept(an_event(f"{chat} {number}", "hi", chat=chat))


async def finish(inbox, arrivals, entry):
    await inbox.end(entry.id, "said")
    arrivals.done(entry)


def messages(entries, chat):
    return [e.event.message for e in entries if e.event.conversation.chat == chat]


async def all_there_is(inbox, arrivals):
    """What can be had without anything being done: all that comes before a last one."""
    last = f"last {len(await new_in(inbox, 10_000))}"
    await accept(inbox, last, 1)
    entries = []
    while True:
        for entry in await arrivals.next():
            if entry.event.conversation.chat == last:
                await finish(inbox, arrivals, entry)
                return entries
            entries.append(entry)


async def test_one_chat_does_not_crowd_out_the_others(inbox):
    await accept(inbox, "flood", 300)
    await accept(inbox, "ann", 2)
    arrivals = arriving(inbox)

    entries = await all_there_is(inbox, arrivals)

    assert messages(entries, "ann") == ["ann 0", "ann 1"]
    assert messages(entries, "flood") == [f"flood {number}" for number in range(OF_A_CHAT)]


async def test_all_entries_come_once_and_each_chat_keeps_its_order(inbox):
    await accept(inbox, "flood", 200)
    arrivals = arriving(inbox)
    seen = defaultdict(list)
    late = 200
    while sum(map(len, seen.values())) < 260:
        for entry in await arrivals.next():
            seen[entry.event.conversation.chat].append(entry)
            await finish(inbox, arrivals, entry)
        if late < 230:  # more of the same while it is behind
            await accept(inbox, "flood", 10, first=late)
            await accept(inbox, "ann", 10, first=late)
            late += 10

    assert messages(seen["flood"], "flood") == [f"flood {number}" for number in range(230)]
    assert messages(seen["ann"], "ann") == [f"ann {number}" for number in range(200, 230)]


async def test_threads_of_a_chat_count_together(inbox):
    for number in range(100):
        event = an_event(str(number), "hi", chat="forum", thread=str(number))
        await inbox.accept(event)

    assert len(await all_there_is(inbox, arriving(inbox))) == OF_A_CHAT


async def test_an_entry_that_is_done_twice_makes_no_room_for_two(inbox):
    await accept(inbox, "flood", 200)
    arrivals = arriving(inbox)
    entries = await all_there_is(inbox, arrivals)

    for entry in entries[:31]:
        await finish(inbox, arrivals, entry)
        arrivals.done(entry)
    assert await all_there_is(inbox, arrivals) == []
    await finish(inbox, arrivals, entries[31])

    assert len(await all_there_is(inbox, arrivals)) == 32
