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
from tests.opened import new_in, waiting_in

MakeEvent = Callable[..., Event]
CHAT = Conversation("test", "7")
PHOTO, OTHER = "a" * 64, "b" * 64
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
        entry = (await new_in(inbox, 1000))[-1]
        await inbox.wait(entry.id)
        return entry

    return accept


async def said(history: History, conversation: Conversation) -> list[Said]:
    return (await history.past(conversation)).turns


async def waiting(history: History, entry: Entry) -> list[str]:
    """The first letter of each digest."""
    return [kept.digest[0] for kept in await history.kept_photos(entry)]


def numbered(number: int) -> tuple[Said, Said]:
    return Said("user", f"q{number}", (), 1), Said("assistant", f"a{number}", (), 1)


async def test_a_question_and_its_answer_are_in_the_window(history: History, accepted):
    assert await said(history, CHAT) == []

    assert await history.answered(await accepted("1"), QUESTION, ANSWER, []) is True

    assert await said(history, CHAT) == [QUESTION, ANSWER]


async def test_conversations_do_not_see_each_other(history: History, accepted):
    await history.answered(await accepted("1", chat="7"), QUESTION, ANSWER, [])

    for other in ("8", "77", "", "7 "):
        assert await said(history, Conversation("test", other)) == []
    assert await said(history, replace(CHAT, platform="else")) == []
    assert await said(history, replace(CHAT, thread="1")) == []


async def test_answering_ends_the_entry(history: History, inbox: Inbox, accepted):
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    assert await waiting_in(inbox) == []


async def test_a_failure_inside_answered_changes_nothing(history: History, inbox: Inbox, accepted):
    entry = await accepted("1")
    await history.keep_photos(entry, ["a" * 64])
    kept = await history.kept_photos(asking())

    with pytest.raises(IntegrityError):  # two turns of the same role: the second insert fails
        await history.answered(entry, QUESTION, replace(ANSWER, role="user"), [kept[0].id])

    assert await said(history, CHAT) == []
    assert await history.kept_photos(asking()) == kept
    assert [one.id for one in await waiting_in(inbox)] == [entry.id]


async def test_an_entry_that_has_ended_is_not_answered_again(
    history: History, inbox: Inbox, accepted
):
    entry = await accepted("1")
    await history.keep_photos(entry, ["a" * 64])
    (kept,) = await history.kept_photos(asking())
    await inbox.end(entry.id, "stopped")

    assert await history.answered(entry, QUESTION, ANSWER, [kept.id]) is False

    assert await said(history, CHAT) == []
    assert len(await history.kept_photos(asking())) == 1


async def test_renew_cuts_the_window_and_later_turns_begin_a_new_one(history: History, accepted):
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    await history.renew(CHAT)
    assert await said(history, CHAT) == []

    later = numbered(2)
    await history.answered(await accepted("2"), *later, [])
    assert await said(history, CHAT) == list(later)
    await history.renew(CHAT)
    assert await said(history, CHAT) == []


async def test_renew_leaves_other_conversations_alone(history: History, accepted):
    other = await accepted("1", chat="8")
    await history.answered(await accepted("1", chat="7"), QUESTION, ANSWER, [])
    await history.keep_photos(other, ["b" * 64])
    await history.answered(await accepted("2", chat="8"), QUESTION, ANSWER, [])

    await history.renew(CHAT)

    there = Conversation("test", "8")
    assert len(await said(history, there)) == 2
    assert len(await history.kept_photos(asking(there))) == 1


async def test_renewing_an_empty_conversation_does_no_harm(history: History, accepted):
    await history.renew(CHAT)
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])

    assert len(await said(history, CHAT)) == 2


async def test_renew_forgets_photos_that_wait(history: History, accepted):
    await history.keep_photos(await accepted("1"), ["a" * 64])

    await history.renew(CHAT)

    assert await history.kept_photos(asking()) == []


async def test_kept_photos_wait_in_order_and_are_used_once(history: History, accepted):
    await history.keep_photos(await accepted("1"), ["b" * 64, "a" * 64])
    await history.keep_photos(await accepted("2"), ["c" * 64])
    kept = await history.kept_photos(asking())
    assert [photo.digest[0] for photo in kept] == ["b", "a", "c"]

    await history.answered(await accepted("3"), QUESTION, ANSWER, [kept[0].id, kept[1].id])

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

    assert await waiting(history, question) == ["a"]


async def test_a_question_without_an_answer_lets_go_of_its_photos_alone(
    history: History, inbox: Inbox, accepted
):
    await history.keep_photos(await accepted("1"), ["a" * 64])
    question = await accepted("2")
    await history.keep_photos(await accepted("3"), ["b" * 64])

    await history.unanswered(question, "refused")

    assert await waiting(history, asking()) == ["b"]
    assert question.id not in [entry.id for entry in await waiting_in(inbox)]


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

    assert (await said(history, CHAT))[0].text == "a\ufffdb\ufffd"


async def test_answers_of_many_conversations_at_once_all_arrive(history: History, accepted):
    entries = [await accepted("1", chat=str(chat)) for chat in range(20)]

    await asyncio.gather(*(history.answered(e, QUESTION, ANSWER, []) for e in entries))

    for entry in entries:
        assert await said(history, entry.event.conversation) == [QUESTION, ANSWER]


async def test_the_beginning_of_a_very_long_window_seldom_moves(history: History, accepted):
    beginnings: list[str] = []
    await history.answered(
        await accepted("0"), replace(QUESTION, photos=(PHOTO, OTHER)), ANSWER, []
    )
    for number in range(1, 390):
        await history.answered(await accepted(str(number)), *numbered(number), [])
        if number >= 250 and number % 5 == 0:
            window = await said(history, CHAT)
            beginnings.append(window[0].text)
            assert window[-1].text == f"a{number}"
            assert len(window) <= 767

    assert set(beginnings) == {QUESTION.text, "q128"}
    past = await history.past(CHAT)
    assert (past.messages, past.photos) == (256, 2)  # that are not read any more
    assert past.newest_photos == (PHOTO, OTHER)


