"""Somebody is forgotten: nothing of theirs is left in any row or file, and all of the others'."""

from __future__ import annotations

import os
import time as real_time
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.access.quota import Limit
from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.storage.audit import Act, Audit, Outcome
from bot.storage.blocked import BlockedPictures
from bot.storage.db import Database
from bot.storage.erasing.erasure import Eraser
from bot.storage.erasing.erasures import Erasure, Erasures
from bot.storage.erasing.spent import spend
from bot.storage.history import History, Said
from bot.storage.inbox import Entry, Inbox
from bot.storage.ledger import Account, Ledger, Now
from bot.storage.outbox import Letter, Outbox
from bot.storage.page import Page
from bot.storage.people import FOR_EVER, People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.repeats import KeptAnswers
from bot.storage.sessions import Sessions
from bot.storage.tables import cases, inbox
from bot.storage.ticket import Customer, Line, Step, Ticket
from bot.storage.tickets import Tickets
from tests.opened import new_in

pytestmark = pytest.mark.asyncio

ANN, BOB = Conversation("test", "771100"), Conversation("test", "882200")
GROUP, STAFF = Conversation("test", "-5"), Conversation("test", "-9")
ID = b"771100"


class House:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.folder, self.asked = db, folder, 0
        self.inbox, self.history, self.people = Inbox(db), History(db), People(db)
        self.photos, self.letters, self.page = Photos(folder / "photos"), Outbox(db), Page(db)
        self.tickets, self.ledger = Tickets(db, self.letters), Ledger(db)
        self.erasures, self.eraser = Erasures(db), Eraser(db, self.photos)

    async def ask(
        self, who: str, words: str, *photos: str, where: Conversation | None = None, **more: object
    ) -> Entry:
        self.asked += 1
        where = where or Conversation("test", who)
        event = Event(
            "bot",
            f"q{self.asked}",
            where,
            Person(who, name=f"name of {who}"),
            words,
            tuple(Attachment(one) for one in photos),
            group=where.chat.startswith("-"),
            **more,  # type: ignore[arg-type]
        )
        await self.inbox.accept(event)
        await self.people.meet(event)
        entry = await self.inbox.said(where, event.message)
        assert entry is not None
        return entry

    async def answer(self, entry: Entry, answer: str, *photos: str) -> None:
        question = Said("user", entry.event.text, photos, 1)
        await self.history.answered(entry, question, Said("assistant", answer, (), 1), ())

    async def photo(self, data: bytes) -> str:
        digest = await self.photos.put(data)
        then = real_time.time() - 3600
        os.utime(self.photos._path(digest), (then, then))
        return digest

    async def forget(self, person: str = "771100") -> Erasure:
        await self.erasures.order("test", person, tell=Conversation("test", person))
        (who,) = await self.erasures.pending()
        await self.eraser.erase(who, await self.eraser.scope(who))
        await self.erasures.end(who)
        assert await self.eraser.tidy()
        return who

    def customer(self, person: str) -> Customer:
        return Customer(Conversation("test", person), person, "kanarie name", "en", shared=False)

    def found(self, *signs: bytes) -> list[str]:
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return [
            f"{file.name}: {sign!r}"
            for file in files
            for sign in signs
            if sign in file.read_bytes() + str(file).encode()
        ]

    async def rows(self, table: str) -> list[str]:
        async with self.db.read() as connection:
            found = await connection.execute(text(f"SELECT * FROM {table}"))
            return [repr(tuple(row)) for row in found]

    async def window(self, where: Conversation) -> list[str]:
        return [said.text for said in (await self.history.past(where)).turns]


def help_me(ticket: Ticket, number: int, lines: list[Line]) -> Step:
    said = Line("customer", "kanarie help", "kanarie name", "test:771100")
    letter = Letter(f"ticket/{ticket.id}/{number}/staff/0", STAFF, "kanarie in the desk")
    return Step(ticket, said, (letter,))


@pytest.fixture
def house(db: Database) -> House:
    return House(db, db.data_dir)


@pytest.mark.row(60)
async def test_nothing_of_a_chat_is_left_and_all_of_others_is(house: House):
    theirs, others = await house.photo(b"\xff\xd8 kanarie"), await house.photo(b"\xff\xd8 bobs")
    await house.answer(await house.ask("771100", "kanarie asks"), "kanarie answer", theirs)
    await house.answer(await house.ask("882200", "bob asks"), "bobs answer", others)
    await house.answer(await house.ask("771100", "kanarie in a group", where=GROUP), "kanarie too")
    await house.answer(await house.ask("882200", "bob in a group", where=GROUP), "bob too")
    await house.history.keep_photos(await house.ask("771100", "", theirs), [theirs])
    await house.letters.put([Letter("broadcast/1/test/771100", ANN, "kanarie letter")])
    await KeptAnswers(house.db).put("test:771100", "key", "request", "kanarie repeat")
    await Sessions(house.db).begin("test:771100", "page", lasts_s=1000)
    house_before = await house.window(BOB)

    await house.forget()

    assert house.found(b"kanarie", ID, theirs.encode(), b"name of 771") == []
    assert await house.window(BOB) == house_before == ["bob asks", "bobs answer"]
    assert await house.window(GROUP) == ["bob in a group", "bob too"]
    assert await house.photos.get(others) == b"\xff\xd8 bobs"
    assert await house.people.known("test", "882200") is not None


