"""What is too old goes, and nothing else; a clock put forward deletes nothing at once."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.history import History, Said
from bot.storage.inbox import Entry, Inbox
from bot.storage.outbox import Letter, Outbox
from bot.storage.page import Page
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.retention.retention import Retention
from bot.storage.retention.section import RetentionSection
from bot.storage.sessions import Sessions
from bot.storage.ticket import Customer, Line, Step, Ticket
from bot.storage.tickets import Tickets
from tests.opened import new_in

pytestmark = pytest.mark.asyncio

HOUR_S, DAY_S = 3600.0, 86_400.0
ANN = Conversation("test", "ann")
WEB = Conversation("web", "ann")


class House:
    """The stores, and the years that go by."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.now, self.tick = db, 1_800_000_000.0, 0.0
        self.section = RetentionSection()
        self.asked = 0
        self.inbox, self.history = Inbox(db, clock=self.clock), History(db, clock=self.clock)
        self.photos, self.people = Photos(folder / "photos"), People(db, clock=self.clock)
        self.page, self.letters = Page(db, clock=self.clock), Outbox(db, clock=self.clock)
        self.retention = Retention(
            db, self.photos, lambda: self.section, clock=self.clock, ticks=lambda: self.tick
        )

    def clock(self) -> float:
        return self.now

    async def pass_by(self, seconds: float) -> None:
        """The program looks at what is kept every now and then."""
        self.now += seconds
        self.tick += seconds
        await self.retention.look()

    async def ask(self, question: str, *photos: str, where: Conversation = ANN) -> Entry:
        self.asked += 1
        message = f"q{self.asked}"
        attached = tuple(Attachment(digest) for digest in photos)
        event = Event("bot", message, where, Person(where.chat), question, attached)
        assert await self.inbox.accept(event)
        await self.people.meet(event)
        entry = await self.inbox.said(where, message)
        assert entry is not None
        return entry

    async def answer(self, entry: Entry, answer: str, *photos: str) -> None:
        question = Said("user", entry.event.text, photos, 1)
        await self.history.answered(entry, question, Said("assistant", answer, (), 1), ())

    async def photo(self, data: bytes) -> str:
        digest = await self.photos.put(data)
        self.touch(digest)
        return digest

    def touch(self, digest: str) -> None:
        os.utime(self.photos._path(digest), (self.now, self.now))

    async def has(self, digest: str) -> bool:
        try:
            await self.photos.get(digest)
        except FileNotFoundError:
            return False
        return True

    async def window(self) -> list[str]:
        return [said.text for said in (await self.history.past(ANN)).turns]

    async def rows(self, table: str) -> list[str]:
        async with self.db.read() as connection:
            found = await connection.execute(text(f"SELECT * FROM {table}"))
            return [repr(tuple(row)) for row in found]


@pytest.fixture
async def house(db: Database, tmp_path: Path) -> House:
    house = House(db, tmp_path)
    await house.retention.look()
    return house


@pytest.mark.row(60)
async def test_photo_is_deleted_after_a_day_and_the_talk_stays(house: House):
    photo = await house.photo(b"\xff\xd8 a photo")
    await house.answer(await house.ask("what is it"), "a circle", photo)

    await house.pass_by(DAY_S - 60)
    assert await house.has(photo)
    await house.pass_by(120)

    assert not await house.has(photo)
    assert await house.window() == ["what is it", "a circle"]


async def test_photo_of_an_open_question_stays(house: House):
    photo = await house.photo(b"\xff\xd8 a photo")
    await house.ask("what is it", photo)

    await house.pass_by(2 * DAY_S)

    assert await house.has(photo)


async def test_all_that_a_waiting_question_is_about_stays(house: House):
    """Its own album, photos that waited for it, and those of answers before it."""
    of_part = await house.photo(b"\xff\xd8 of the album")
    kept, shown = await house.photo(b"\xff\xd8 kept"), await house.photo(b"\xff\xd8 shown")
    await house.answer(await house.ask("what was that"), "a circle", shown)
    part = await house.ask("", of_part)
    await house.history.keep_photos(part, [kept])
    question = await house.ask("and this?")
    await house.inbox.wait(question.id, [part.id])
    house.section = RetentionSection(text_s=20 * DAY_S)

    await house.pass_by(2 * DAY_S)
    assert [await house.has(one) for one in (of_part, kept, shown)] == [True, True, True]
    await house.pass_by(20 * DAY_S)

    assert await house.has(of_part)
    assert [one.event.photos[0].ref for one in await house.inbox.parts(question.id)] == [of_part]
    await house.inbox.end(question.id, "expired")
    await house.pass_by(21 * DAY_S)
    assert [await house.has(one) for one in (of_part, kept, shown)] == [False, False, False]


async def test_photo_of_a_ticket_stays_while_people_see_to_it(house: House):
    photo = await house.photo(b"\xff\xd8 a photo")
    desk = Tickets(house.db, house.letters, clock=house.clock)
    customer = Customer(ANN, "ann", "Ann", "en", shared=False)

    def help_me(ticket: Ticket, _number: int, _lines: Sequence[Line]) -> Step:
        line = Line("customer", "look", photos=(photo,))
        return Step(replace(ticket, state="waiting"), line, ())

    def close(ticket: Ticket, _number: int, _lines: Sequence[Line]) -> Step:
        closed = replace(ticket, state="closed", closed_at=house.now)
        return Step(closed, Line("system", ""), ())

    done = await desk.call("opened", customer, ANN, help_me)
    await house.pass_by(3 * DAY_S)
    assert await house.has(photo)

    await desk.step("closed", done.ticket.id, close)
    await house.pass_by(HOUR_S)

    assert not await house.has(photo)


