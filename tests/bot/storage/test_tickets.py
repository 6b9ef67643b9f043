"""Tickets: one open one for each conversation, every event once, all of a step or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.outbox import Letter, Outbox
from bot.storage.ticket import Customer, Line, Make, MakeCall, Step, Ticket, event_name
from bot.storage.tickets import Tickets
from tests.bot.storage.ground import Ground
from tests.bot.storage.talks import answered
from tests.fakes import FakeTime
from tests.opened import new_in

ANN = Conversation("test", "ann")
STAFF = Conversation("other", "staff")
CUSTOMER = Customer(ANN, "ann", "Ann", "en", shared=False)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


@pytest.fixture
def letters(db: Database) -> Outbox:
    return Outbox(db)


@pytest.fixture
def tickets(db: Database, letters: Outbox, clock: FakeTime) -> Tickets:
    return Tickets(db, letters, clock=clock.clock)


def calling(text: str = "help", *keys: str, said: str = "called") -> MakeCall:
    def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
        after = replace(ticket, state="waiting", unanswered_since=1.0)
        put = tuple(Letter(f"ticket/{ticket.id}/{number}/{key}", STAFF, text) for key in keys)
        return Step(after, Line("customer", text, "Ann", said=said), put)

    return make


def returning() -> MakeCall:
    """To the bot, so that the next call notes what was said since."""

    def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
        return Step(replace(ticket, state="bot"), Line("system", "back"))

    return make


def closing(said: str = "bye") -> Make:
    def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
        return Step(replace(ticket, state="closed"), Line("system", "closed", said=said))

    return make


async def waiting(letters: Outbox) -> list[str]:
    found = await letters.waiting("other", patient=False, without=(), limit=99)
    return [pending.letter.key for pending in found]


async def test_a_call_opens_a_ticket_that_is_found_by_its_conversation(tickets: Tickets):
    done = await tickets.call("e1", CUSTOMER, STAFF, calling())

    found = await tickets.open_of(ANN)
    assert found == done.ticket
    assert (found.id, found.state, found.customer, found.chat) == (1, "waiting", CUSTOMER, STAFF)
    assert found.desk is None
    assert found.announce


async def test_everything_of_a_ticket_is_read_as_it_was_written(tickets: Tickets, clock: FakeTime):
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    changed = Ticket(
        1,
        replace(CUSTOMER, name="Ann B", shared=True, language="zh"),
        STAFF,
        state="staff",
        why="unsure",
        taken_by="other:bob",
        taken_name="Bob",
        desk=replace(STAFF, thread="t9"),
        announce=False,
        message="m7",
        opened_at=1000.0,
        last_customer_at=2.0,
        unanswered_since=3.0,
        reminded_at=4.0,
        escalated_at=5.0,
        closed_at=6.0,
        score=4,
    )

    await tickets.step("e2", 1, lambda *_: Step(changed, Line("system", "x")))

    assert await tickets.ticket(1) == replace(changed, changed_at=clock.now, told=2)


async def test_a_second_call_goes_into_the_same_ticket(tickets: Tickets):
    await tickets.call("e1", CUSTOMER, STAFF, calling("one"))
    await tickets.call("e2", CUSTOMER, STAFF, calling("two"))

    assert len(await tickets.listed()) == 1
    assert [line.text for line in await tickets.lines(1)] == ["one", "two"]


async def test_after_the_close_a_call_opens_another_ticket(tickets: Tickets):
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await tickets.step("e2", 1, closing())

    done = await tickets.call("e3", CUSTOMER, STAFF, calling())

    assert done.ticket.id == 2
    assert (await tickets.last_of(ANN)) == done.ticket
    assert [ticket.id for ticket in await tickets.listed("closed")] == [1]


async def test_people_of_one_group_have_tickets_of_their_own(tickets: Tickets):
    bea = replace(CUSTOMER, where=replace(ANN, person="bea"), person="bea")

    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await tickets.call("e2", bea, STAFF, calling())

    assert (await tickets.open_of(ANN)).id == 1
    assert (await tickets.open_of(bea.where)).id == 2


async def test_an_event_has_effect_once_and_gives_the_same_words_back(
    tickets: Tickets, letters: Outbox
):
    await tickets.call("e1", CUSTOMER, STAFF, calling("one", "a", said="number 1"))

    again = await tickets.call("e1", CUSTOMER, STAFF, calling("two", "b", said="number 2"))
    step = await tickets.step("e1", 1, closing())

    assert again.said == step.said == "number 1"
    assert (await tickets.done("e1")).said == "number 1"
    assert [line.text for line in await tickets.lines(1)] == ["one"]
    assert (await tickets.ticket(1)).state == "waiting"
    assert await waiting(letters) == ["ticket/1/1/a"]


async def test_a_step_that_fails_leaves_nothing(tickets: Tickets, letters: Outbox):
    def make(ticket: Ticket, number: int, lines: Sequence[Line]) -> Step:
        broken = Letter("key", STAFF, "text", photo=object())  # type: ignore[arg-type]
        return Step(replace(ticket, state="staff"), Line("system", "x"), (broken,))

    await tickets.call("e1", CUSTOMER, STAFF, calling())
    with pytest.raises(DBAPIError, match="object"):
        await tickets.step("e2", 1, make)

    assert (await tickets.ticket(1)).state == "waiting"
    assert len(await tickets.lines(1)) == 1
    assert await tickets.done("e2") is None
    assert await waiting(letters) == []


async def test_a_step_that_finds_nothing_to_do_can_still_be_taken_later(tickets: Tickets):
    await tickets.call("e1", CUSTOMER, STAFF, calling())

    assert await tickets.step("e2", 1, lambda *_: None) is None
    assert await tickets.step("e2", 1, closing()) is not None


async def test_a_step_on_no_ticket_does_nothing(tickets: Tickets):
    assert await tickets.step("e1", 99, closing()) is None


async def test_all_of_it_survives_a_restart(ground: Ground):
    db = await ground.open()
    tickets = Tickets(db, Outbox(db))
    done = await tickets.call("e1", CUSTOMER, STAFF, calling("help", "a"))
    await db.close()

    db = await ground.open()
    letters = Outbox(db)
    again = Tickets(db, letters)

    assert await again.open_of(ANN) == done.ticket
    assert await waiting(letters) == ["ticket/1/1/a"]
    await db.close()


async def test_what_was_said_to_the_bot_stands_in_the_ticket_before_the_call(
    db: Database, tickets: Tickets
):
    await answered(db, ANN, "what is it?", "A cat.", photos=("ab" * 32,))

    await tickets.call("e1", CUSTOMER, STAFF, calling())

    lines = await tickets.lines(1)
    assert [(line.side, line.text) for line in lines] == [
        ("customer", "what is it?"),
        ("bot", "A cat."),
        ("customer", "help"),
    ]
    assert lines[0].photos == ("ab" * 32,)
    assert [line.number for line in lines] == [1, 2, 3]


async def test_what_lies_before_a_new_topic_is_not_shown_to_staff(db: Database, tickets: Tickets):
    await answered(db, ANN, "secret?", "Yes.")
    await History(db).renew(ANN)

    await tickets.call("e1", CUSTOMER, STAFF, calling())

    assert [line.text for line in await tickets.lines(1)] == ["help"]


async def test_called_again_the_ticket_gets_only_what_is_new(db: Database, tickets: Tickets):
    await answered(db, ANN, "one?", "1")
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await tickets.step(
        "e2", 1, lambda ticket, *_: Step(replace(ticket, state="bot"), Line("system", "back"))
    )
    await answered(db, ANN, "two?", "2")

    await tickets.call("e3", CUSTOMER, STAFF, calling("again"))

    texts = [line.text for line in await tickets.lines(1)]
    assert texts == ["one?", "1", "help", "back", "two?", "2", "again"]


async def test_what_the_bot_still_answers_meanwhile_is_noted_when_staff_are_called_anew(
    db: Database, tickets: Tickets
):
    """Staff see what a ticket has when they are shown it, and that would be too late."""
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await answered(db, ANN, "late?", "Yes.")

    await tickets.call("e2", CUSTOMER, STAFF, calling("again"))
    assert [line.text for line in await tickets.lines(1)] == ["help", "again"]

    await tickets.step("e3", 1, lambda t, *_: Step(replace(t, state="bot"), Line("system", "b")))
    await tickets.call("e4", CUSTOMER, STAFF, calling("anew"))
    texts = [line.text for line in await tickets.lines(1)]
    assert texts == ["help", "again", "b", "late?", "Yes.", "anew"]


async def test_a_photo_that_waited_for_its_question_goes_to_the_staff(
    db: Database, tickets: Tickets
):
    inbox, history = Inbox(db), History(db)
    await inbox.accept(Event("bot", "m1", ANN, Person("ann"), ""))
    (entry,) = await new_in(inbox, 1)
    await history.keep_photos(entry, ["cd" * 32])

    await tickets.call("e1", CUSTOMER, STAFF, calling())

    assert (await tickets.lines(1))[0].photos == ("cd" * 32,)


async def test_called_again_the_ticket_gets_what_was_sent_since_the_first_photo_was_used(
    db: Database, tickets: Tickets
):
    """The next row may have the number of the one that was deleted."""
    history, inbox = History(db), Inbox(db)
    for message, digest in (("1", "cd" * 32), ("2", "ef" * 32)):
        event = Event("bot", message, ANN, Person("ann"), "")
        await inbox.accept(event)
        entry = await inbox.said(ANN, message)
        assert entry is not None
        await history.keep_photos(entry, [digest])
        await tickets.call(f"call {message}", CUSTOMER, STAFF, returning())
        await history.forget_photos([entry.id])

    photos = [line.photos for line in await tickets.lines(1) if line.photos]

    assert photos == [("cd" * 32,), ("ef" * 32,)]


async def test_the_thread_of_a_ticket_leads_to_it(tickets: Tickets):
    thread = replace(STAFF, thread="t1")
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await tickets.step(
        "e2", 1, lambda ticket, *_: Step(replace(ticket, desk=thread), Line("system", ""))
    )

    assert (await tickets.at_desk(thread)).id == 1
    assert await tickets.at_desk(replace(STAFF, thread="t2")) is None
    assert await tickets.at_desk(STAFF) is None


async def test_tickets_are_listed_by_state_and_time(tickets: Tickets, clock: FakeTime):
    for number in range(3):
        where = Conversation("test", f"c{number}")
        await tickets.call(f"e{number}", replace(CUSTOMER, where=where), STAFF, calling())
        clock.now += 10
    await tickets.step("x", 2, closing())

    assert [ticket.id for ticket in await tickets.listed("waiting")] == [1, 3]
    assert [ticket.id for ticket in await tickets.listed(since=1010.0)] == [2, 3]
    assert [ticket.id for ticket in await tickets.to_announce()] == [1, 3]


async def test_complaints_count_as_long_as_no_other_answer_lies_between(
    db: Database, tickets: Tickets
):
    await answered(db, ANN, "one?", "1")
    assert await tickets.complain("e1", ANN) == 1
    assert await tickets.complain("e1", ANN) == 1
    await answered(db, ANN, "two?", "2")
    assert await tickets.complain("e2", ANN) == 2
    await answered(db, ANN, "three?", "3")
    await answered(db, ANN, "four?", "4")

    assert await tickets.complain("e3", ANN) == 1


async def test_praise_and_a_call_end_a_row_of_complaints(tickets: Tickets):
    await tickets.complain("e1", ANN)
    await tickets.forgive(ANN)
    assert await tickets.complain("e2", ANN) == 1

    await tickets.call("e3", CUSTOMER, STAFF, calling())

    assert await tickets.complain("e4", ANN) == 1


async def test_complaints_of_another_conversation_do_not_count(tickets: Tickets):
    await tickets.complain("e1", replace(ANN, person="bea"))

    assert await tickets.complain("e2", ANN) == 1


async def test_a_letter_nobody_could_get_is_named_until_the_ticket_notes_it(
    tickets: Tickets, letters: Outbox
):
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await letters.put([Letter("ticket/1/1/customer/0", STAFF, "x", batch="b")])
    (pending,) = await letters.waiting("other", patient=False, without=(), limit=1)
    assert await tickets.undelivered("b") == []

    await letters.end(pending.id, "failed")
    assert await tickets.undelivered("b") == ["ticket/1/1/customer/0"]

    note = Step(await tickets.ticket(1), Line("system", "lost"))
    await tickets.step("lost/ticket/1/1/customer/0", 1, lambda *_: note)
    assert await tickets.undelivered("b") == []


async def test_whoever_waits_for_changes_is_told_of_each(tickets: Tickets):
    await tickets.arrived()
    await tickets.call("e1", CUSTOMER, STAFF, calling())
    await tickets.arrived()
    await tickets.step("e2", 1, closing())

    await tickets.arrived()


def test_the_name_of_an_event_tells_platform_bot_chat_and_message_apart():
    def name(platform: str, bot: str, chat: str, message: str) -> str:
        event = Event(bot, message, Conversation(platform, chat, "t"), Person("p"), "")
        return event_name(event)

    names = {name("a", "b", "c", "d"), name("a", "b", "cd", ""), name("a", "bc", "", "d")}
    assert len(names) == 3
    assert name("a", "b", "c", "d") not in {name("a", "b", "d", "c")}
