"""Who may say what: persons are heard, all others are not; and what a pressed button does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from telegram import Bot

from bot.event import Event
from bot.platforms.telegram.adapter import Telegram
from bot.platforms.telegram.receiver import Receiver
from bot.platforms.telegram.words import Account
from tests.bot.platforms.telegram.receiving import Heard, Inbox, running
from tests.emulators.telegram.chats import Chat, Message
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.emulators.telegram.strangers import STRANGERS

Make = Callable[..., Telegram]


def _answer(emulator: Emulator, chat: Chat, *names: str) -> Message:
    """A message of the bot with these buttons."""
    rows = [[{"text": name.title(), "callback_data": name} for name in names]]
    return chat.add(emulator.bot, {"text": "A red", "reply_markup": {"inline_keyboard": rows}})


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.row(57)
async def test_who_is_no_person_gives_no_order(
    emulator: Emulator, make: Make, inbox: Inbox, stranger: str
) -> None:
    group = emulator.group()
    STRANGERS[stranger](emulator, group, "@vision_bot /ban 5")
    emulator.person("Ann").says("@vision_bot hello", to=group)

    async with running(make(), inbox.accept):
        await emulator.until(lambda: inbox.events)

    assert inbox.texts() == ["hello"]


@pytest.mark.row(57)
async def test_an_order_that_was_forwarded_or_edited_is_marked_as_such(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    owner, li = emulator.person("Owner"), emulator.person("Li")
    order = owner.says("/ban 5")
    li.forwards(order)
    own = li.says("hello")
    li.edits(own, "/ban 5")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: len(inbox.events) == 4)

    marks = [(event.text, event.forwarded, event.kind) for event in inbox.events]
    assert marks == [
        ("/ban 5", False, "message"),
        ("/ban 5", True, "message"),
        ("hello", False, "message"),
        ("/ban 5", False, "edit"),
    ]
    assert inbox.events[1].person.id == str(li.id)


@pytest.mark.row(57)
async def test_a_person_with_the_owners_name_is_another_person(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    owner = emulator.person("Owner", username="owner")
    double = emulator.person("Owner")
    owner.says("/ban 5")
    double.says("/ban 5")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: len(inbox.events) == 2)

    assert [event.person.id for event in inbox.events] == [str(owner.id), str(double.id)]


@pytest.mark.parametrize("button", ["stop", "Stop"], ids=["by its name", "by its label"])
async def test_a_press_arrives_and_its_button_is_released(
    emulator: Emulator, make: Make, inbox: Inbox, button: str
) -> None:
    person = emulator.person()
    message = _answer(emulator, person.chat, "stop")
    number = person.presses(message, button)

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.queries.unanswered())

    [press] = inbox.events
    assert (press.kind, press.text, press.about) == ("press", "stop", str(message.id))
    assert press.message == f"{message.id}/press/{number}"
    assert press.person.id == str(person.id)
    [call] = emulator.calls_of("answerCallbackQuery")
    assert call.fields == {"callback_query_id": number}


async def test_a_button_is_released_only_after_its_press_is_committed(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()
    person.presses(_answer(emulator, person.chat, "stop"), "stop")
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def accept(event: Event) -> None:
        reached.set()
        await go_on.wait()
        await inbox.accept(event)

    async with running(make(), accept):
        await reached.wait()
        await asyncio.sleep(0.05)  # time enough to release it too early
        early = emulator.calls_of("answerCallbackQuery")
        go_on.set()
        await emulator.until(lambda: not emulator.queries.unanswered())

    assert early == []
    assert len(inbox.events) == 1


async def test_a_press_that_could_not_be_committed_comes_again(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()
    person.presses(_answer(emulator, person.chat, "stop"), "stop")
    inbox.failing = 2

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.queries.unanswered())

    assert [event.text for event in inbox.events] == ["stop"]
    assert len(emulator.calls_of("answerCallbackQuery")) == 1


@pytest.mark.parametrize(
    "fault", [Fault("reset"), Fault("body"), Fault("body", 200, b"?")], ids=["reset", "502", "?"]
)
async def test_a_button_that_cannot_be_released_holds_up_nobody(
    emulator: Emulator, make: Make, inbox: Inbox, fault: Fault
) -> None:
    person = emulator.person()
    message = _answer(emulator, person.chat, "stop", "again")
    emulator.faults.plan("answerCallbackQuery", fault)
    first = person.presses(message, "stop")
    person.presses(message, "again")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: emulator.queries.unanswered() == [first])

    assert [event.text for event in inbox.events] == ["stop", "again"]


async def test_a_press_that_waited_too_long_is_taken_nevertheless(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    person = emulator.person()
    number = person.presses(_answer(emulator, person.chat, "stop"), "stop")
    emulator.queries.age(number, 31)

    async with running(make(), inbox.accept):
        await heard.until("a button was not released: Query is too old")

    assert [event.text for event in inbox.events] == ["stop"]


async def test_a_press_below_a_message_that_telegram_does_not_show_any_more_arrives(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    group = emulator.group()
    message = _answer(emulator, group, "again")
    emulator.person().presses_long_after(message, "again")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: inbox.events)

    [press] = inbox.events
    assert (press.about, press.conversation.chat, press.group) == (
        str(message.id),
        str(group.id),
        True,
    )


async def test_the_same_press_told_twice_has_the_same_name(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()
    emulator.updates.hold()
    person.presses(_answer(emulator, person.chat, "stop"), "stop")
    emulator.updates.release(twice=True)

    async with running(make(), inbox.accept):
        await emulator.until(lambda: inbox.repeated)

    assert len(inbox.events) == 1


def _quoted(inbox: Inbox) -> list[tuple[str, str, bool, int]]:
    return [
        (event.quoted.message, event.quoted.text, event.quoted.ours, len(event.quoted.photos))
        for event in inbox.events
        if event.quoted is not None
    ]


async def test_what_people_reply_to_comes_with_it(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    ann, li = emulator.person("Ann"), emulator.person("Li")
    group = emulator.group(topics=(5,))
    photo = ann.sends_photo(b"no picture", "page 1", to=group, thread=5)
    ours = _answer(emulator, group, "stop")
    li.replies(photo, "@vision_bot read it")
    li.replies(ours, "is that sure?", quote="red")
    li.says("lunch?", to=group, thread=5)
    li.says("and this?", reply_to=photo)

    async with running(make(), inbox.accept):
        await emulator.until(lambda: len(inbox.events) == 5)

    assert _quoted(inbox) == [
        (str(photo.id), "page 1", False, 1),
        (str(ours.id), "red", True, 0),
        ("", "", False, 1),
    ]
    assert [event.addressed for event in inbox.events] == [False, True, True, False, True]


async def test_in_privacy_mode_a_photo_still_comes_with_the_question_about_it(
    make: Make, inbox: Inbox
) -> None:
    async with Emulator(privacy=True) as emulator:
        ann, group = emulator.person("Ann"), emulator.group()
        photo = ann.sends_photo(b"no picture", to=group)
        ann.says("nobody told you", to=group)
        ann.replies(photo, "@vision_bot read it")
        telegram = make(base_url=emulator.url)
        async with running(telegram, inbox.accept):
            await emulator.until(lambda: inbox.events)

    assert inbox.texts() == ["read it"]
    assert _quoted(inbox) == [(str(photo.id), "", False, 1)]


@pytest.mark.row(57)
async def test_an_album_is_many_messages_with_one_name(
    emulator: Emulator, make: Make, inbox: Inbox, person_of_album: Person
) -> None:
    person_of_album.sends_album([b"one", b"two", b"three"], "compare them")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: len(inbox.events) == 3)

    assert [event.text for event in inbox.events] == ["compare them", "", ""]
    assert len({event.album for event in inbox.events} - {""}) == 1


async def test_a_file_comes_with_its_name_and_can_be_fetched(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    emulator.person().sends_file("开放时间：九点".encode(), "时间.txt", "/learn")

    async with running(telegram := make(), inbox.accept):
        await emulator.until(lambda: inbox.events)
        [file] = inbox.events[0].files
        data = await telegram.fetch(file, max_bytes=1000)

    assert (file.name, file.media_type, data.decode()) == (
        "时间.txt",
        "text/plain",
        "开放时间：九点",
    )
    assert inbox.texts() == ["/learn"]


@pytest.fixture
def person_of_album(emulator: Emulator) -> Person:
    return emulator.person()


async def test_more_presses_than_can_be_released_are_heard_nevertheless(inbox: Inbox) -> None:
    """Their buttons release themselves; a full queue must not hold up what people said."""
    receiver = Receiver(Bot("1:x"), Account(1, "vision_bot"), inbox.accept)  # nobody releases

    for number in range(1100):
        await receiver.take(_press(number), number)

    assert len(inbox.events) == 1100


def _press(number: int) -> dict[str, object]:
    bot = {"id": 1, "is_bot": True, "first_name": "Vision"}
    chat = {"id": 5, "type": "private", "first_name": "Ann"}
    below = {"message_id": 7, "date": 1, "chat": chat, "from": bot, "text": "A red"}
    ann = {"id": 5, "is_bot": False, "first_name": "Ann"}
    query = {"id": str(number), "from": ann, "message": below, "chat_instance": "1", "data": "up"}
    return {"update_id": number, "callback_query": query}
