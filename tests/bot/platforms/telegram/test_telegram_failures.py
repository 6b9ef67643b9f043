"""What each way of failing means, and that none of them shows the token."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import httpx
import pytest
from pydantic import ValidationError
from telegram import error as theirs

from bot.event import Attachment, Conversation
from bot.platforms.base import Gone, NotSent, PlatformError, Post, Refused, Revoked, Unclear
from bot.platforms.telegram.adapter import Telegram, TelegramSection, username
from bot.platforms.telegram.failures import platform_error
from tests.bot.platforms.telegram.receiving import Inbox, running
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]


@pytest.mark.parametrize(
    ("cause", "called"),
    [
        (httpx.ConnectError("x"), NotSent),
        (httpx.ConnectTimeout("x"), NotSent),
        (httpx.PoolTimeout("x"), NotSent),
        (httpx.ProxyError("x"), NotSent),
        (httpx.ReadTimeout("x"), Unclear),
        (httpx.WriteTimeout("x"), Unclear),
        (httpx.ReadError("x"), Unclear),
        (httpx.WriteError("x"), Unclear),
        (httpx.RemoteProtocolError("x"), Unclear),
        (None, Unclear),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.row(21)
def test_only_what_failed_before_it_left_counts_as_not_sent(
    cause: Exception | None, called: type[PlatformError]
) -> None:
    error = theirs.NetworkError("it failed")
    error.__cause__ = cause

    assert type(platform_error(error)) is called


@pytest.mark.parametrize(
    ("error", "called"),
    [
        (theirs.Forbidden("Forbidden: user is deactivated"), Gone),
        (theirs.Forbidden("Forbidden: bot was kicked from the supergroup chat"), Gone),
        (theirs.BadRequest("Not enough rights to send text messages to the chat"), Gone),
        (theirs.BadRequest("Have no rights to send a message"), Gone),
        (theirs.BadRequest("CHAT_WRITE_FORBIDDEN"), Gone),
        (theirs.BadRequest("Topic_closed"), Gone),
        (theirs.BadRequest("Message is too long"), Refused),
        (theirs.BadRequest("Can't parse entities"), Refused),
        (theirs.InvalidToken("Unauthorized"), Revoked),
        (theirs.Conflict("terminated"), NotSent),
        (theirs.TelegramError("Invalid server response"), Unclear),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else "",
)
def test_a_refusal_is_called_by_its_name(
    error: theirs.TelegramError, called: type[PlatformError]
) -> None:
    assert type(platform_error(error)) is called


async def test_no_error_shows_the_token_even_in_its_traceback(
    emulator: Emulator, make: Make
) -> None:
    telegram = make()
    to = Conversation("telegram", str(emulator.person().chat.head["id"]))
    photo = Attachment(emulator.files.add(b"x", "photos/{}.jpg")["file_id"])
    faults = [Fault("lost"), Fault("body"), Fault("body", 401, b"{}"), Fault("body", 404, b"?")]
    emulator.faults.plan("sendMessage", *faults)
    emulator.faults.plan("getFile", *faults)
    emulator.faults.plan("file", Fault("cut"), *(f for f in faults if f.kind == "body"))
    shown = []

    async with running(telegram, Inbox().accept):
        for _ in range(4):
            with pytest.raises(PlatformError) as caught:
                await telegram.send(to, Post("hello", final=True), reply_to=None, key="k")
            shown += traceback.format_exception(caught.value)
        for _ in range(8):
            with pytest.raises(PlatformError) as caught:
                await telegram.fetch(photo, max_bytes=10)
            shown += traceback.format_exception(caught.value)
        await emulator.stop()
        with pytest.raises(PlatformError) as caught:
            await telegram.fetch(photo, max_bytes=10)
        shown += traceback.format_exception(caught.value)

    assert "Revoked" in "".join(shown)
    assert emulator.token.partition(":")[2] not in "".join(shown)


async def test_a_check_of_the_settings_names_the_account(emulator: Emulator) -> None:
    section = TelegramSection(token=emulator.token, base_url=emulator.url)

    assert await username(section) == "vision_bot"
    emulator.revoked = True
    with pytest.raises(Revoked):
        await username(section)


@pytest.mark.parametrize(
    "settings",
    [
        {"token": "no token at all"},
        {"token": "123:with a space"},
        {"webhook_url": "example.org/bot"},
        {"webhook_secret": "short"},
        {"webhook_secret": "not allowed: spaces"},
        {"edit_every_s": 0.5},
        {"group_edit_every_s": 1.0},
        {"base_url": "api.telegram.org"},
        {"tokn": "1:a"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TelegramSection.model_validate(settings)


@pytest.mark.row(29)
def test_a_webhook_without_a_secret_is_refused() -> None:
    section = TelegramSection(token="1:a", webhook_url="https://bot.example.org")

    with pytest.raises(ValueError, match="webhook_secret"):
        Telegram(section)


def test_the_token_is_not_in_the_sections_text() -> None:
    section = TelegramSection(token="123:abcdef", webhook_secret="0123456789abcdef")

    assert "abcdef" not in f"{section!r} {section}"
