"""The emulator itself: it must refuse what Telegram refuses, or our tests prove nothing."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
)
from PIL import Image

from tests.emulators.telegram.flood import FloodRules
from tests.emulators.telegram.server import Emulator


def keyboard(*names: str) -> str:
    """One row; a name is its label too, an empty one has the label "x"."""
    row = [{"text": name or "x", "callback_data": name.strip() or name} for name in names]
    return json.dumps({"inline_keyboard": [row]})


def entity(kind: str, offset: int, length: int, **more: str) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length} | more


class Caller:
    """Plain HTTP, without anybody's library."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self._base = f"{emulator.url}/bot{emulator.token}"
        self._session = session

    async def call(self, method: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        data = {name: str(value) for name, value in fields.items()}
        async with self._session.post(f"{self._base}/{method}", data=data) as response:
            return response.status, await response.json()

    async def upload(
        self, method: str, *, photo: bytes, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        form = aiohttp.FormData({name: str(value) for name, value in fields.items()})
        form.add_field("photo", photo, filename="photo.jpg")
        async with self._session.post(f"{self._base}/{method}", data=form) as response:
            return response.status, await response.json()


@pytest.fixture
async def caller(emulator: Emulator) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(emulator, session)


async def test_an_update_is_kept_until_a_later_one_is_asked_for(
    emulator: Emulator, caller: Caller
) -> None:
    emulator.person().says("hello")

    _, first = await caller.call("getUpdates")
    _, again = await caller.call("getUpdates")
    number = first["result"][0]["update_id"]
    _, after = await caller.call("getUpdates", offset=number + 1)

    assert first == again
    assert after["result"] == []


async def test_a_poll_waits_for_what_is_said_next(emulator: Emulator, caller: Caller) -> None:
    poll = asyncio.create_task(caller.call("getUpdates", timeout=10))
    await asyncio.sleep(0)
    emulator.person().says("hello")

    _, answer = await poll

    assert answer["result"][0]["message"]["text"] == "hello"


async def test_a_second_poll_ends_the_first_with_409(emulator: Emulator, caller: Caller) -> None:
    first = asyncio.create_task(caller.call("getUpdates", timeout=10))
    second: asyncio.Task[Any] | None = None
    while not first.done():
        if second is not None:
            await second
        second = asyncio.create_task(caller.call("getUpdates"))
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    await second

    status, body = first.result()
    assert status == 409
    assert "terminated by other getUpdates request" in body["description"]


async def test_only_the_kinds_that_were_asked_for_come(emulator: Emulator, caller: Caller) -> None:
    person = emulator.person()
    message = person.says("hello")
    person.edits(message, "hello!")

    _, answer = await caller.call("getUpdates", allowed_updates='["edited_message"]')

    assert [list(update) for update in answer["result"]] == [["update_id", "edited_message"]]


@pytest.mark.parametrize(
    ("method", "fields", "status", "says"),
    [
        ("sendMessage", {"text": ""}, 400, "message text is empty"),
        ("sendMessage", {"text": " \n"}, 400, "message text is empty"),
        ("sendMessage", {"text": "😀" * 2049}, 400, "message is too long"),
        ("sendMessage", {"text": "x", "chat_id": 1}, 400, "chat not found"),
        (
            "sendMessage",
            {"text": "x", "reply_parameters": '{"message_id": 9}'},
            400,
            "message to be replied not found",
        ),
        ("sendMessage", {"text": "x", "message_thread_id": 9}, 400, "message thread not found"),
        ("editMessageText", {"text": "x", "message_id": 9}, 400, "message to edit not found"),
        ("editMessageText", {"text": "x", "message_id": 101}, 400, "message can't be edited"),
        (
            "sendMessage",
            {"text": "x", "reply_markup": keyboard("x" * 65)},
            400,
            "BUTTON_DATA_INVALID",
        ),
        ("sendMessage", {"text": "x", "reply_markup": keyboard("")}, 400, "BUTTON_DATA_INVALID"),
        ("sendMessage", {"text": "x", "reply_markup": keyboard("a", " ")}, 400, "text buttons"),
        ("sendMessage", {"text": "x", "reply_markup": keyboard(*"abcdefghi")}, 400, "too long"),
        ("sendPhoto", {"photo": "attach://nothing"}, 400, "wrong file identifier"),
        ("sendMessageDraft", {"text": "x", "draft_id": 0}, 400, "non-zero"),
        ("sendMessageDraft", {"text": "😀" * 2049, "draft_id": 1}, 400, "message is too long"),
        ("createForumTopic", {"name": "Maps"}, 400, "the chat is not a forum"),
        ("answerCallbackQuery", {"callback_query_id": "5"}, 400, "query is too old"),
        ("getFile", {"file_id": "nonsense"}, 400, "wrong file_id"),
        ("sendDice", {}, 404, "Not Found"),
    ],
    ids=[
        "empty",
        "blank",
        "too long",
        "no chat",
        "no question",
        "no topic",
        "no message",
        "not ours",
        "65 bytes",
        "no bytes",
        "no label",
        "nine in a row",
        "no photo",
        "no draft",
        "long draft",
        "no forum",
        "no query",
        "no file",
        "no method",
    ],
)
async def test_it_refuses_what_telegram_refuses(
    emulator: Emulator, caller: Caller, method: str, fields: dict[str, Any], status: int, says: str
) -> None:
    person = emulator.person()
    assert person.says("theirs").id == 101
    if method not in ("getFile", "answerCallbackQuery"):
        fields = {"chat_id": person.chat.head["id"]} | fields

    got, body = await caller.call(method, **fields)

    assert got == status
    assert says in body["description"]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("sendMessage", {"chat_id": 5001, "text": "x", "colour": "red"}),
        ("sendMessage", {"chat_id": 5001, "text": "x", "reply_parameters": '{"message": 1}'}),
        ("sendMessage", {"chat_id": 5001}),
        ("editMessageText", {"chat_id": 5001, "text": "x", "message_id": "first"}),
    ],
    ids=["unknown", "unknown inside", "missing", "wrong type"],
)
async def test_it_complains_of_what_the_documentation_does_not_know(
    caller: Caller, method: str, fields: dict[str, Any], emulator: Emulator
) -> None:
    status, _ = await caller.call(method, **fields)

    assert status == 400
    assert len(emulator.complaints) == 1
    emulator.complaints.clear()


