"""Telegram: receiving by long poll or webhook, sending and editing plain text."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr, field_validator
from telegram import LinkPreviewOptions, ReplyParameters
from telegram.error import ChatMigrated, TelegramError

from bot.event import Attachment, Conversation
from bot.platforms.base import Accept, Limits, LostMessage, PlatformError, Refused, Unclear
from bot.platforms.http import download
from bot.platforms.telegram import webhook, wire
from bot.platforms.telegram.client import Client, Timings
from bot.platforms.telegram.failures import is_unchanged, platform_error
from bot.platforms.telegram.patience import Patience
from bot.platforms.telegram.poll import Poll

log = logging.getLogger(__name__)

T = TypeVar("T")

_TEXT_UNITS = 4096
_CALLS_PER_S = 30.0
_MOST_MOVED = 1000  # groups that became supergroups and are remembered
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramSection(BaseModel, extra="forbid", frozen=True):
    """`[telegram]`; off while there is no token. The secrets never stand in config.toml."""

    base_url: str = Field("https://api.telegram.org", pattern=r"^https?://\S+$")
    edit_every_s: float = Field(1.0, ge=1.0)
    group_edit_every_s: float = Field(3.0, ge=3.0)
    webhook_url: str = Field("", pattern=r"^(https?://\S+)?$")
    token: SecretStr = SecretStr("")
    webhook_secret: SecretStr = SecretStr("")

    @field_validator("token")
    @classmethod
    def _token_is_one(cls, token: SecretStr) -> SecretStr:
        return _checked(token, r"\d+:[\w-]+", "a token of @BotFather, such as 123456:ABC-def")

    @field_validator("webhook_secret")
    @classmethod
    def _secret_is_one(cls, secret: SecretStr) -> SecretStr:
        return _checked(secret, r"[\w-]{16,256}", "16 to 256 letters, digits, _ or -")


class Telegram:
    """One bot account. `run` owns the connections: let the last edits end before cancelling it."""

    name = wire.PLATFORM

    def __init__(
        self,
        settings: TelegramSection,
        *,
        commands: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        timings: Timings | None = None,
    ) -> None:
        """`commands`: language ("" for all others) -> (command, what it does), for the menu."""
        token = settings.token.get_secret_value()
        self._secret = settings.webhook_secret.get_secret_value()
        if not token:
            raise ValueError("[telegram] has no token")
        if settings.webhook_url and not self._secret:
            raise ValueError("[telegram] webhook_url needs webhook_secret: anyone could post there")
        self.bot = token.partition(":")[0]
        self._settings = settings
        self._commands = commands or {}
        self._timings = timings or Timings()
        self._client = Client(token, settings.base_url, self._timings)
        self._webhook = webhook.Webhook(self._secret)
        self._moved: dict[int, int] = {}  # a group's id -> that of the supergroup it became

    def limits(self, to: Conversation) -> Limits:
        private = int(to.chat) > 0  # groups have negative ids
        pause_s = self._settings.edit_every_s if private else self._settings.group_edit_every_s
        return Limits(_TEXT_UNITS, "utf-16", pause_s, _CALLS_PER_S)

    def routes(self) -> Sequence[web.RouteDef]:
        if not self._settings.webhook_url:
            return []
        return [web.post(webhook.PATH, self._webhook.receive)]

    async def run(self, accept: Accept) -> None:
        async with self._client:
            patience = Patience(self._timings)
            account = await patience.persist("getMe", self._client.account)
            self._webhook.open(account, accept)
            try:
                await patience.persist("the webhook's setting", self._choose_the_way)
                await self._offer_commands()
                log.info("telegram: receiving as @%s", account.username)
                if self._settings.webhook_url:
                    await asyncio.Event().wait()
                poll = Poll(self._client, account, accept)
                while True:
                    await patience.persist("the poll", poll.once)
            finally:
                self._webhook.close()

    async def send(self, to: Conversation, text: str, *, reply_to: str | None, final: bool) -> str:
        """`final` makes no difference: Telegram has no mark for a message still being written."""
        reply = _reply(reply_to)

        async def call(chat: int) -> str:
            message = await self._client.bot.send_message(
                chat,
                _sendable(text),
                message_thread_id=int(to.thread) if to.thread else None,
                reply_parameters=reply,
                link_preview_options=_NO_PREVIEW,
            )
            return str(message.message_id)

        with _translated():
            return await self._at_its_new_id(int(to.chat), call)

    async def edit(self, to: Conversation, message: str, text: str, *, final: bool) -> None:
        chat, number = int(to.chat), int(message)
        if chat in self._moved:
            raise LostMessage("the group became a supergroup; its old messages cannot be edited")
        with _translated():
            try:
                await self._client.bot.edit_message_text(
                    _sendable(text), chat, number, link_preview_options=_NO_PREVIEW
                )
            except ChatMigrated as error:
                self._remember_move(chat, error.new_chat_id)
                raise LostMessage("the group became a supergroup meanwhile") from None
            except TelegramError as error:
                if not is_unchanged(error):
                    raise

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        with _translated():
            file = await self._client.bot.get_file(photo.ref)
        size, url = file.file_size or 0, file.file_path or ""
        if size > max_bytes:
            raise Refused(f"the file has {size} bytes, the limit is {max_bytes}")
        if not self._client.is_file_address(url):
            raise Refused("the Bot API server gave no address; one in local mode does not work")
        data = await download(url, max_bytes=max_bytes, times=self._client.download_times())
        if size and len(data) != size:
            raise Unclear(f"the file broke off after {len(data)} of {size} bytes")
        return data

    async def _choose_the_way(self) -> None:
        """Never drops what waits: people wrote it while we were away."""
        if not self._settings.webhook_url:
            await self._client.bot.delete_webhook(drop_pending_updates=False)
            return
        await self._client.bot.set_webhook(
            self._settings.webhook_url.rstrip("/") + webhook.PATH,
            secret_token=self._secret,
            allowed_updates=wire.ALLOWED_UPDATES,
        )

    async def _offer_commands(self) -> None:
        for language, commands in self._commands.items():
            try:
                with _translated():
                    await self._client.bot.set_my_commands(commands, language_code=language or None)
            except PlatformError as error:
                log.warning("telegram: no menu of commands: %s", error)

    async def _at_its_new_id(self, chat: int, call: Callable[[int], Awaitable[T]]) -> T:
        """Telegram refuses the old id of such a group for good and names the new one."""
        try:
            return await call(self._moved.get(chat, chat))
        except ChatMigrated as error:
            self._remember_move(chat, error.new_chat_id)
            return await call(error.new_chat_id)

    def _remember_move(self, chat: int, new_chat: int) -> None:
        log.info("telegram: group %s became supergroup %s", chat, new_chat)
        if len(self._moved) >= _MOST_MOVED:
            del self._moved[next(iter(self._moved))]
        self._moved[chat] = new_chat


def _checked(secret: SecretStr, pattern: str, looks: str) -> SecretStr:
    value = secret.get_secret_value()
    if value and not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"Input should be {looks}")
    return secret


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PlatformError:
        raise
    except TelegramError as error:
        raise platform_error(error) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The library builds its objects without looking; a proxy's strange answer ends here.
        raise Unclear(f"the answer cannot be read: {type(error).__name__}") from None


async def username(settings: TelegramSection) -> str:
    """Whose token it is, asked of Telegram now, for who checks the settings."""
    token = settings.token.get_secret_value()
    async with Client(token, settings.base_url, Timings()) as client:
        with _translated():
            return (await client.account()).username


def _reply(reply_to: str | None) -> ReplyParameters | None:
    if reply_to is None:
        return None
    # People delete their questions; the answer shall come nevertheless.
    return ReplyParameters(int(reply_to), allow_sending_without_reply=True)


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
