"""The webhook route, with the emulator posting to it over HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.event import Event
from bot.platforms.telegram.adapter import Telegram
from tests.bot.platforms.telegram.receiving import Heard, Inbox, running
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]

SECRET = "webhook-secret_0123456789"


class Door:
    """Our own HTTP server with the adapter's route in it."""

    def __init__(self) -> None:
        self.url = ""
        self.telegram: Telegram | None = None

    async def receive(self, request: web.Request) -> web.StreamResponse:
        assert self.telegram is not None
        route = self.telegram.routes()[0]
        assert (route.method, route.path) == ("POST", request.path)
        return await route.handler(request)

    async def post(self, body: object, secret: bytes | None, *, raw: bytes | None = None) -> int:
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret.decode()}
        data = raw if raw is not None else json.dumps(body).encode()
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/telegram/webhook", data=io.BytesIO(data), headers=headers
            ) as response,
        ):
            return response.status


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    app = web.Application()
    app.router.add_post("/telegram/webhook", door.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield door
    await runner.cleanup()


@pytest.fixture
def telegram(make: Make, door: Door) -> Telegram:
    door.telegram = make(webhook_url=door.url, webhook_secret=SECRET)
    return door.telegram


@asynccontextmanager
async def _open(telegram: Telegram, emulator: Emulator, inbox: Inbox) -> AsyncIterator[None]:
    async with running(telegram, inbox.accept):
        await emulator.until(lambda: emulator.hook.url)
        yield


def _update(text: str = "hello") -> dict[str, object]:
    person = {"id": 7, "is_bot": False, "first_name": "Li"}
    chat = {"id": 7, "type": "private", "first_name": "Li"}
    message = {"message_id": 1, "date": 1795200000, "chat": chat, "from": person, "text": text}
    return {"update_id": 5, "message": message}


async def test_what_a_person_says_arrives_by_the_webhook(
    emulator: Emulator, telegram: Telegram, inbox: Inbox
) -> None:
    async with _open(telegram, emulator, inbox):
        emulator.person().says("hello")
        await emulator.until(lambda: inbox.events and not emulator.updates.waiting())

    assert inbox.texts() == ["hello"]
    assert emulator.hook.secret == SECRET
    assert emulator.calls_of("getUpdates") == []


async def test_a_press_arrives_by_the_webhook_and_its_button_is_released(
    emulator: Emulator, telegram: Telegram, inbox: Inbox
) -> None:
    person = emulator.person()
    below = {"inline_keyboard": [[{"text": "Stop", "callback_data": "stop"}]]}
    message = person.chat.add(emulator.bot, {"text": "A red", "reply_markup": below})

    async with _open(telegram, emulator, inbox):
        person.presses(message, "Stop")
        await emulator.until(lambda: not emulator.queries.unanswered())

    assert [(event.kind, event.text) for event in inbox.events] == [("press", "stop")]


@pytest.mark.row(28)
async def test_a_failed_commit_is_answered_503_and_the_update_comes_again(
    emulator: Emulator, telegram: Telegram, inbox: Inbox
) -> None:
    inbox.failing = 2

    async with _open(telegram, emulator, inbox):
        emulator.person().says("hello")
        await emulator.until(lambda: not emulator.updates.waiting())

    assert emulator.hook.statuses == [503, 503, 200]
    assert inbox.texts() == ["hello"]


@pytest.mark.row(28)
async def test_the_route_answers_200_only_after_the_commit(
    emulator: Emulator, telegram: Telegram, inbox: Inbox, door: Door
) -> None:
    order: list[str] = []

    async def accept(event: Event) -> None:
        await inbox.accept(event)
        order.append("committed")

    async with running(telegram, accept):
        await emulator.until(lambda: emulator.hook.url)
        status = await door.post(_update(), SECRET.encode())
        order.append(f"answered {status}")

    assert order == ["committed", "answered 200"]


@pytest.mark.parametrize(
    "secret",
    [None, b"", b"webhook-secret_0123456788", b"webhook-secret", "密码".encode(), b"\xc3\xa9" * 20],
    ids=["none", "empty", "wrong", "beginning", "chinese", "latin"],
)
@pytest.mark.row(29)
async def test_a_forged_webhook_call_is_turned_away(
    emulator: Emulator, telegram: Telegram, inbox: Inbox, door: Door, secret: bytes | None
) -> None:
    async with _open(telegram, emulator, inbox):
        status = await door.post(_update(), secret)

    assert status == 403
    assert inbox.events == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[" * 100_000, 400),
        (b"[1, 2]", 400),
        (b'{"message": {}}', 400),
        (b" " * (1024 * 1024 + 1), 413),
        (b'{"update_id": 6, "message": {"message_id": "x"}}', 200),
        (b'{"update_id": 6, "poll": 5}', 200),
    ],
    ids=["empty", "text", "deep", "list", "no number", "too long", "poison", "not for us"],
)
@pytest.mark.row(59)
async def test_a_broken_body_is_never_an_error_of_ours(
    emulator: Emulator,
    telegram: Telegram,
    inbox: Inbox,
    door: Door,
    heard: Heard,
    raw: bytes,
    status: int,
) -> None:
    async with _open(telegram, emulator, inbox):
        assert await door.post(None, SECRET.encode(), raw=raw) == status

    assert inbox.events == []
    assert "Traceback" not in heard.text


@pytest.mark.row(28)
async def test_before_we_know_who_we_are_an_update_is_left_with_telegram(
    telegram: Telegram, door: Door
) -> None:
    assert await door.post(_update(), SECRET.encode()) == 503


@pytest.mark.row(60)
@pytest.mark.row(29)
async def test_the_secret_is_in_no_log_line(
    emulator: Emulator, telegram: Telegram, inbox: Inbox, door: Door, heard: Heard
) -> None:
    inbox.failing = 1

    async with _open(telegram, emulator, inbox):
        await door.post(_update("private words"), b"a-wrong-secret-which-somebody-tried")
        await door.post(_update("private words"), SECRET.encode())

    assert "without the right secret" in heard.text
    assert SECRET not in heard.text
    assert "a-wrong-secret" not in heard.text
    assert "private words" not in heard.text


def test_without_a_webhook_address_there_is_no_route(make: Make) -> None:
    assert make().routes() == []
