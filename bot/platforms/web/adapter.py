"""The web page as a chat platform: the page's messages stand in our own database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from aiohttp import web
from pydantic import BaseModel, Field

from bot.event import Attachment, Conversation
from bot.markdown import readable
from bot.platforms.base import Accept, Limits, LostMessage, Post, Refused
from bot.platforms.web.asking import Asking
from bot.platforms.web.live import Live
from bot.platforms.web.site import Photos, Site
from bot.platforms.web.talk import Page, Talk
from bot.platforms.web.upload import UploadLimits
from bot.platforms.web.wire import Message

_LIMITS = Limits(text_units=100_000, edit_every_s=0.05, calls_per_s=1000.0, keyed=True)
_OURS = "bot:"  # before the keys of our messages; no key of the page has a colon


class WebSection(BaseModel, extra="forbid", frozen=True):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)  # 0: any free one


class WebPlatform:
    name = "web"
    bot = "web"

    def __init__(
        self,
        settings: WebSection,
        page: Page,
        photos: Photos,
        *,
        max_photo_mb: int = 20,
        write_s: float = 30.0,
        upload_s: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._photos = photos
        # Microseconds: no run of the program gives out revisions faster than that.
        self._talk = Talk(page, Live(first_revision=int(clock() * 1e6)), clock)
        self._asking = Asking(self.name, self.bot, self._talk)
        limits = UploadLimits(photo_mb=max_photo_mb, body_mb=max(max_photo_mb, 48), body_s=upload_s)
        self._site = Site(settings.host, self._talk, self._asking, photos, limits, write_s=write_s)

    def limits(self, to: Conversation) -> Limits:
        return _LIMITS

    def routes(self) -> Sequence[web.RouteDef]:
        return self._site.routes()

    async def run(self, accept: Accept) -> None:
        self._site.open(accept)
        try:
            await asyncio.Event().wait()
        finally:
            self._site.close()
            await self._asking.close()

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        name = f"{_OURS}{key}"
        shown = await self._talk.find(to.chat, name)
        if shown is None:
            photos = () if post.photo is None else (await self._photos.put(post.photo),)
            message = Message(0, "bot", readable(post.text), photos, post.final, 0.0, name)
            shown = await self._talk.add(to.chat, message)
        return str(shown.id)

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        if not message.isdecimal():
            raise LostMessage(f"{message!r} is not a message of the page")
        await self._talk.write(to.chat, int(message), readable(post.text), final=post.final)
        return message

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        too_large = Refused(f"the photo is larger than {max_bytes} bytes")
        if photo.size_bytes > max_bytes:
            raise too_large
        try:
            data = await self._photos.get(photo.ref)
        except FileNotFoundError as error:
            raise Refused("the photo is not kept any more") from error
        if len(data) > max_bytes:
            raise too_large
        return data
