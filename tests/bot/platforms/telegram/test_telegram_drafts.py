"""Answers as drafts: what is seen while they are written, and what stands in the end."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable

import pytest

from bot.event import Button, Conversation
from bot.platforms.base import Gone, Post, TooFast, Unclear
from bot.platforms.telegram.adapter import Telegram
from tests.bot.platforms.telegram.receiving import QUICK, Heard, Inbox, running
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.flood import FloodRules
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]

STOP = Button("stop", "Stop")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    rules = FloodRules(chat_per_s=1000.0, chat_burst=1000, all_per_s=1000)
    async with Emulator(flood=rules) as emulator:
        yield emulator
    assert emulator.complaints == []


@pytest.fixture
async def telegram(emulator: Emulator, make: Make) -> AsyncIterator[Telegram]:
    telegram = make(drafts=True)
    async with running(telegram, Inbox().accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))
        yield telegram


@pytest.fixture
def person(emulator: Emulator) -> Person:
    return emulator.person()


def _to(chat: Chat, thread: str = "") -> Conversation:
    return Conversation("telegram", str(chat.id), thread)


async def _open(telegram: Telegram, chat: Chat, reply_to: str | None = None) -> str:
    return await telegram.send(_to(chat), Post("…", final=False), reply_to=reply_to, key="k")


async def test_an_answer_is_a_draft_until_it_is_final(telegram: Telegram, person: Person) -> None:
    question = person.says("what is it?")

    draft = await _open(telegram, person.chat, str(question.id))
    opened = person.reads()
    same = await telegram.edit(_to(person.chat), draft, Post("A red", final=False))
    shown = person.reads()
    number = await telegram.edit(
        _to(person.chat), draft, Post("A **red** circle", rich=True, buttons=(STOP,))
    )

    assert draft == same == f"draft:{question.id}"
    assert opened == ["Li: what is it?", "(Vision writes: …)"]
    assert shown == ["Li: what is it?", "(Vision writes: A red)"]
    assert person.reads() == ["Li: what is it?", "Vision: A red circle {Stop}"]
    assert person.sees()[1].answers == question.id
    assert number == str(person.sees()[1].id)


async def test_after_the_final_the_message_is_edited_as_any_other(
    telegram: Telegram, person: Person
) -> None:
    draft = await _open(telegram, person.chat)
    number = await telegram.edit(_to(person.chat), draft, Post("A red circle", buttons=(STOP,)))

    await telegram.edit(_to(person.chat), number, Post("A red circle"))

    [message] = person.sees()
    assert (message.text, message.buttons) == ("A red circle", ())


async def test_the_app_offers_to_stop_a_draft(emulator: Emulator, make: Make) -> None:
    telegram, inbox, person = make(drafts=True), Inbox(), emulator.person()
    async with running(telegram, inbox.accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))
        question = person.says("what is it?")
        draft = await _open(telegram, person.chat, str(question.id))
        person.stops()
        await emulator.until(lambda: len(inbox.events) == 2)

    press = inbox.events[1]
    assert (press.kind, press.text, press.about) == ("press", "stop", draft)
    assert press.conversation == inbox.events[0].conversation
    assert press.person.id == inbox.events[0].person.id


async def test_a_draft_that_does_not_change_is_shown_again_before_it_vanishes(
    emulator: Emulator, make: Make, person: Person
) -> None:
    telegram = make(drafts=True, timings=dataclasses.replace(QUICK, draft_s=0.01))
    async with running(telegram, Inbox().accept):
        draft = await _open(telegram, person.chat)
        await emulator.until(lambda: len(person.chat.previews) >= 3)
        await telegram.edit(_to(person.chat), draft, Post("done"))
        shown = len(person.chat.previews)
        other = emulator.person("Ann")
        await _open(telegram, other.chat)
        await emulator.until(lambda: len(other.chat.previews) >= 5)

    assert {preview.text for preview in person.chat.previews} == {"…"}
    assert len(person.chat.previews) == shown  # none came after the final
    assert person.reads() == ["Vision: done"]


async def test_a_draft_that_nobody_changes_any_more_is_let_go(
    emulator: Emulator, make: Make, person: Person, heard: Heard
) -> None:
    """Else an answer that failed without a final would be kept in sight for ever."""
    timings = dataclasses.replace(QUICK, draft_s=0.01, draft_abandoned_s=0.5)
    telegram = make(drafts=True, timings=timings)
    async with running(telegram, Inbox().accept):
        await _open(telegram, person.chat)
        await heard.until(f"the draft in chat {person.chat.id} did not change for long")
        shown = len(person.chat.previews)
        await asyncio.sleep(20 * timings.draft_s)

    assert shown >= 2  # it was kept alive before
    assert len(person.chat.previews) == shown


async def test_a_message_in_between_does_not_end_the_draft(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    await _open(telegram, person.chat)

    await telegram.send(_to(person.chat), Post("Two are before you"), reply_to=None, key="k")
    await emulator.until(person.sees_draft)

    assert person.reads() == ["Vision: Two are before you", "(Vision writes: …)"]


async def test_only_private_chats_have_drafts(emulator: Emulator, telegram: Telegram) -> None:
    group = emulator.group()

    number = await _open(telegram, group)
    await telegram.edit(_to(group), number, Post("done"))

    [message] = emulator.said(group)
    assert (str(message.id), message.is_edited) == (number, True)
    assert emulator.calls_of("sendMessageDraft") == []


async def test_without_the_setting_there_are_no_drafts(
    emulator: Emulator, make: Make, person: Person
) -> None:
    telegram = make()
    async with running(telegram, Inbox().accept):
        await _open(telegram, person.chat)

    assert [message.text for message in person.sees()] == ["…"]


async def test_a_chat_that_takes_no_drafts_gets_edits_for_good(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    other = emulator.person("Ann")
    person.chat.takes_drafts = False
    for text in ("first", "second"):
        number = await _open(telegram, person.chat)
        await telegram.edit(_to(person.chat), number, Post(text))
    await _open(telegram, other.chat)

    assert [[v.text for v in message.versions] for message in person.sees()] == [
        ["…", "first"],
        ["…", "second"],
    ]
    assert len(emulator.calls_of("sendMessageDraft")) == 2  # one refused, one of the other
    assert other.sees_draft() == "…"


async def test_a_draft_that_is_refused_in_the_middle_goes_on_as_a_message(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    question = person.says("what is it?")
    draft = await _open(telegram, person.chat, str(question.id))
    person.chat.takes_drafts = False

    number = await telegram.edit(_to(person.chat), draft, Post("A red", final=False))
    person.chat.takes_drafts = True
    await telegram.edit(_to(person.chat), number, Post("A red circle"))
    next_one = await _open(telegram, person.chat)

    [_, answer] = person.sees()
    assert [version.text for version in answer.versions] == ["A red", "A red circle"]
    assert answer.answers == question.id
    assert next_one.startswith("draft:")  # nothing was wrong with the chat


async def test_a_flood_of_drafts_is_never_answered_with_a_message(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    draft = await _open(telegram, person.chat)
    emulator.flood.ban(person.chat.id, 280)

    with pytest.raises(TooFast) as caught:
        await telegram.edit(_to(person.chat), draft, Post("A red", final=False))

    assert caught.value.retry_after_s == 280
    assert emulator.calls_of("sendMessage") == []


async def test_a_refresh_that_must_wait_holds_the_whole_chat(
    emulator: Emulator, make: Make, person: Person
) -> None:
    telegram = make(drafts=True, timings=dataclasses.replace(QUICK, draft_s=0.01))
    async with running(telegram, Inbox().accept):
        draft = await _open(telegram, person.chat)
        emulator.flood.ban(person.chat.id, 280)
        await emulator.until(lambda: emulator.flood.early)
        await asyncio.sleep(0.05)  # some refreshes long
        calls = len(emulator.calls)
        with pytest.raises(TooFast):
            await telegram.edit(_to(person.chat), draft, Post("done"))
        with pytest.raises(TooFast):
            await _open(telegram, person.chat)

    posts = [call for call in emulator.calls[calls:] if call.method.startswith("send")]
    assert posts == []
    assert len(emulator.flood.early) == 1


async def test_who_blocked_us_is_gone_for_drafts_too(telegram: Telegram, person: Person) -> None:
    draft = await _open(telegram, person.chat)
    person.blocks()

    with pytest.raises(Gone):
        await telegram.edit(_to(person.chat), draft, Post("A red", final=False))
    with pytest.raises(Gone):
        await _open(telegram, person.chat)


async def test_a_draft_of_an_earlier_run_goes_on_below_its_question(
    emulator: Emulator, make: Make, person: Person
) -> None:
    question = person.says("what is it?")
    first, second = make(drafts=True), make(drafts=True)
    async with running(first, Inbox().accept):
        draft = await _open(first, person.chat, str(question.id))
    async with running(second, Inbox().accept):
        await second.edit(_to(person.chat), draft, Post("A red", final=False))
        seen = person.sees_draft()
        await second.edit(_to(person.chat), draft, Post("A red circle"))

    assert seen == "A red"
    assert [(m.text, m.answers) for m in person.sees()[1:]] == [("A red circle", question.id)]


async def test_a_draft_ends_as_a_message_although_drafts_were_turned_off(
    emulator: Emulator, make: Make, person: Person
) -> None:
    first, second = make(drafts=True), make()
    async with running(first, Inbox().accept):
        draft = await _open(first, person.chat)
    async with running(second, Inbox().accept):
        number = await second.edit(_to(person.chat), draft, Post("A red", final=False))
        await second.edit(_to(person.chat), number, Post("A red circle"))

    assert [v.text for m in person.sees() for v in m.versions] == ["A red", "A red circle"]


async def test_a_lost_response_of_the_final_is_unclear_which_config_toml_warns_of(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    draft = await _open(telegram, person.chat)
    emulator.faults.plan("sendMessage", Fault("lost"))

    with pytest.raises(Unclear):
        await telegram.edit(_to(person.chat), draft, Post("done"))
    await telegram.edit(_to(person.chat), draft, Post("done"))

    assert [message.text for message in person.sees()] == ["done", "done"]


async def test_a_draft_in_a_topic_of_a_private_chat_stays_there(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    person.chat.topics[77] = "Maps"
    to = _to(person.chat, "77")

    draft = await telegram.send(to, Post("…", final=False), reply_to=None, key="k")
    await telegram.edit(to, draft, Post("done"))

    assert emulator.calls_of("sendMessageDraft")[0].fields["message_thread_id"] == "77"
    assert [message.thread for message in person.sees()] == [77]