async def test_a_chat_takes_a_burst_and_then_asks_to_wait(caller: Caller) -> None:
    async with Emulator(flood=FloodRules(chat_burst=3)) as emulator, aiohttp.ClientSession() as s:
        caller = Caller(emulator, s)
        chat = emulator.person().chat.head["id"]
        answers = [await caller.call("sendMessage", chat_id=chat, text="x") for _ in range(4)]
        early = await caller.call("sendMessage", chat_id=chat, text="x")

    assert [status for status, _ in answers] == [200, 200, 200, 429]
    assert answers[3][1]["parameters"]["retry_after"] >= 1
    assert early[0] == 429
    assert emulator.flood.early == [chat]


async def test_a_group_takes_twenty_messages_a_minute(caller: Caller) -> None:
    rules = FloodRules(chat_burst=100, chat_per_s=100.0, all_per_s=1000)
    async with Emulator(flood=rules) as emulator, aiohttp.ClientSession() as session:
        caller = Caller(emulator, session)
        chat = emulator.group().head["id"]
        statuses = [
            (await caller.call("sendMessage", chat_id=chat, text="x"))[0] for _ in range(21)
        ]

    assert statuses == [200] * 20 + [429]


@pytest.mark.parametrize(
    "entities",
    [
        [entity("bold", 0, 30)],
        [entity("bold", -1, 3)],
        [entity("bold", 0, 0)],
        [entity("bold", 1, 1)],
        [entity("bold", 2, 1)],
        [entity("bold", 0, 5), entity("italic", 3, 5)],
        [entity("code", 0, 5), entity("bold", 3, 2)],
        [entity("bold", 0, 5), entity("code", 3, 2)],
        [entity("blockquote", 0, 9), entity("blockquote", 3, 2)],
        [entity("text_link", 3, 3)],
        [entity("text_link", 3, 3, url="javascript:alert(1)")],
        [entity("text_link", 3, 3, url="tg://user?id=5")],
        [entity("text_link", 3, 3, url="https://")],
        [entity("bold", 3, 3, language="py")],
        [entity("text_mention", 3, 3)],
        [entity("loud", 3, 3)],
    ],
    ids=[
        "behind the end",
        "before the beginning",
        "of nothing",
        "half an emoji",
        "of a space",
        "in part",
        "inside code",
        "code inside",
        "quote in quote",
        "no url",
        "javascript",
        "tg",
        "no host",
        "language",
        "mention",
        "unknown",
    ],
)
async def test_it_complains_of_markup_that_telegram_might_pass_over(
    emulator: Emulator, caller: Caller, entities: list[dict[str, Any]]
) -> None:
    chat = emulator.person().chat.id

    status, _ = await caller.call(
        "sendMessage", chat_id=chat, text="😀 two three", entities=json.dumps(entities)
    )

    assert status == 400
    assert len(emulator.complaints) == 1
    emulator.complaints.clear()


