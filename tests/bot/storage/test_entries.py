"""What a person looks through of what was asked and answered on the page."""

from __future__ import annotations

import pytest

from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.entries import Asked, Entries
from bot.storage.history import History, Said
from bot.storage.inbox import Inbox
from tests.bot.storage.talks import answered
from tests.fakes import FakeTime

ANN, BOB = Conversation("web", "ann"), Conversation("web", "bob")
PHOTO = "a" * 64


@pytest.fixture
def entries(db: Database) -> Entries:
    return Entries(db)


async def questions(entries: Entries, chat: str = "ann", **search: object) -> list[str]:
    return [asked.question for asked in await entries.found(chat, limit=50, **search)]


async def test_entry_is_a_question_with_its_answer_and_photos(db: Database, entries: Entries):
    number = await answered(db, ANN, "what?", "red", (PHOTO,))

    [asked] = await entries.found("ann", limit=50)

    assert asked == Asked(number, asked.at, "what?", (PHOTO,), "red")


async def test_newest_comes_first_and_the_rest_below_it(db: Database, entries: Entries):
    for number in range(5):
        await answered(db, ANN, f"q{number}", "a")

    first = await entries.found("ann", limit=2)
    rest = await entries.found("ann", below=first[-1].id, limit=50)

    assert [asked.question for asked in first] == ["q4", "q3"]
    assert [asked.question for asked in rest] == ["q2", "q1", "q0"]


async def test_only_ones_own_is_found(db: Database, entries: Entries):
    await answered(db, ANN, "mine", "a")
    await answered(db, BOB, "theirs", "a")
    await answered(db, Conversation("telegram", "ann"), "elsewhere", "a")

    assert await questions(entries) == ["mine"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("red",), ["red circle"]),
        (("RED",), ["red circle"]),
        (("circle", "red"), ["red circle"]),
        (("red", "square"), []),
        (("圆形",), ["图里有什么"]),
        (("什么",), ["图里有什么"]),
        (("100%",), ["100% sure_"]),
        (("%",), ["100% sure_"]),
        (("sure_",), ["100% sure_"]),
        (("s_re",), []),
        (("\\",), []),
        (("'; --",), []),
        ((), ["100% sure_", "图里有什么", "red circle"]),
    ],
)
async def test_every_word_is_looked_for_as_it_is_written(
    db: Database, entries: Entries, words: tuple[str, ...], found: list[str]
):
    await answered(db, ANN, "red circle", "yes")
    await answered(db, ANN, "图里有什么", "一个圆形")
    await answered(db, ANN, "100% sure_", "no")

    assert await questions(entries, words=words) == found


async def test_entries_between_two_times(db: Database, entries: Entries):
    time = FakeTime()
    for number in range(4):
        await _answered_at(db, time.now + number, f"q{number}")

    found = await questions(entries, after=time.now + 1, before=time.now + 3)

    assert found == ["q2", "q1"]


async def test_question_asked_again_has_its_newest_answer_alone(db: Database, entries: Entries):
    first = await answered(db, ANN, "what?", "red")
    inbox, history = Inbox(db), History(db)
    again = await answered(db, BOB, "unrelated", "x")
    event = (await inbox.entry(first)).event
    await inbox.accept(type(event)("bot", "press", ANN, event.person, "again", kind="press"))
    entry = await inbox.said(ANN, "press")
    await history.answered(
        entry, Said("user", "what?", (), 1), Said("assistant", "blue", (), 1), (), replaces=first
    )

    found = await entries.found("ann", limit=50)

    assert [(asked.id, asked.answer) for asked in found] == [(entry.id, "blue")]
    assert again != entry.id


async def test_all_are_written_out_however_many_there_are(db: Database, entries: Entries):
    for number in range(120):
        await answered(db, ANN, f"q{number}", "a")

    seen = [asked.question async for asked in entries.each("ann")]

    assert seen == [f"q{number}" for number in reversed(range(120))]


async def _answered_at(db: Database, at: float, question: str) -> None:
    inbox, history = Inbox(db), History(db, clock=lambda: at)
    number = await answered(db, Conversation("web", "nobody"), question, "x")
    event = (await inbox.entry(number)).event
    await inbox.accept(type(event)("bot", question, ANN, event.person, question))
    entry = await inbox.said(ANN, question)
    await history.answered(entry, Said("user", question, (), 1), Said("assistant", "a", (), 1), ())
