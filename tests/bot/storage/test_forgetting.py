"""What people delete on the page is gone: for them, for the model, and from the disk."""

from __future__ import annotations

import os
import time as real_time
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.entries import Entries
from bot.storage.forgetting import Forgetting
from bot.storage.history import History, Said
from bot.storage.inbox import Entry, Inbox
from bot.storage.page import Page
from bot.storage.photos import Photos
from bot.storage.soundness import FILE
from tests.bot.storage.ground import on_sqlite

ANN, BOB = Conversation("web", "ann"), Conversation("web", "bob")
LATER_S = 7200.0


class Place:
    """The stores of a page, and people who ask there."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.now, self.asked = db, 1_800_000_000.0, 0
        self.photos, self.page = Photos(folder / "photos"), Page(db)
        self.inbox, self.history, self.entries = Inbox(db), History(db), Entries(db)
        self.forgetting = Forgetting(db, self.photos, clock=lambda: self.now)

    async def ask(self, question: str, *photos: str, where: Conversation = ANN) -> Entry:
        self.asked += 1
        key = f"question-{self.asked}"
        await self.page.add(where.chat, "person", question, photos, final=True, key=key)
        attached = tuple(Attachment(digest) for digest in photos)
        await self.inbox.accept(Event("web", key, where, Person(where.chat), question, attached))
        entry = await self.inbox.said(where, key)
        assert entry is not None
        return entry

    async def answer(
        self, entry: Entry, answer: str, *photos: str, replaces: int | None = None
    ) -> int:
        """The message of the page that shows it."""
        where = entry.event.conversation
        key = await self.inbox.open_reply(entry.id, 0)
        message = await self.page.add(where.chat, "bot", answer, [], final=True, key=f"bot:{key}")
        await self.inbox.note_reply(entry.id, 0, str(message))
        question = Said("user", entry.event.text, photos, 1)
        await self.history.answered(
            entry, question, Said("assistant", answer, (), 1), (), replaces=replaces
        )
        return message

    async def press(self, message: int, name: str, said: str = "") -> Entry:
        about = f"{message}/press/{name}/1"
        person = Person(ANN.chat)
        await self.inbox.accept(
            Event("web", about, ANN, person, name, kind="press", about=str(message))
        )
        entry = await self.inbox.said(ANN, about)
        assert entry is not None
        if said:
            key = f"bot:say-{entry.id}-1.000000"
            await self.page.add(ANN.chat, "bot", said, [], final=True, key=key)
            await self.inbox.end(entry.id, "said")
        return entry

    async def seen(self, chat: str = "ann") -> list[str]:
        return [message.text for message in await self.page.messages(chat, limit=100)]

    async def window(self, where: Conversation = ANN) -> list[str]:
        return [said.text for said in (await self.history.past(where)).turns]

    async def photo(self, data: bytes, *, age_s: float = 3600.0) -> str:
        digest = await self.photos.put(data)
        self.age(digest, age_s)
        return digest

    def age(self, digest: str, age_s: float) -> None:
        then = real_time.time() - age_s
        os.utime(self.photos._path(digest), (then, then))

    async def has(self, digest: str) -> bool:
        self.now += LATER_S
        await self.forgetting.sweep()
        try:
            await self.photos.get(digest)
        except FileNotFoundError:
            return False
        return True


@pytest.fixture
def place(db: Database, tmp_path: Path) -> Place:
    return Place(db, tmp_path)


async def test_deleted_question_is_gone_with_its_answer_for_people_and_model(place: Place):
    kept = await place.ask("kept?")
    await place.answer(kept, "yes")
    gone = await place.ask("gone?")
    await place.answer(gone, "no")

    messages = await place.forgetting.forget("ann", gone.id)

    assert len(messages or ()) == 2
    assert await place.seen() == ["kept?", "yes"]
    assert await place.window() == ["kept?", "yes"]
    assert [asked.question for asked in await place.entries.found("ann", limit=9)] == ["kept?"]


async def test_no_word_of_it_stays_in_the_database(place: Place):
    entry = await place.ask("a canary question")
    message = await place.answer(entry, "a canary answer")
    await place.press(message, "up", "a canary thanks")

    await place.forgetting.forget("ann", entry.id)

    assert await canaries(place.db) == []


async def test_deleting_all_leaves_no_word_either(place: Place):
    await place.answer(await place.ask("a canary question"), "a canary answer")
    await place.page.add("ann", "bot", "a canary of staff", [], final=True)
    refused = await place.ask("a canary refused")
    await place.inbox.end(refused.id, "refused")

    await place.forgetting.forget_all("ann")

    assert await canaries(place.db) == []
    assert await place.window() == []


async def test_all_answers_to_a_question_go_with_it(place: Place):
    first = await place.ask("what?")
    message = await place.answer(first, "red")
    again = await place.press(message, "again")
    await place.answer(again, "blue", replaces=first.id)

    await place.forgetting.forget("ann", again.id)

    assert await place.seen() == []
    assert await place.window() == []


async def test_question_that_comes_again_after_that_is_not_answered_again(place: Place):
    entry = await place.ask("what?")
    await place.answer(entry, "red")
    await place.forgetting.forget("ann", entry.id)

    assert not await place.inbox.accept(entry.event)


async def test_nobody_deletes_what_is_anothers(place: Place):
    entry = await place.ask("mine", where=BOB)
    await place.answer(entry, "yes")

    messages = await place.forgetting.forget("ann", entry.id)
    await place.forgetting.forget_all("ann")

    assert messages == []
    assert await place.seen("bob") == ["mine", "yes"]


@pytest.mark.parametrize("entry", [0, -1, 99, 2**63, 10**17])
async def test_what_is_not_there_cannot_be_deleted(place: Place, entry: int):
    assert await place.forgetting.forget("ann", entry) == []


async def test_nothing_is_deleted_while_something_is_being_answered(place: Place):
    entry = await place.ask("what?")
    await place.answer(entry, "red")
    running = await place.ask("more?")

    one = await place.forgetting.forget("ann", entry.id)
    everything = await place.forgetting.forget_all("ann")
    await place.answer(running, "done")

    assert (one, everything) == (None, None)
    assert await place.window() == ["what?", "red", "more?", "done"]


async def test_window_goes_on_after_its_newest_turns_are_deleted(place: Place):
    """The numbers of deleted turns are given out again; a window may not begin behind them."""
    entry = await place.ask("old?")
    await place.answer(entry, "old")
    await place.history.renew(ANN)
    await place.forgetting.forget("ann", entry.id)

    await place.answer(await place.ask("new?"), "new")

    assert await place.window() == ["new?", "new"]


async def test_number_of_a_deleted_message_is_never_given_out_again(place: Place):
    entry = await place.ask("what?")
    message = await place.answer(entry, "red")
    await place.forgetting.forget_all("ann")

    assert await place.page.add("ann", "person", "x", [], final=True) > message


def traces(folder: Path, word: bytes) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and word in file.read_bytes()]


@on_sqlite  # a server keeps its own files
async def test_no_word_of_it_stays_in_any_file(place: Place):
    folder = place.db.data_dir
    entry = await place.ask("a canary question")
    await place.answer(entry, "a canary answer")
    assert traces(folder, b"canary") == [f"{FILE}-wal"]

    await place.forgetting.forget("ann", entry.id)
    await place.forgetting.sweep()

    assert traces(folder, b"canary") == []


@on_sqlite  # a server keeps its own files
async def test_while_somebody_reads_the_words_go_with_a_later_sweep(place: Place):
    entry = await place.ask("a canary question")
    await place.answer(entry, "yes")
    async with place.db.read() as connection:
        await connection.execute(text("SELECT count(*) FROM inbox"))
        await place.forgetting.forget("ann", entry.id)
        await place.forgetting.sweep()

    await place.forgetting.sweep()

    assert traces(place.db.data_dir, b"canary") == []


async def test_photo_nobody_needs_any_more_is_removed_from_the_disk(place: Place):
    digest = await place.photo(b"one")
    entry = await place.ask("what?", digest)
    await place.answer(entry, "red", digest)

    await place.forgetting.forget("ann", entry.id)

    assert not await place.has(digest)


async def test_photo_sent_without_words_goes_with_the_question_about_it(place: Place):
    digest = await place.photo(b"one")
    alone = await place.ask("", digest)
    await place.inbox.end(alone.id, "said")
    entry = await place.ask("what?")
    await place.answer(entry, "red", digest)

    await place.forgetting.forget("ann", entry.id)

    assert await place.seen() == []
    assert not await place.has(digest)


@pytest.mark.parametrize("other", [ANN, BOB], ids=["a later question", "another person"])
async def test_photo_that_somebody_else_has_too_stays(place: Place, other: Conversation):
    digest = await place.photo(b"one")
    entry = await place.ask("what?", digest)
    await place.answer(entry, "red", digest)
    also = await place.ask("and now?", where=other)
    await place.answer(also, "blue", digest)

    await place.forgetting.forget("ann", entry.id)

    assert await place.has(digest)


async def test_photo_put_anew_meanwhile_stays_until_it_is_known_who_needs_it(place: Place):
    digest = await place.photo(b"one")
    entry = await place.ask("what?", digest)
    await place.answer(entry, "red", digest)
    await place.forgetting.forget("ann", entry.id)

    await place.photos.put(b"one")
    stays = await place.has(digest)
    place.age(digest, 3600)

    assert (stays, await place.has(digest)) == (True, False)


async def canaries(db: Database) -> list[str]:
    async with db.read() as connection:
        tables = await connection.run_sync(lambda one: inspect(one).get_table_names())
        return [
            str(row)
            for table in tables
            for row in await connection.execute(text(f'SELECT * FROM "{table}"'))
            if "canary" in str(row)
        ]
