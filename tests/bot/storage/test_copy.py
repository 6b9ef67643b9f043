"""The copy that people take along: all of theirs, nothing of anybody else's, not too large."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.cases import Cases, Facts
from bot.storage.copy import Copies
from bot.storage.db import Database, Transaction
from bot.storage.history import History, Said
from bot.storage.inbox import Entry, Inbox
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings

pytestmark = pytest.mark.asyncio

ANN, BOB = Conversation("test", "ann"), Conversation("test", "bob")
GROUP = Conversation("test", "-5")
FACTS = Facts(
    "key", "request", "test:ann", ANN, "q1", "en", "question", "block", "abuse", "the-detector",
    "v1", 0.9, "masked", "", "", "subject",
)  # fmt: skip


class House:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.asked = db, 0
        self.inbox, self.history, self.people = Inbox(db), History(db), People(db)
        self.photos = Photos(folder / "photos")
        self.copies = Copies(db, self.photos, clock=lambda: 0.0)

    async def ask(self, where: Conversation, person: str, words: str, *photos: str) -> Entry:
        self.asked += 1
        message = f"q{self.asked}"
        attached = tuple(Attachment(one) for one in photos)
        event = Event("bot", message, where, Person(person, name=person), words, attached)
        await self.inbox.accept(replace(event, group=where == GROUP))
        await self.people.meet(event)
        entry = await self.inbox.said(where, message)
        assert entry is not None
        answer = Said("assistant", f"answer to {words}", (), 1)
        await self.history.answered(entry, Said("user", words, photos, 1), answer, ())
        return entry

    async def copied(self, person: str = "ann", **limits: Any) -> tuple[dict[str, Any], list[str]]:
        file = io.BytesIO()
        await self.copies.write("test", person, file, **limits)
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            return json.loads(archive.read("data.json")), archive.namelist()


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


async def test_copy_has_questions_answers_settings_ratings_and_photos(house: House):
    photo = await house.photos.put(b"\xff\xd8 a photo")
    entry = await house.ask(ANN, "ann", "my question", photo)
    await Ratings(house.db).rate(entry.id, 1)

    data, names = await house.copied()

    assert names == [f"photos/{photo}.jpg", "data.json"]
    assert data["person"] == "test:ann"
    assert data["settings"]["name"] == "ann"
    assert [one["text"] for one in data["messages"]] == ["my question"]
    assert data["messages"][0]["your_rating_of_the_answer"] == 1
    said = [(one["said_by"], one["text"]) for one in data["questions_and_answers"]]
    assert said == [("bot", "answer to my question"), ("you", "my question")]


@pytest.mark.row(60)
async def test_copy_has_nothing_of_anybody_else(house: House):
    bobs = await house.photos.put(b"\xff\xd8 bobs")
    await house.ask(ANN, "ann", "my question")
    await house.ask(BOB, "bob", "bobs question", bobs)
    await house.ask(GROUP, "ann", "my question in a group")
    await house.ask(GROUP, "bob", "bobs question in a group")

    data, names = await house.copied()

    assert "bob" not in json.dumps(data)
    assert "my question in a group" in json.dumps(data)
    assert names == ["data.json"]


async def test_case_is_told_without_how_it_was_found(house: House):
    async def nothing(_connection: Transaction, _case: object) -> None:
        pass

    await Cases(house.db).file(FACTS, nothing)

    data, _ = await house.copied()

    assert [one["category"] for one in data["cases"]] == ["abuse"]
    assert "the-detector" not in json.dumps(data)
    assert "0.9" not in json.dumps(data["cases"])


async def test_newest_photos_fit_and_the_others_are_named(house: House):
    for number in range(3):
        photo = await house.photos.put(bytes([255, 216, number]) * 1000)
        await house.ask(ANN, "ann", f"question {number}", photo)

    data, names = await house.copied(most_bytes=8_000)

    assert 0 < len(names) - 1 < 3
    assert len(data["photos_left_out"]) == 3 - (len(names) - 1)
    assert names[0].startswith(f"photos/{photo}")


async def test_copy_of_somebody_unknown_is_empty(house: House):
    data, names = await house.copied("nobody")

    assert data["messages"] == []
    assert names == ["data.json"]


async def test_photo_that_is_not_kept_any_more_is_left_out(house: House):
    await house.ask(ANN, "ann", "my question", "0" * 64)

    _, names = await house.copied()

    assert names == ["data.json"]
