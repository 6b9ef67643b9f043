"""The emulator itself: it must refuse what Telegram refuses, or our tests prove nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter

from tests.emulators.telegram.flood import FloodRules
from tests.emulators.telegram.server import Emulator


class Caller:
    """Plain HTTP, without anybody's library."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self._base = f"{emulator.url}/bot{emulator.token}"
        self._session = session

    async def call(self, method: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        data = {name: str(value) for name, value in fields.items()}
        async with self._session.post(f"{self._base}/{method}", data=data) as response:
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
        "no file",
        "no method",
    ],
)
async def test_it_refuses_what_telegram_refuses(
    emulator: Emulator, caller: Caller, method: str, fields: dict[str, Any], status: int, says: str
) -> None:
    person = emulator.person()
    assert person.says("theirs").id == 101
    if method in ("sendMessage", "editMessageText"):
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


async def test_another_library_understands_it(emulator: Emulator) -> None:
    server = TelegramAPIServer.from_base(emulator.url)
    bot = Bot(emulator.token, session=AiohttpSession(api=server))
    person = emulator.person()
    group = emulator.group(topics=(7,))
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
        emulator.flood.ban(number, 60)
        with pytest.raises(TelegramRetryAfter):
            await bot.send_message(number, "more")

    assert me.username == "vision_bot"
    assert update.message.message_thread_id == 7
    assert photo is not None
    assert photo.read() == b"no picture"
    assert not isinstance(edited, bool)
    assert [message.text for message in emulator.said(person.chat)] == ["done"]
