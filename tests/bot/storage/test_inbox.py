"""Accepted once, in order, to one end, whatever happens to the program."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.errors import NoRoom
from bot.storage.event_json import dump_event
from bot.storage.inbox import Backlog, Entry, Inbox, Opened
from bot.storage.tables import inbox as rows
from tests.bot.storage.ground import Ground
from tests.opened import new_in, waiting_in

MakeEvent = Callable[..., Event]
ACCEPT_FOR_EVER = """
import asyncio, itertools, sys
from pathlib import Path
from pydantic import SecretStr
from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.inbox import Inbox
async def main():
    inbox = Inbox(await Database.open(Path(sys.argv[1]), SecretStr(sys.argv[2])))
    for number in itertools.count():
        event = Event("bot", str(number), Conversation("test", "7"), Person("p"), "text")
        await inbox.accept(event)
        print(number, flush=True)
asyncio.run(main())
"""


@pytest.fixture
def inbox(db: Database) -> Inbox:
    return Inbox(db, clock=lambda: 1000.0)


async def state_of(db: Database, entry: Entry) -> tuple[str, float | None]:
    found = select(rows.c.state, rows.c.ended_at).where(rows.c.id == entry.id)
    async with db.read() as connection:
        return tuple((await connection.execute(found)).one())


async def test_an_event_is_accepted_once(inbox: Inbox, make_event: MakeEvent):
    assert await inbox.accept(make_event("1")) is True
    assert await inbox.accept(make_event("1", text="edited")) is False

    assert [entry.event.text for entry in await new_in(inbox, 10)] == ["what is it?"]


async def come_while_it_writes(db: Database, inbox: Inbox, events: list[Event]) -> list[object]:
    """What each of them was told, or its error."""
    async with db.write():
        coming = [asyncio.create_task(inbox.accept(event)) for event in events]
        await asyncio.sleep(0.05)
    return await asyncio.gather(*coming, return_exceptions=True)


async def test_what_comes_while_it_writes_is_committed_together_and_in_order(
    db: Database, inbox: Inbox, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
):
    writes, write = [0], db.write

    def counted() -> object:
        writes[0] += 1
        return write()

    monkeypatch.setattr(db, "write", counted)
    events = [make_event(str(number)) for number in range(250)]

    told = await come_while_it_writes(db, inbox, [*events, events[7]])

    assert told == [True] * 250 + [False]
    assert [entry.event.message for entry in await new_in(inbox)] == [e.message for e in events]
    assert writes[0] < 6


async def test_what_is_wrong_with_one_event_stops_no_other(
    db: Database, inbox: Inbox, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
):
    def dumped(event: Event) -> str:
        if event.message == "3":
            raise ValueError("nobody can write this down")
        return dump_event(event)

    monkeypatch.setattr("bot.storage.inbox.dump_event", dumped)

    told = await come_while_it_writes(db, inbox, [make_event(str(n)) for n in range(6)])

    assert isinstance(told.pop(3), ValueError)
    assert told == [True] * 5
    assert [entry.event.message for entry in await new_in(inbox)] == ["0", "1", "2", "4", "5"]


async def test_while_the_database_is_full_all_that_came_together_are_told_so(
    db: Database, inbox: Inbox, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
):
    async def full(*_: object) -> bool:
        raise NoRoom(db.data_dir)

    events = [make_event(str(number)) for number in range(4)]
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_add", full)
        told = await come_while_it_writes(db, inbox, events)
    assert {type(one) for one in told} == {NoRoom}

    assert [await inbox.accept(event) for event in events] == [True] * 4


@pytest.mark.parametrize("which", [0, 1])
async def test_whoever_gives_up_waiting_takes_no_other_along(
    db: Database, inbox: Inbox, make_event: MakeEvent, which: int
):
    """The first of those that wait writes for all of them."""
    async with db.write():
        coming = [asyncio.create_task(inbox.accept(make_event(str(n)))) for n in range(3)]
        await asyncio.sleep(0.05)
        coming[which].cancel()
        await asyncio.wait([coming[which]])

    others = [one for number, one in enumerate(coming) if number != which]
    assert await asyncio.gather(*others) == [True, True]
    assert await inbox.accept(make_event(str(which))) is True


async def test_a_repetition_is_known_even_after_the_end(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event("1"))
    (entry,) = await new_in(inbox, 10)
    await inbox.end(entry.id, "said")

    assert await inbox.accept(make_event("1")) is False
    assert await new_in(inbox, 10) == []


async def test_the_same_message_id_in_another_chat_or_bot_is_another_event(
    inbox: Inbox, make_event: MakeEvent
):
    event = make_event("1")
    others = [
        replace(event, bot="second"),
        replace(event, conversation=Conversation("test", "8")),
        replace(event, conversation=Conversation("else", "7")),
    ]

    assert [await inbox.accept(e) for e in (event, *others)] == [True] * 4


async def test_new_events_come_in_the_order_of_acceptance(inbox: Inbox, make_event: MakeEvent):
    for message in ("9", "10", "2"):
        await inbox.accept(make_event(message))

    assert [e.event.message for e in await new_in(inbox, 2)] == ["9", "10"]
    assert [e.event.message for e in await new_in(inbox, 9)] == ["9", "10", "2"]


async def test_an_event_is_read_back_whole(inbox: Inbox):
    event = Event(
        "bot",
        "1",
        Conversation("test", "7", "thread"),
        Person("p", "zh"),
        "几只猫？",
        (Attachment("ref", "image/jpeg", 9),),
        album="a",
    )

    await inbox.accept(event)

    assert [e.event for e in await new_in(inbox, 1)] == [event]


async def test_unsound_text_is_accepted_and_recognised_again(inbox: Inbox, make_event: MakeEvent):
    event = make_event("\ud800", chat="\0", text="\udfff")

    assert await inbox.accept(event) is True
    assert await inbox.accept(event) is False


async def test_the_states_lead_from_new_to_waiting_to_an_end(
    db: Database, inbox: Inbox, make_event: MakeEvent
):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    assert await waiting_in(inbox) == []

    await inbox.wait(entry.id)
    assert await new_in(inbox, 1) == []
    assert await waiting_in(inbox) == [replace(entry, state="waiting")]

    await inbox.end(entry.id, "refused")
    assert await waiting_in(inbox) == []
    assert (await state_of(db, entry)) == ("refused", 1000.0)


async def test_the_first_end_holds(db: Database, inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    await inbox.end(entry.id, "stopped")

    await inbox.end(entry.id, "dead")
    await inbox.wait(entry.id)

    assert (await state_of(db, entry))[0] == "stopped"


async def test_attempts_count_and_are_seen_by_the_next_run(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    await inbox.wait(entry.id)

    assert [await inbox.begin(entry.id), await inbox.begin(entry.id)] == [1, 2]
    assert [e.attempts for e in await waiting_in(inbox)] == [2]


async def test_replies_come_back_in_order_of_their_parts(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    assert await inbox.replies(entry.id) == []

    second = await inbox.open_reply(entry.id, 1)
    first = await inbox.open_reply(entry.id, 0)
    await inbox.note_reply(entry.id, 1, "m2")

    assert await inbox.replies(entry.id) == [Opened(first, None), Opened(second, "m2")]


async def test_a_part_that_is_sent_anew_gets_another_key(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    before = await inbox.open_reply(entry.id, 0)
    await inbox.note_reply(entry.id, 0, "m1")

    anew = await inbox.open_reply(entry.id, 0)

    assert anew != before
    assert await inbox.replies(entry.id) == [Opened(anew, None)]


async def test_an_answer_is_found_by_each_of_its_messages(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event("1"))
    await inbox.accept(make_event("1", chat="8"))
    here, elsewhere = await new_in(inbox, 2)
    for entry in (here, elsewhere):
        for part in (0, 1):
            await inbox.open_reply(entry.id, part)
            await inbox.note_reply(entry.id, part, f"m{part}")
    await inbox.end(here.id, "answered")

    found = await inbox.answered_by(Conversation("test", "7", "any thread"), "m1")

    assert found is not None
    assert (found.id, found.state) == (here.id, "answered")
    assert await inbox.answered_by(Conversation("test", "7"), "m2") is None


async def test_a_message_is_found_by_its_name_in_its_chat_alone(
    inbox: Inbox, make_event: MakeEvent
):
    await inbox.accept(make_event("1"))
    (entry,) = await new_in(inbox, 1)

    assert await inbox.said(Conversation("test", "7", "any thread"), "1") == entry
    assert await inbox.said(Conversation("test", "8"), "1") is None
    assert await inbox.said(Conversation("else", "7"), "1") is None


async def test_an_entry_is_known_by_its_number_after_its_end(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    (entry,) = await new_in(inbox, 1)
    await inbox.end(entry.id, "ignored")

    assert await inbox.entry(entry.id) == replace(entry, state="ignored")
    assert await inbox.entry(entry.id + 1) is None


async def test_parts_have_their_end_when_their_question_waits(
    db: Database, inbox: Inbox, make_event: MakeEvent
):
    for message in "abc":
        await inbox.accept(make_event(message))
    first, asked, last = await new_in(inbox, 3)
    await inbox.end(first.id, "ignored")

    await inbox.wait(asked.id, [first.id, last.id])

    assert [entry.id for entry in await waiting_in(inbox)] == [asked.id]
    assert [entry.id for entry in await inbox.parts(asked.id)] == [first.id, last.id]
    assert [(await state_of(db, entry))[0] for entry in (first, last)] == ["ignored", "said"]
    assert await inbox.asked_as(last.id) == asked.id
    assert await inbox.asked_as(asked.id) == asked.id


async def test_a_part_belongs_to_its_first_question(inbox: Inbox, make_event: MakeEvent):
    for message in "abc":
        await inbox.accept(make_event(message))
    part, asked, other = await new_in(inbox, 3)
    await inbox.wait(asked.id, [part.id])

    await inbox.wait(other.id, [part.id])

    assert await inbox.asked_as(part.id) == asked.id


async def test_recent_is_what_one_person_said_in_one_conversation(
    db: Database, make_event: MakeEvent
):
    now = [0.0]
    inbox = Inbox(db, clock=lambda: now[0])
    event = make_event()
    said = {
        "old": event,
        "part": event,
        "first": event,
        "other": replace(event, person=Person("q")),
        "thread": replace(event, conversation=Conversation("test", "7", "t")),
        "window": replace(event, conversation=Conversation("test", "7", "", "p")),
        "second": event,
        "asking": event,
        "later": event,
    }
    for now[0], (message, one) in enumerate(said.items()):
        await inbox.accept(replace(one, message=message))
    entries = {entry.event.message: entry for entry in await new_in(inbox, 10)}
    await inbox.wait(entries["first"].id, [entries["part"].id])

    recent = await inbox.recent(entries["asking"], since=1.0)

    assert [entry.event.message for entry in recent] == ["second", "first"]


async def test_backlog_counts_what_has_not_ended(inbox: Inbox, make_event: MakeEvent):
    assert await inbox.backlog() == Backlog(0, 0)
    for message in "abcd":
        await inbox.accept(make_event(message))
    first, second, *_ = await new_in(inbox, 4)
    await inbox.wait(first.id)
    await inbox.end(second.id, "ignored")

    assert await inbox.backlog() == Backlog(new=2, waiting=1)


async def test_an_arrival_wakes_the_one_who_waits(inbox: Inbox, make_event: MakeEvent):
    await inbox.arrived()  # what an earlier run may have left
    waiting = asyncio.create_task(inbox.arrived())

    await inbox.accept(make_event())
    await waiting

    assert len(await new_in(inbox, 1)) == 1


async def test_an_arrival_between_looking_and_waiting_is_not_missed(
    inbox: Inbox, make_event: MakeEvent
):
    await inbox.arrived()
    assert await new_in(inbox, 1) == []
    await inbox.accept(make_event())

    await inbox.arrived()


async def test_a_repetition_wakes_nobody(inbox: Inbox, make_event: MakeEvent):
    await inbox.accept(make_event())
    await inbox.arrived()
    waiting = asyncio.create_task(inbox.arrived())

    await inbox.accept(make_event())

    assert not waiting.done()
    waiting.cancel()


async def test_many_at_once_are_each_accepted_once(inbox: Inbox, make_event: MakeEvent):
    events = [make_event(str(number % 40)) for number in range(80)]

    taken = await asyncio.gather(*(inbox.accept(event) for event in events))

    assert sum(taken) == 40
    assert len({entry.event.message for entry in await new_in(inbox, 100)}) == 40


async def test_a_row_that_cannot_be_read_holds_up_no_other(
    db: Database, inbox: Inbox, make_event: MakeEvent
):
    await inbox.accept(make_event("1"))
    await inbox.accept(make_event("2"))
    broken, sound = await new_in(inbox, 2)
    async with db.write() as connection:
        await connection.execute(update(rows).where(rows.c.id == broken.id).values(event="{}"))

    assert await new_in(inbox, 2) == [sound]
    assert (await state_of(db, broken))[0] == "dead"


@pytest.mark.parametrize("told_before_the_kill", [1, 7, 40])
async def test_what_was_accepted_survives_kill_9(ground: Ground, told_before_the_kill: int):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ACCEPT_FOR_EVER,
        str(ground.data_dir),
        ground.url.get_secret_value(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    told = [await process.stdout.readline() for _ in range(told_before_the_kill)]
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()  # it went on while we were reading
    told += [line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()

    db = await ground.open()
    kept = {entry.event.message for entry in await new_in(Inbox(db))}
    await db.close()

    assert kept >= {line.decode().strip() for line in told}
