"""What was said, and the photos that wait: kept together with the end of their entry or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.history import History, Said
from bot.storage.inbox import Entry, Inbox

MakeEvent = Callable[..., Event]
CHAT = Conversation("test", "7")
QUESTION = Said("user", "哪个颜色？", ("a" * 64,), 300)
ANSWER = Said("assistant", "红色。", (), 5)


def asking(conversation: Conversation = CHAT) -> Entry:
    """A question that comes after everything else."""
    return Entry(10**9, Event("bot", "last", conversation, Person("p"), "?"), 0)


@pytest.fixture
def inbox(db: Database) -> Inbox:
    return Inbox(db, clock=lambda: 1000.0)


@pytest.fixture
def history(db: Database) -> History:
    return History(db, clock=lambda: 1000.0)


@pytest.fixture
def accepted(inbox: Inbox, make_event: MakeEvent) -> Callable[..., object]:
    """An entry in the line."""

    async def accept(message: str, chat: str = "7") -> Entry:
        await inbox.accept(make_event(message, chat=chat))
        entry = (await inbox.new(1000))[-1]
        await inbox.wait(entry.id)
        return entry

    return accept


def numbered(number: int) -> tuple[Said, Said]:
    return Said("user", f"q{number}", (), 1), Said("assistant", f"a{number}", (), 1)


async def test_a_question_and_its_answer_are_in_the_window(history: History, accepted):
    assert await history.window(CHAT) == []

    assert await history.answered(await accepted("1"), QUESTION, ANSWER, []) is True

    assert await history.window(CHAT) == [QUESTION, ANSWER]


async def test_conversations_do_not_see_each_other(history: History, accepted):
    await history.answered(await accepted("1", chat="7"), QUESTION, ANSWER, [])

    for other in ("8", "77", "", "7 "):
        assert await history.window(Conversation("test", other)) == []
    assert await history.window(replace(CHAT, platform="else")) == []
    assert await history.window(replace(CHAT, thread="1")) == []


async def test_answering_ends_the_entry(history: History, inbox: Inbox, accepted):
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    assert await inbox.waiting() == []


async def test_a_failure_inside_answered_changes_nothing(history: History, inbox: Inbox, accepted):
    entry = await accepted("1")
    await history.keep_photos(entry, ["a" * 64])
    kept = await history.kept_photos(asking())

    with pytest.raises(IntegrityError):  # two turns of the same role: the second insert fails
        await history.answered(entry, QUESTION, replace(ANSWER, role="user"), [kept[0][0]])

    assert await history.window(CHAT) == []
    assert await history.kept_photos(asking()) == kept
    assert await inbox.waiting() == [entry]


async def test_an_entry_that_has_ended_is_not_answered_again(
    history: History, inbox: Inbox, accepted
):
    entry = await accepted("1")
    await history.keep_photos(entry, ["a" * 64])
    ((kept, _),) = await history.kept_photos(asking())
    await inbox.end(entry.id, "stopped")

    assert await history.answered(entry, QUESTION, ANSWER, [kept]) is False

    assert await history.window(CHAT) == []
    assert len(await history.kept_photos(asking())) == 1


async def test_renew_cuts_the_window_and_later_turns_begin_a_new_one(history: History, accepted):
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    await history.renew(CHAT)
    assert await history.window(CHAT) == []

    later = numbered(2)
    await history.answered(await accepted("2"), *later, [])
    assert await history.window(CHAT) == list(later)
    await history.renew(CHAT)
    assert await history.window(CHAT) == []


async def test_renew_leaves_other_conversations_alone(history: History, accepted):
    other = await accepted("1", chat="8")
    await history.answered(await accepted("1", chat="7"), QUESTION, ANSWER, [])
    await history.keep_photos(other, ["b" * 64])
    await history.answered(await accepted("2", chat="8"), QUESTION, ANSWER, [])

    await history.renew(CHAT)

    there = Conversation("test", "8")
    assert len(await history.window(there)) == 2
    assert len(await history.kept_photos(asking(there))) == 1


async def test_renewing_an_empty_conversation_does_no_harm(history: History, accepted):
    await history.renew(CHAT)
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    assert len(await history.window(CHAT)) == 2


async def test_renew_forgets_photos_that_wait(history: History, accepted):
    await history.keep_photos(await accepted("1"), ["a" * 64])

    await history.renew(CHAT)

    assert await history.kept_photos(asking()) == []


async def test_kept_photos_wait_in_order_and_are_used_once(history: History, accepted):
    await history.keep_photos(await accepted("1"), ["b" * 64, "a" * 64])
    await history.keep_photos(await accepted("2"), ["c" * 64])
    kept = await history.kept_photos(asking())
    assert [digest[0] for _, digest in kept] == ["b", "a", "c"]

    await history.answered(await accepted("3"), QUESTION, ANSWER, [kept[0][0], kept[1][0]])

    assert await history.kept_photos(asking()) == kept[2:]


async def test_keeping_the_same_entry_again_keeps_its_photos_once(history: History, accepted):
    entry = await accepted("1")
    await history.keep_photos(entry, ["a" * 64])

    await history.keep_photos(entry, ["a" * 64, "b" * 64])
    await history.keep_photos(entry, [])

    assert len(await history.kept_photos(asking())) == 2


async def test_a_question_does_not_see_photos_that_came_after_it(history: History, accepted):
    await history.keep_photos(await accepted("1"), ["a" * 64])
    question = await accepted("2")
    await history.keep_photos(await accepted("3"), ["b" * 64])

    assert [digest[0] for _, digest in await history.kept_photos(question)] == ["a"]


async def test_a_question_without_an_answer_lets_go_of_its_photos_alone(
    history: History, inbox: Inbox, accepted
):
    await history.keep_photos(await accepted("1"), ["a" * 64])
    question = await accepted("2")
    await history.keep_photos(await accepted("3"), ["b" * 64])

    await history.unanswered(question, "refused")

    assert [digest[0] for _, digest in await history.kept_photos(asking())] == ["b"]
    assert question.id not in [entry.id for entry in await inbox.waiting()]


async def test_an_end_that_comes_too_late_lets_go_of_nothing(
    history: History, inbox: Inbox, accepted
):
    await history.keep_photos(await accepted("1"), ["a" * 64])
    question = await accepted("2")
    await inbox.end(question.id, "stopped")

    await history.unanswered(question, "refused")

    assert len(await history.kept_photos(asking())) == 1


async def test_unsound_words_are_kept_readable(history: History, accepted):
    await history.answered(await accepted("1"), replace(QUESTION, text="a\ud800b\0"), ANSWER, [])

    assert (await history.window(CHAT))[0].text == "a\ufffdb\ufffd"


async def test_answers_of_many_conversations_at_once_all_arrive(history: History, accepted):
    entries = [await accepted("1", chat=str(chat)) for chat in range(20)]

    await asyncio.gather(*(history.answered(e, QUESTION, ANSWER, []) for e in entries))

    for entry in entries:
        assert await history.window(entry.event.conversation) == [QUESTION, ANSWER]


async def test_the_beginning_of_a_very_long_window_seldom_moves(history: History, accepted):
    beginnings: list[str] = []
    for number in range(400):
        await history.answered(await accepted(str(number)), *numbered(number), [])
        if number >= 250:
            window = await history.window(CHAT)
            beginnings.append(window[0].text)
            assert window[-1].text == f"a{number}"
            assert len(window) <= 767

    assert set(beginnings) == {"q0", "q128"}