@pytest.mark.row(60)
async def test_words_go_after_thirty_days_with_all_that_hangs_on_them(house: House):
    entry = await house.ask("kanarie question")
    await house.inbox.open_reply(entry.id, 0)
    await house.answer(entry, "kanarie answer")
    await Ratings(house.db).rate(entry.id, 1)
    await house.page.add("ann", "person", "kanarie bubble", [], final=True)
    await house.letters.put([Letter("key", ANN, "kanarie letter")])
    await house.letters.end(1, "sent")
    await house.pass_by(29 * DAY_S)
    newer = await house.ask("another question")
    await house.answer(newer, "another answer")
    assert len(await house.window()) == 4

    await house.pass_by(2 * DAY_S)

    assert await house.window() == ["another question", "another answer"]
    for table in ("inbox", "turns", "page_messages", "outbox", "replies", "ratings"):
        assert "kanarie" not in "".join(await house.rows(table)), table
    assert await house.rows("replies") == []
    assert await house.rows("ratings") == []
    assert len(await house.rows("inbox")) == 1


async def test_event_that_comes_again_is_known_while_its_name_is_kept(house: House):
    house.section = RetentionSection(text_s=DAY_S)
    entry = await house.ask("kanarie question")
    await house.answer(entry, "an answer")
    await house.pass_by(2 * DAY_S)
    assert "kanarie" not in "".join(await house.rows("inbox"))
    assert "'ann'" not in "".join(await house.rows("inbox"))

    assert not await house.inbox.accept(entry.event)


async def test_number_of_the_newest_entry_is_never_given_out_again(house: House):
    entry = await house.ask("a question")
    await house.answer(entry, "an answer")
    await house.pass_by(400 * DAY_S)

    newer = await house.ask("another question")

    assert newer.id > entry.id


async def test_window_goes_on_when_all_its_turns_were_deleted(house: House):
    await house.answer(await house.ask("a question"), "an answer")
    await house.history.renew(ANN)
    await house.pass_by(40 * DAY_S)

    await house.answer(await house.ask("another question"), "another answer")

    assert await house.window() == ["another question", "another answer"]


async def test_open_question_is_kept_however_old_it_is(house: House):
    await house.ask("still waiting")

    await house.pass_by(400 * DAY_S)

    assert [entry.event.text for entry in await new_in(house.inbox, 10)] == ["still waiting"]


async def test_clock_put_forward_deletes_nothing_until_it_has_stayed_so(
    house: House, caplog: pytest.LogCaptureFixture
):
    photo = await house.photo(b"\xff\xd8 a photo")
    await house.answer(await house.ask("what is it"), "a circle", photo)
    house.now += 40 * DAY_S
    with caplog.at_level(logging.WARNING):
        await house.retention.look()

    assert await house.has(photo)
    assert await house.window() == ["what is it", "a circle"]
    assert "leapt" in caplog.text
    await house.pass_by(HOUR_S)
    assert await house.window() == []
    assert not await house.has(photo)


async def test_zero_is_for_ever(house: House):
    house.section = RetentionSection(photos_s=0, text_s=0, people_s=0)
    photo = await house.photo(b"\xff\xd8 a photo")
    await house.answer(await house.ask("what is it"), "a circle", photo)

    await house.pass_by(1000 * DAY_S)

    assert await house.has(photo)
    assert await house.window() == ["what is it", "a circle"]
    assert await house.people.known("test", "ann") is not None


async def test_photo_that_no_row_names_goes_even_where_photos_are_kept_for_ever(house: House):
    house.section = RetentionSection(photos_s=0, text_s=0)
    orphan = await house.photo(b"\xff\xd8 an orphan")
    kept = await house.photo(b"\xff\xd8 a photo")
    await house.answer(await house.ask("what is it"), "a circle", kept)

    await house.pass_by(2 * DAY_S)

    assert not await house.has(orphan)
    assert await house.has(kept)


async def test_people_who_did_not_come_for_a_year_are_not_remembered_but_roles_are(house: House):
    await house.ask("a question")
    async with house.db.write() as connection:
        await house.people.add_with(connection, "test", "boss", "Boss", "admin")
    await house.ask("another", where=Conversation("test", "boss"))

    await house.pass_by(366 * DAY_S)

    assert await house.people.known("test", "ann") is None
    assert await house.people.known("test", "boss") is not None


async def test_sessions_that_are_over_go(house: House):
    sessions = Sessions(house.db, clock=house.clock)
    await sessions.begin("web:ann", "page", lasts_s=DAY_S)
    await sessions.begin("web:bob", "page", lasts_s=10 * DAY_S)

    await house.pass_by(2 * DAY_S)

    assert [row for row in await house.rows("sessions") if "ann" in row] == []
    assert len(await house.rows("sessions")) == 1


async def test_more_rows_than_one_transaction_takes_are_all_deleted(house: House):
    for number in range(450):
        await house.page.add("ann", "person", f"bubble {number}", [], final=True)

    await house.pass_by(40 * DAY_S)

    assert await house.rows("page_messages") == []


@pytest.mark.parametrize(
    ("key", "seconds"),
    [("names_s", 3600.0), ("ledger_s", DAY_S), ("photos_s", 60.0), ("text_s", -1.0)],
)
async def test_times_that_would_break_a_promise_are_refused(key: str, seconds: float):
    with pytest.raises(ValueError, match=key):
        RetentionSection(**{key: seconds})