async def test_event_that_comes_again_is_not_accepted_again(house: House):
    entry = await house.ask("771100", "kanarie asks")

    await house.forget()

    assert not await house.inbox.accept(entry.event)
    assert await new_in(house.inbox, 10) == []


async def test_what_they_say_afterwards_is_new(house: House):
    await house.ask("771100", "kanarie asks")
    await house.forget()

    later = await house.ask("771100", "a new question")
    await house.answer(later, "a new answer")

    assert await house.window(ANN) == ["a new question", "a new answer"]


async def test_what_came_after_the_order_stays(house: House):
    await house.erasures.order("test", "771100")
    later = await house.ask("771100", "a new question")
    await house.answer(later, "a new answer")
    (who,) = await house.erasures.pending()

    await house.eraser.erase(who, await house.eraser.scope(who))

    assert await house.window(ANN) == ["a new question", "a new answer"]


async def test_photo_that_somebody_else_has_too_stays(house: House):
    photo = await house.photo(b"\xff\xd8 both have it")
    await house.answer(await house.ask("771100", "kanarie asks"), "a circle", photo)
    await house.answer(await house.ask("882200", "bob asks"), "a circle", photo)

    await house.forget()

    assert await house.photos.get(photo) == b"\xff\xd8 both have it"


async def test_photo_that_may_be_in_hand_for_somebody_else_waits(house: House):
    photo = await house.photo(b"\xff\xd8 a photo")
    await house.answer(await house.ask("771100", "kanarie asks"), "a circle", photo)
    await house.photos.put(b"\xff\xd8 a photo")
    await house.ask("882200", "bob asks", "the platform's own name of a photo")
    await house.erasures.order("test", "771100")
    (who,) = await house.erasures.pending()
    await house.eraser.erase(who, await house.eraser.scope(who))

    assert not await house.eraser.tidy()
    assert await house.photos.get(photo) == b"\xff\xd8 a photo"


async def test_ban_that_holds_stays_without_the_name(house: House):
    await house.ask("771100", "kanarie asks")
    async with house.db.write() as connection:
        await house.people.ban_with(connection, "test", "771100", FOR_EVER, "spam")

    await house.forget()

    known = await house.people.known("test", "771100")
    assert known is not None
    assert (known.banned_until, known.name) == (FOR_EVER, "")


async def test_ban_that_is_over_goes(house: House):
    async with house.db.write() as connection:
        await house.people.ban_with(connection, "test", "771100", 1000.0, "spam")

    await house.forget()

    assert await house.people.known("test", "771100") is None


async def test_what_was_used_this_month_still_counts(house: House):
    account = Account("test:771100", "guest", limits=[Limit(3, "questions", "month")])
    now = Now(5000.0, {"day": 0.0, "month": 0.0})
    for number in range(3):
        entry = await house.ask("771100", f"kanarie {number}")
        assert await house.ledger.reserve(entry.id, account, now, tokens=1) == []
        await house.ledger.settle(entry.id, questions=1, tokens=1)

    await house.forget()

    assert house.found(ID) == []
    assert await house.ledger.reserve(None, account, now, tokens=1) != []
    assert (await house.ledger.used("test:771100", 0.0)).questions == 3
    assert (await house.ledger.used("test:88", 0.0)).questions == 0


async def test_ticket_keeps_its_number_and_loses_its_words(house: House):
    done = await house.tickets.call("event", house.customer("771100"), STAFF, help_me)

    await house.forget()

    assert house.found(b"kanarie", ID) == []
    ticket = await house.tickets.ticket(done.ticket.id)
    assert ticket is not None
    assert ticket.state == "closed"
    assert await house.tickets.lines(ticket.id) == []
    assert await house.letters.backlog() == 0


async def test_act_stays_with_a_hash_and_others_of_like_names_untouched(house: House):
    audit = Audit(house.db)

    async def allow(_: object) -> Outcome:
        return Outcome("test:771100 is now a member", "test:771100")

    async def allow_other(_: object) -> Outcome:
        return Outcome("test:7711009 is now a member", "test:7711009")

    await audit.once(Act("one", "test:1", "/allow test:771100 kanarie"), allow)
    await audit.once(Act("two", "test:1", "/allow test:7711009"), allow_other)
    await audit.once(Act('["test", "bot", "771100", "5"]', "test:771100", "/quota kanarie"), allow)

    await house.forget()

    own, other, first = await audit.newest(3)
    assert other.command == "/allow test:7711009"
    assert (own.actor, own.command) == (first.subject, "/quota")
    assert own.actor.startswith("forgotten:")
    assert first.actor == "test:1"
    assert "771100'" not in repr(await house.rows("audit"))