async def test_markup_moves_with_the_spaces_that_are_cut_off(
    emulator: Emulator, caller: Caller
) -> None:
    person = emulator.person()
    marks = [entity("blockquote", 2, 9), entity("pre", 6, 5, language="py")]

    await caller.call(
        "sendMessage", chat_id=person.chat.id, text="  two three  ", entities=json.dumps(marks)
    )

    [message] = person.sees()
    assert (message.text, message.entities) == (
        "two three",
        (("blockquote", "two three"), ("pre", "three")),
    )


async def test_an_edit_of_markup_or_buttons_alone_is_a_change(
    emulator: Emulator, caller: Caller
) -> None:
    person = emulator.person()
    bold, stop = json.dumps([entity("bold", 0, 3)]), keyboard("stop")
    _, sent = await caller.call("sendMessage", chat_id=person.chat.id, text="two")
    place = {"chat_id": person.chat.id, "message_id": sent["result"]["message_id"]}

    statuses = [
        (await caller.call("editMessageText", text="two", **place, **more))[0]
        for more in ({"entities": bold}, {"entities": bold}, {"reply_markup": stop}, {})
    ]

    assert statuses == [200, 400, 200, 200]
    [message] = person.sees()
    assert [(v.entities, v.buttons) for v in message.versions] == [
        ((), ()),
        ((("bold", "two"),), ()),
        ((), (("stop", "stop"),)),
        ((), ()),
    ]


async def test_a_caption_holds_1024_units_and_a_photo_has_limits(
    emulator: Emulator, caller: Caller
) -> None:
    chat = emulator.person().chat.id

    async def send(photo: bytes, caption: str) -> str:
        _, body = await caller.upload("sendPhoto", photo=photo, chat_id=chat, caption=caption)
        return body.get("description", "sent")

    assert await send(_drawn(60, 40), "😀" * 512) == "sent"
    assert "caption is too long" in await send(_drawn(60, 40), "😀" * 513)
    assert "PHOTO_INVALID_DIMENSIONS" in await send(_drawn(2100, 100), "")
    assert "IMAGE_PROCESS_FAILED" in await send(b"no picture", "")


async def test_a_pressed_button_is_answered_once_and_in_time(
    emulator: Emulator, caller: Caller
) -> None:
    person = emulator.person()
    await caller.call(
        "sendMessage", chat_id=person.chat.id, text="x", reply_markup=keyboard("stop")
    )
    [message] = person.sees()
    first, second = person.presses(message, "stop"), person.presses(message, "stop")
    emulator.queries.age(second, 31)

    statuses = [
        (await caller.call("answerCallbackQuery", callback_query_id=number))[0]
        for number in (first, first, second)
    ]

    assert statuses == [200, 400, 400]
    with pytest.raises(LookupError):
        person.presses(message, "again")


async def test_a_draft_lives_for_a_while_and_ends_with_a_message(caller: Caller) -> None:
    async with Emulator(draft_life_s=0.05) as emulator, aiohttp.ClientSession() as session:
        caller = Caller(emulator, session)
        person = emulator.person()
        place = {"chat_id": person.chat.id, "draft_id": 7}
        await caller.call("sendMessageDraft", text="A", **place)
        seen = person.sees_draft()
        await asyncio.sleep(0.06)
        after_its_life = person.sees_draft()
        await caller.call("sendMessageDraft", text="A red", **place)
        await caller.call("sendMessage", chat_id=person.chat.id, text="A red circle")

    assert (seen, after_its_life, person.sees_draft()) == ("A", None, None)
    assert person.reads() == ["Vision: A red circle"]


async def test_a_person_who_stopped_a_draft_sees_no_more_of_it(
    emulator: Emulator, caller: Caller
) -> None:
    person = emulator.person()
    place = {"chat_id": person.chat.id, "draft_id": 7}
    await caller.call("sendMessageDraft", text="A", can_stop="true", **place)

    person.stops()
    await caller.call("sendMessageDraft", text="A red", can_stop="true", **place)

    assert person.sees_draft() == "A"
    [update] = emulator.updates.waiting()
    assert update["stopped_message_generation"]["draft_id"] == 7