async def test_newest_photos_are_those_of_the_last_question_with_any(history: History, accepted):
    await history.answered(await accepted("1"), replace(QUESTION, photos=(PHOTO,)), ANSWER, [])
    await history.answered(await accepted("2"), replace(QUESTION, photos=(OTHER,)), ANSWER, [])
    await history.answered(await accepted("3"), *numbered(3), [])
    assert (await history.past(CHAT)).newest_photos == (OTHER,)

    await history.renew(CHAT)
    assert (await history.past(CHAT)).newest_photos == ()


async def test_that_the_talk_is_long_is_told_until_a_new_topic(history: History, accepted):
    assert not (await history.past(CHAT)).told_long

    await history.answered(await accepted("1"), QUESTION, ANSWER, [], tells_long=True)
    assert (await history.past(CHAT)).told_long
    assert await said(history, CHAT) == [QUESTION, ANSWER]

    await history.renew(CHAT)
    assert not (await history.past(CHAT)).told_long
    await history.answered(await accepted("2"), QUESTION, ANSWER, [], tells_long=True)
    assert (await history.past(CHAT)).told_long
    assert await said(history, CHAT) == [QUESTION, ANSWER]


async def test_new_answer_takes_the_place_of_the_old_one(history: History, accepted):
    first = await accepted("1")
    await history.answered(first, QUESTION, ANSWER, [])
    await history.answered(await accepted("2"), *numbered(2), [])
    assert (await history.past(CHAT, without=first.id)).turns == [*numbered(2)]

    other = replace(ANSWER, text="Rot.")
    await history.answered(await accepted("3"), QUESTION, other, [], replaces=first.id)

    assert await said(history, CHAT) == [*numbered(2), QUESTION, other]


async def test_question_asked_anew_time_and_again_has_one_answer(history: History, accepted):
    """Also when the button below the first answer is pressed, which stands there yet."""
    first, second, third = [await accepted(message) for message in "123"]
    await history.answered(first, QUESTION, ANSWER, [])
    await history.answered(second, QUESTION, ANSWER, [], replaces=first.id)
    assert (await history.past(CHAT, without=first.id)).turns == []

    with_photo = replace(QUESTION, photos=(OTHER,))
    await history.answered(third, with_photo, ANSWER, [], replaces=first.id)

    assert await said(history, CHAT) == [with_photo, ANSWER]
    for entry in (first, second, third):
        assert await history.first_asked(entry.id) == first.id
        assert await history.question_of(entry.id) == with_photo


async def test_what_was_not_answered_was_not_asked(history: History, accepted):
    entry = await accepted("1")

    assert await history.first_asked(entry.id) is None
    assert await history.question_of(entry.id) is None
    assert await history.photos_of(entry.id) == []


async def test_question_without_photo_is_about_the_newest_before_it(history: History, accepted):
    await history.answered(await accepted("1"), replace(QUESTION, photos=(PHOTO,)), ANSWER, [])
    follow_up = await accepted("2")
    await history.answered(follow_up, *numbered(2), [])
    await history.answered(await accepted("3"), replace(QUESTION, photos=(OTHER,)), ANSWER, [])

    assert await history.photos_of(follow_up.id) == [PHOTO]


async def test_question_is_about_no_photo_of_an_earlier_topic(history: History, accepted):
    await history.answered(await accepted("1"), QUESTION, ANSWER, [])
    await history.renew(CHAT)
    question = await accepted("2")
    await history.answered(question, *numbered(2), [])

    assert await history.photos_of(question.id) == []


async def test_question_is_about_no_photo_of_another_conversation(history: History, accepted):
    await history.answered(await accepted("1", chat="8"), QUESTION, ANSWER, [])
    question = await accepted("2")
    await history.answered(question, *numbered(2), [])

    assert await history.photos_of(question.id) == []


async def test_newest_answer_is_that_of_the_person(history: History, inbox: Inbox, make_event):
    entries = []
    for message, person in (("1", "ann"), ("2", "bob"), ("3", "ann")):
        await inbox.accept(replace(make_event(message), person=Person(person)))
        entries.append((await new_in(inbox, 1))[0])
        await inbox.wait(entries[-1].id)
    for entry in entries[:2]:
        await history.answered(entry, QUESTION, ANSWER, [])

    assert await history.newest_answer(CHAT, "ann") == entries[0].id
    assert await history.newest_answer(CHAT, "bob") == entries[1].id
    assert await history.newest_answer(CHAT, "eve") is None


async def test_photos_of_a_stopped_question_wait_for_the_next_one(history: History, accepted):
    await history.stopped(await accepted("1"), [PHOTO])

    kept = await history.kept_photos(await accepted("2"))

    assert [one.digest for one in kept] == [PHOTO]


async def test_question_that_had_its_end_leaves_no_photos_when_it_is_stopped(
    history: History, accepted
):
    entry = await accepted("1")
    await history.answered(entry, QUESTION, ANSWER, [])

    await history.stopped(entry, [PHOTO])

    assert await history.kept_photos(await accepted("2")) == []


async def test_question_without_an_answer_takes_only_the_photos_it_used(history: History, accepted):
    await history.keep_photos(await accepted("1"), [PHOTO, OTHER])
    entry = await accepted("2")
    used, _ = await history.kept_photos(entry)

    await history.unanswered(entry, "refused", [used.id])

    kept = await history.kept_photos(await accepted("3"))
    assert [one.digest for one in kept] == [OTHER]
