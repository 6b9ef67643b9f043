"""Telegram: receiving by long poll or webhook, messages sent and edited, answers as drafts."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from aiohttp import web
from pydantic import BaseModel, Field, SecretStr, field_validator
from telegram.error import TelegramError

from bot.event import Attachment, Conversation
from bot.platforms.base import Accept, Limits, PlatformError, Post, Refused, Trouble, Unclear
from bot.platforms.http import download
from bot.platforms.telegram import webhook, wire
from bot.platforms.telegram.client import Client, Timings
from bot.platforms.telegram.drafts import Drafts, question_of
from bot.platforms.telegram.failures import platform_error
from bot.platforms.telegram.messages import Messages
from bot.platforms.telegram.patience import patience
from bot.platforms.telegram.poll import Poll
from bot.platforms.telegram.receiver import Receiver
from bot.platforms.telegram.render import CAPTION_UNITS, TEXT_UNITS, render_words

log = logging.getLogger(__name__)

_CALLS_PER_S = 30.0


class TelegramSection(BaseModel, extra="forbid", frozen=True):
    """`[telegram]`; off while there is no token. The secrets never stand in config.toml."""

    base_url: str = Field("https://api.telegram.org", pattern=r"^https?://\S+$")
    edit_every_s: float = Field(1.0, ge=1.0)
    group_edit_every_s: float = Field(3.0, ge=3.0)
    drafts: bool = False
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
        until_leading: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`commands`: language ("" for all others) -> (command, what it does), for the menu.
        `until_leading`: no other program asks for updates any more, since Telegram has them for one
        alone; None: there is none."""
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
        self._messages = Messages(self._client.bot)
        self._drafts = Drafts(self._client.bot, self._timings, enabled=settings.drafts)
        self._patiently = patience(self._timings)
        self._until_leading = until_leading
        self._polls = not settings.webhook_url
        self._heard_at = time.monotonic()  # when a poll was answered

    def limits(self, to: Conversation) -> Limits:
        private = int(to.chat) > 0  # groups have negative ids
        pause_s = self._settings.edit_every_s if private else self._settings.group_edit_every_s
        return Limits(TEXT_UNITS, "utf-16", pause_s, _CALLS_PER_S, CAPTION_UNITS, takes_files=True)

    def silent_s(self) -> float | None:
        return time.monotonic() - self._heard_at if self._polls else None

    def trouble(self) -> Trouble | None:
        return self._patiently.trouble()

    def routes(self) -> Sequence[web.RouteDef]:
        if not self._settings.webhook_url:
            return []
        return [web.post(webhook.PATH, self._webhook.receive)]

    async def run(self, accept: Accept) -> None:
        async with self._client:
            account = await self._patiently.persist("getMe", self._client.account)
            receiver = Receiver(self._client.bot, account, accept)
            async with asyncio.TaskGroup() as group:
                group.create_task(receiver.release())
                group.create_task(self._drafts.refresh())
                await self._receive(receiver, account.username)

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        """Without `key`, which Telegram does not know: twice is two messages."""
        with _translated():
            if not post.final and post.photo is None and post.document is None:
                draft = await self._drafts.open(to, render_words(post).text, reply_to)
                if draft is not None:
                    return draft
            async with self._drafts.covered(to):
                return await self._messages.send(to, post, reply_to=reply_to)

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        with _translated():
            if wire.parse_draft(message) is None:
                await self._messages.edit(to, message, post)
                return message
            if not post.final:
                text = render_words(post).text
                if await self._drafts.show(to, message, text):
                    return message
            async with self._drafts.covered(to, by=message):
                below = question_of(message)
                return await self._messages.send(to, post, reply_to=below)

    async def open_thread(self, to: Conversation, title: str, *, key: str) -> Conversation:
        """Without `key`, which Telegram does not know: twice is two topics."""
        with _translated():
            return await self._messages.open_topic(to, title)

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

    async def _receive(self, receiver: Receiver, name: str) -> None:
        self._webhook.open(receiver)
        try:
            await self._until_our_turn()
            await self._patiently.persist("the webhook's setting", self._choose_the_way)
            await self._offer_commands()
            log.info("telegram: receiving as @%s", name)
            if self._settings.webhook_url:
                await asyncio.Event().wait()
            poll = Poll(self._client, receiver)
            while True:
                await self._patiently.persist("the poll", poll.once)
                self._heard_at = time.monotonic()
        finally:
            self._webhook.close()

    async def _until_our_turn(self) -> None:
        if self._until_leading is not None:
            self._polls = False
            await self._until_leading()
            self._polls = not self._settings.webhook_url
            self._heard_at = time.monotonic()

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