async def test_a_group_that_became_a_supergroup_names_its_new_id(
    emulator: Emulator, caller: Caller
) -> None:
    small = emulator.small_group()
    new = emulator.migrates(small)

    status, body = await caller.call("sendMessage", chat_id=small.id, text="x")

    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": new.id})
    assert (await caller.call("sendMessage", chat_id=new.id, text="x"))[0] == 200


async def test_what_is_said_may_come_twice_and_backwards(emulator: Emulator) -> None:
    person = emulator.person()
    emulator.updates.hold()
    person.says("first")
    person.says("second")
    emulator.updates.release(backwards=True, twice=True)

    told = [update["message"]["text"] for update in emulator.updates.waiting()]
    assert told == ["second", "first", "second", "first"]


async def test_people_read_what_a_chat_shows(emulator: Emulator, caller: Caller) -> None:
    ann, li = emulator.person("Ann"), emulator.person("Li")
    group = emulator.group()
    question = ann.says("what is it?", to=group)
    li.sends_album([_drawn(60, 40), _drawn(40, 60)], "these", to=group)
    taken_back = li.says("oops", to=group)
    li.deletes(taken_back)
    li.forwards(question, to=group)
    ann.edits(question, "what are they?")
    await caller.call(
        "sendMessage", chat_id=group.id, text="Two maps", reply_markup=keyboard("up", "down")
    )

    assert ann.reads(group) == [
        "Ann: what are they?",
        "Li: [photo] these",
        "Li: [photo]",
        "Li: what is it?",
        "Vision: Two maps {up} {down}",
    ]
    assert ann.reads(group) == li.reads(group)


async def test_another_library_understands_it(emulator: Emulator) -> None:
    server = TelegramAPIServer.from_base(emulator.url)
    bot = Bot(emulator.token, session=AiohttpSession(api=server))
    person = emulator.person()
    group = emulator.group(topics=(7,), forum=True)
    person.sends_photo(b"no picture", "@vision_bot what is it?", to=group, thread=7)
    number = person.chat.head["id"]
    async with bot:
        me = await bot.get_me()
        [update] = await bot.get_updates()
        assert update.message is not None
        assert update.message.photo is not None
        photo = await bot.download(update.message.photo[-1])
        sent = await bot.send_message(number, "…", disable_notification=True)
        edited = await bot.edit_message_text("done", chat_id=number, message_id=sent.message_id)
        with pytest.raises(TelegramBadRequest, match="not modified"):
            await bot.edit_message_text("done", chat_id=number, message_id=sent.message_id)
        bold = MessageEntity(type="bold", offset=0, length=3)
        row = [InlineKeyboardButton(text="Stop", callback_data="stop")]
        below = InlineKeyboardMarkup(inline_keyboard=[row])
        drawn = BufferedInputFile(_drawn(60, 40), "map.jpg")
        await bot.send_photo(
            number, drawn, caption="map", caption_entities=[bold], reply_markup=below
        )
        await bot.send_message_draft(number, 5, text="A", can_stop=True)
        seen = person.sees_draft()
        person.stops()
        press = person.presses(person.sees()[-1], "Stop")
        stopped, pressed = await bot.get_updates(offset=update.update_id + 1)
        await bot.answer_callback_query(press)
        topic = await bot.create_forum_topic(group.id, "Maps")
        await bot.send_message(group.id, "here", message_thread_id=topic.message_thread_id)
        emulator.flood.ban(number, 60)
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(number, "more")

    assert me.username == "vision_bot"
    assert update.message.message_thread_id == 7
    assert photo is not None
    assert photo.read() == b"no picture"
    assert not isinstance(edited, bool)
    assert person.reads()[:2] == ["Vision: done", "Vision: [photo] map {Stop}"]
    assert seen == "A"
    assert stopped.stopped_message_generation is not None
    assert stopped.stopped_message_generation.draft_id == 5
    assert pressed.callback_query is not None
    assert pressed.callback_query.data == "stop"
    assert emulator.queries.unanswered() == []
    assert [message.text for message in emulator.said(group)] == ["here"]


def _drawn(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG")
    return out.getvalue()