async def test_twice_does_no_harm(house: House):
    await house.ask("771100", "kanarie asks")
    await house.forget()

    await house.forget()

    assert house.found(b"kanarie", ID) == []
    assert await house.erasures.pending() == []


async def test_ordered_again_while_it_is_done_is_done_again(house: House):
    await house.erasures.order("test", "771100")
    (who,) = await house.erasures.pending()
    await house.ask("771100", "kanarie asks")
    await house.erasures.order("test", "771100")

    await house.erasures.end(who)

    assert [one.upto for one in await house.erasures.pending()] == [1]


async def test_what_others_quote_is_theirs(house: House):
    quoted = Quoted("q1", "words of ann")
    await house.answer(await house.ask("882200", "look", where=GROUP, quoted=quoted), "I see")

    await house.forget()

    assert await house.window(GROUP) == ["look", "I see"]


@pytest.mark.row(60)
async def test_many_rows_leave_no_trace_in_the_pages_of_the_file(house: House):
    """SQLite moves rows when it balances its tree; what was copied must not stay behind."""
    for number in range(150):
        for who in ("771100", "882200"):
            words = f"{'kanarie' if who == '771100' else 'bob'} {number} " * (number % 40 + 1)
            await house.answer(await house.ask(who, words), words)

    await house.forget()

    assert house.found(b"kanarie", ID) == []
    assert len(await house.window(BOB)) == 300


async def test_ticket_that_was_opened_meanwhile_loses_its_words_too(house: House):
    await house.erasures.order("test", "771100")
    (who,) = await house.erasures.pending()
    scope = await house.eraser.scope(who)
    await house.tickets.call("event", house.customer("771100"), STAFF, help_me)

    await house.eraser.erase(who, scope)

    assert await house.rows("ticket_lines") == []
    assert "kanarie" not in repr(await house.rows("outbox") + await house.rows("tickets"))


async def test_what_was_hung_on_an_emptied_entry_meanwhile_goes_in_the_next_round(house: House):
    entry = await house.ask("771100", "kanarie asks")
    await house.erasures.order("test", "771100")
    (who,) = await house.erasures.pending()
    scope = await house.eraser.scope(who)
    await house.eraser.erase(who, scope)
    await Ratings(house.db).rate(entry.id, 1)
    await house.answer(entry, "kanarie answer")

    await house.eraser.erase(who, scope)
    await house.erasures.end(who)

    assert await house.rows("ratings") == await house.rows("turns") == []
    assert "forgotten:" not in repr(await house.rows("inbox"))


async def test_ratings_of_others_stay_when_nothing_else_of_their_questions_is_left(house: House):
    entry = await house.ask("882200", "bob asks")
    await Ratings(house.db).rate(entry.id, 1)
    async with house.db.write() as connection:
        await spend(connection, inbox.c.id == entry.id, 0.0)

    await house.forget()

    assert len(await house.rows("ratings")) == 1


async def test_group_stays_whose_id_somebody_speaks_under(house: House):
    """As anonymous administrators do on Telegram."""
    await house.answer(await house.ask("882200", "bob in a group", where=GROUP), "bob too")
    await house.answer(await house.ask("-5", "kanarie of a nameless one", where=GROUP), "kanarie")

    await house.forget("-5")

    assert await house.window(GROUP) == ["bob in a group", "bob too"]


async def test_what_they_decided_about_others_stays_without_their_name(house: House):
    digest = "ab" * 32
    await BlockedPictures(house.db).block(digest, b"", who="test:771100", why="bad")
    values = dict.fromkeys((column.name for column in cases.c if not column.nullable), "")
    values |= {"id": 1, "at": 1.0, "score": 0.0, "person": "test:882200"}
    async with house.db.write() as connection:
        await connection.execute(cases.insert().values(**values | {"decided_by": "test:771100"}))

    await house.forget()

    assert len(await house.rows("cases")) == len(await house.rows("blocked_pictures")) == 1
    assert house.found(ID) == []


async def test_what_they_wrote_for_the_desk_stays_without_their_name(house: House):
    """Also where they ordered it in their own chat with us."""
    done = await house.tickets.call("event", house.customer("882200"), STAFF, help_me)

    def close(ticket: Ticket, _number: int, _lines: object) -> Step:
        return Step(ticket, Line("staff", "we see to it", "name of 771100", "test:771100"), ())

    await house.tickets.step('["test", "bot", "771100", "5"]', done.ticket.id, close)

    await house.forget()

    assert [line.text for line in await house.tickets.lines(done.ticket.id)][-1] == "we see to it"
    assert house.found(ID, b"name of 77") == []
