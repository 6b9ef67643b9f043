"""What a post looks like to people: markup, buttons, photos, topics, migration."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable

import pytest
from PIL import Image

from bot.event import Button, Conversation, Document
from bot.platforms.base import Gone, LostMessage, Post, Refused, TooFast
from bot.platforms.telegram.adapter import Telegram
from tests.bot.platforms.telegram.receiving import Inbox, running
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]

STOP = Button("stop", "停止")
UP, DOWN = Button("up", "👍"), Button("down", "👎")


@pytest.fixture
async def telegram(emulator: Emulator, make: Make) -> AsyncIterator[Telegram]:
    telegram = make()
    async with running(telegram, Inbox().accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))
        yield telegram


@pytest.fixture
def person(emulator: Emulator) -> Person:
    return emulator.person()


def _to(chat: Chat, thread: str = "") -> Conversation:
    return Conversation("telegram", str(chat.id), thread)


async def _send(telegram: Telegram, chat: Chat, post: Post, thread: str = "") -> str:
    return await telegram.send(_to(chat, thread), post, reply_to=None, key="k")


def _drawn(width: int, height: int, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, kind)
    return out.getvalue()


async def test_markdown_is_shown_as_markup(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    text = "😀 **two** *red* ~~no~~ `x` [map](https://example.org/a)\n\n> so\n\n```py\nprint()\n```"

    await _send(telegram, person.chat, Post(text, rich=True))

    [message] = person.sees()
    assert set(message.entities) == {
        ("bold", "two"),
        ("italic", "red"),
        ("strikethrough", "no"),
        ("code", "x"),
        ("text_link", "map"),
        ("blockquote", "so"),
        ("pre", "print()"),
    }
    assert "**" not in message.text


async def test_without_rich_every_character_is_meant(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    await _send(telegram, person.chat, Post("**two** <b>&amp; _x_"))

    [message] = person.sees()
    assert (message.text, message.entities) == ("**two** <b>&amp; _x_", ())


@pytest.mark.parametrize("drafts", [False, True], ids=["message", "draft"])
async def test_a_half_answer_calls_nobody_either(
    emulator: Emulator, make: Make, person: Person, *, drafts: bool
) -> None:
    """Row 56: it is shown without markup, and there Telegram looks for names by itself."""
    telegram = make(drafts=drafts)
    async with running(telegram, Inbox().accept):
        half = Post("ask @bob at tg://settings", final=False)
        opened = await _send(telegram, person.chat, half)
        await telegram.edit(_to(person.chat), opened, Post("ask @bob or @ann", final=False))

    methods = ("sendMessage", "editMessageText", "sendMessageDraft")
    texts = [call.fields["text"] for method in methods for call in emulator.calls_of(method)]
    assert texts == ["ask ＠bob at tg：//settings", "ask ＠bob or ＠ann"]


async def test_an_address_that_is_no_link_for_telegram_is_readable(
    telegram: Telegram, person: Person
) -> None:
    await _send(telegram, person.chat, Post("[write](mailto:a@example.org) **now**", rich=True))

    [message] = person.sees()
    assert (message.text, message.entities) == (
        "write (a@example.org) now",
        (("bold", "now"),),
    )


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText"])
@pytest.mark.row(23)
async def test_markup_that_telegram_refuses_is_shown_without_it_once(
    emulator: Emulator, telegram: Telegram, person: Person, method: str
) -> None:
    number = await _send(telegram, person.chat, Post("…", final=False))
    emulator.faults.plan(method, _refusal("can't parse entities: nobody knows why"))

    if method == "sendMessage":
        await _send(telegram, person.chat, Post("a **b**", rich=True))
    else:
        await telegram.edit(_to(person.chat), number, Post("a **b**", rich=True))

    last = person.sees()[-1]
    assert (last.text, last.entities) == ("a b", ())


async def test_a_refusal_that_is_not_about_markup_is_not_repeated(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    emulator.faults.plan("sendMessage", _refusal("message is too strange"))

    with pytest.raises(Refused):
        await _send(telegram, person.chat, Post("a **b**", rich=True))

    assert len(emulator.calls_of("sendMessage")) == 1


@pytest.mark.row(17)
async def test_a_flood_is_no_reason_to_drop_the_markup(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    emulator.flood.ban(person.chat.id, 9)

    with pytest.raises(TooFast):
        await _send(telegram, person.chat, Post("a **b**", rich=True))

    assert len(emulator.calls_of("sendMessage")) == 1


async def test_buttons_come_change_and_go_with_the_edits(
    telegram: Telegram, person: Person
) -> None:
    number = await _send(telegram, person.chat, Post("…", final=False, buttons=(STOP,)))
    for post in (
        Post("A red", final=False, buttons=(STOP,)),
        Post("A red circle", buttons=(UP, DOWN)),
        Post("A red circle"),
    ):
        await telegram.edit(_to(person.chat), number, post)

    [message] = person.sees()
    assert [version.buttons for version in message.versions] == [
        (("stop", "停止"),),
        (("stop", "停止"),),
        (("up", "👍"), ("down", "👎")),
        (),
    ]


async def test_many_buttons_stand_in_rows_that_a_phone_can_show(
    telegram: Telegram, person: Person
) -> None:
    labels = ["Ask a person please", "👍", "👎", "重新回答", "停止"]
    buttons = tuple(Button(str(number), label) for number, label in enumerate(labels))

    await _send(telegram, person.chat, Post("done", buttons=buttons))

    rows = person.sees()[0].payload["reply_markup"]["inline_keyboard"]
    assert [[one["text"] for one in row] for row in rows] == [labels[:3], labels[3:]]


@pytest.mark.parametrize("name", ["", "x" * 65, "停" * 22], ids=["empty", "65 bytes", "66 bytes"])
async def test_a_button_whose_name_telegram_cannot_carry_is_refused(
    telegram: Telegram, person: Person, name: str
) -> None:
    with pytest.raises(Refused, match="the limit is 64"):
        await _send(telegram, person.chat, Post("done", buttons=(Button(name, "Go"),)))


async def test_a_photo_stands_above_its_words_and_buttons(
    telegram: Telegram, person: Person
) -> None:
    photo = _drawn(60, 40)

    number = await _send(
        telegram, person.chat, Post("from **Li**", rich=True, photo=photo, buttons=(STOP,))
    )

    [message] = person.sees()
    assert (message.photo, message.text, str(message.id)) == (photo, "from Li", number)
    assert message.entities == (("bold", "Li"),)
    assert message.buttons == (("stop", "停止"),)


async def test_the_caption_we_promise_is_the_one_telegram_takes(
    telegram: Telegram, person: Person
) -> None:
    most = telegram.limits(_to(person.chat)).caption_units

    await _send(telegram, person.chat, Post("😀" * (most // 2), photo=_drawn(60, 40)))
    with pytest.raises(Refused, match="caption is too long"):
        await _send(telegram, person.chat, Post("😀" * (most // 2 + 1), photo=_drawn(60, 40)))

    assert len(person.sees()) == 1


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        (_drawn(2000, 50), "photo.jpg"),
        (_drawn(9000, 1200, "PNG"), "photo.png"),
        (_drawn(64, 64, "BMP") + b" " * (10 * 1024 * 1024), "photo.jpg"),
    ],
    ids=["long and thin", "10200 points around", "over ten megabytes"],
)
async def test_a_photo_that_telegram_takes_only_as_a_file_is_sent_as_one(
    emulator: Emulator, telegram: Telegram, person: Person, photo: bytes, name: str
) -> None:
    await _send(telegram, person.chat, Post("page 1", photo=photo))

    [message] = person.sees()
    assert (message.file, message.text) == (photo, "page 1")


async def test_a_document_goes_as_it_is_with_its_words(telegram: Telegram, person: Person) -> None:
    zipped = Document("visionbot.zip", b"PK\x03\x04 all of yours")

    await _send(telegram, person.chat, Post("a copy", document=zipped))

    [message] = person.sees()
    assert (message.file, message.text) == (zipped.data, "a copy")
    assert telegram.limits(_to(person.chat)).takes_files


async def test_an_answer_to_an_edit_or_a_press_stands_below_its_message(
    telegram: Telegram, person: Person
) -> None:
    question = person.says("what?")

    for name in (f"{question.id}/edit/1799999999-00000000", f"{question.id}/press/77"):
        await telegram.send(_to(person.chat), Post("so"), reply_to=name, key="k")
    await telegram.send(_to(person.chat), Post("so"), reply_to="draft:5/stop/870", key="k")

    assert [message.answers for message in person.sees()[1:]] == [question.id, question.id, None]


async def test_a_topic_is_opened_and_written_in(emulator: Emulator, telegram: Telegram) -> None:
    forum = emulator.group(forum=True)

    place = await telegram.open_thread(_to(forum), "Ticket 12: Li " + "x" * 200, key="k")
    await telegram.send(place, Post("Li asks for a person"), reply_to=None, key="k")

    [message] = emulator.said(forum)
    assert str(message.thread) == place.thread
    assert forum.topics[int(place.thread)] == ("Ticket 12: Li " + "x" * 200)[:128]
    assert message.answers is None


async def test_a_group_that_can_have_no_topics_is_refused(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    without_rights = emulator.group(forum=True)
    without_rights.opens_topics = False

    for chat in (emulator.group(), without_rights, person.chat):
        with pytest.raises(Refused):
            await telegram.open_thread(_to(chat), "Ticket 12", key="k")


async def test_a_closed_topic_is_gone(emulator: Emulator, telegram: Telegram) -> None:
    group = emulator.group(topics=(5,))
    group.closed_topics.add(5)

    with pytest.raises(Gone):
        await _send(telegram, group, Post("hello"), "5")


async def test_after_a_restart_the_new_id_of_a_group_is_found_again(
    emulator: Emulator, make: Make
) -> None:
    group = emulator.small_group()
    first, second = make(), make()
    async with running(first, Inbox().accept):
        number = await _send(first, group, Post("…", final=False))
        emulator.migrates(group)
    async with running(second, Inbox().accept):
        with pytest.raises(LostMessage):
            await second.edit(_to(group), number, Post("answer"))
        await _send(second, group, Post("answer"))

    assert group.moved_to is not None
    assert [message.text for message in emulator.chats.visible(group.moved_to)] == ["answer"]


async def test_an_answer_that_moved_with_its_group_can_be_edited_there_also_after_a_restart(
    emulator: Emulator, make: Make
) -> None:
    """Row 25: a reply opens its message anew and then edits it, still under the old group's id."""
    group = emulator.small_group()
    first, second = make(), make()
    async with running(first, Inbox().accept):
        lost = await _send(first, group, Post("…", final=False))
        emulator.migrates(group)
        with pytest.raises(LostMessage):
            await first.edit(_to(group), lost, Post("half", final=False))
        number = await _send(first, group, Post("…", final=False))
        await first.edit(_to(group), number, Post("half an", final=False))
    async with running(second, Inbox().accept):
        await second.edit(_to(group), number, Post("half an answer"))

    assert group.moved_to is not None
    [message] = emulator.chats.visible(group.moved_to)
    assert [version.text for version in message.versions] == ["…", "half an", "half an answer"]


@pytest.mark.parametrize(
    "why",
    [
        "user is deactivated",
        "bot was kicked from the group chat",
        "bot is not a member of the chat",
    ],
)
async def test_who_cannot_be_reached_is_gone(
    emulator: Emulator, telegram: Telegram, person: Person, why: str
) -> None:
    person.chat.blocked = why

    with pytest.raises(Gone):
        await _send(telegram, person.chat, Post("hello", photo=_drawn(60, 40)))


async def test_a_group_in_which_we_may_not_write_is_gone(
    emulator: Emulator, telegram: Telegram
) -> None:
    group = emulator.group()
    group.refused = "not enough rights to send text messages to the chat"

    with pytest.raises(Gone):
        await _send(telegram, group, Post("hello"))


def _refusal(why: str) -> Fault:
    body = f'{{"ok": false, "error_code": 400, "description": "Bad Request: {why}"}}'
    return Fault("body", 400, body.encode(), "application/json")
