"""The web page as a chat platform: the page's messages stand in our own database."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from bot.event import Attachment, Conversation
from bot.markdown import readable
from bot.platforms.base import Accept, Limits, LostMessage, Post, Refused
from bot.platforms.web.account import Account, IsAdmin
from bot.platforms.web.asking import Asking
from bot.platforms.web.drawing import Drawing
from bot.platforms.web.history_pages import Entries, Forgetting, HistoryPages
from bot.platforms.web.live import Live
from bot.platforms.web.lockout import Lockout
from bot.platforms.web.pictures import Photos, Pictures, Strip
from bot.platforms.web.privacy_pages import Copies, Erasures, PrivacyPages
from bot.platforms.web.questions import Questions
from bot.platforms.web.section import WebSection
from bot.platforms.web.sign_in import Sessions, make_sign_in
from bot.platforms.web.site import Site
from bot.platforms.web.stream import Stream
from bot.platforms.web.talk import Cover, Page, Talk
from bot.platforms.web.thumbnails import Shrink
from bot.platforms.web.upload import UploadLimits, Usual
from bot.platforms.web.wire import Message

log = logging.getLogger(__name__)

_LIMITS = Limits(
    text_units=100_000,
    edit_every_s=0.05,
    calls_per_s=1000.0,
    keyed=True,
    rich_previews=True,
    shows_presses=True,
    kept_by_us=True,
)
_OURS = "bot:"  # before the keys of our messages; no key of the page has a colon
_SWEEP_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the page's things are kept."""

    page: Page
    photos: Photos
    sessions: Sessions
    entries: Entries
    forgetting: Forgetting
    copies: Copies
    erasures: Erasures


class WebPlatform:
    name = "web"
    bot = "web"

    def __init__(
        self,
        settings: WebSection,
        kept: Kept,
        *,
        shrink: Shrink,
        strip: Strip,
        is_admin: IsAdmin,
        usual: Usual | None = None,
        timezone: Callable[[], str] = lambda: "",
        max_photo_mb: int = 20,
        write_s: float = 30.0,
        upload_s: float = 60.0,
        heartbeat_s: float = 15.0,
        clock: Callable[[], float] = time.time,
        lockout: Lockout | None = None,
        cover: Cover | None = None,
    ) -> None:
        """`shrink` makes thumbnails; `strip` gives what is stored of a photo; `usual`: how answers
        are drawn unless somebody wishes."""
        self._photos = kept.photos
        self._forgetting = kept.forgetting
        # Microseconds: no run of the program gives out revisions faster than that.
        self._talk = Talk(kept.page, Live(first_revision=int(clock() * 1e6)), clock, cover)
        self._asking = Asking(self.name, self.bot, self._talk, clock=clock)
        sign_in = make_sign_in(settings, kept.sessions, lockout or Lockout())
        limits = UploadLimits(photo_mb=max_photo_mb, body_mb=max(max_photo_mb, 48), body_s=upload_s)
        usual, drawing = usual or Usual(), Drawing()
        self._pictures = Pictures(self._talk, sign_in, kept.photos, shrink)
        self._site = Site(
            settings.checked_host,
            self._talk,
            sign_in,
            Account(sign_in, is_admin, limits, usual),
            Questions(self._asking, sign_in, kept.photos, strip, limits, usual),
            Stream(self._talk, sign_in, drawing, write_s=write_s, heartbeat_s=heartbeat_s),
            self._pictures,
            HistoryPages(
                *(self._talk, sign_in, drawing, kept.entries, kept.forgetting),
                timezone=timezone,
                write_s=write_s,
            ),
            PrivacyPages(sign_in, kept.copies, kept.erasures, write_s=write_s),
        )

    def limits(self, to: Conversation) -> Limits:
        return _LIMITS

    def routes(self) -> Sequence[web.RouteDef]:
        return self._site.routes()

    async def run(self, accept: Accept) -> None:
        self._site.open(accept)
        try:
            while True:
                await self._sweep()
                await asyncio.sleep(_SWEEP_EVERY_S)
        finally:
            self._site.close()
            await self._asking.close()

    def forget(self, person: str) -> None:
        self._talk.live.drop(person)
        self._pictures.forget()

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        name = f"{_OURS}{key}"
        shown = await self._talk.find(to.chat, name)
        if shown is None:
            photos = () if post.photo is None else (await self._photos.put(post.photo),)
            text = readable(post.text)
            message = Message(
                0, "bot", text, photos, post.final, 0.0, name, post.rich, post.buttons
            )
            shown = await self._talk.add(to.chat, message)
        return str(shown.id)

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        if not message.isdecimal():
            raise LostMessage(f"{message!r} is not a message of the page")
        post = replace(post, text=readable(post.text))
        await self._talk.write(to.chat, int(message), post)
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

    async def _sweep(self) -> None:
        try:
            await self._forgetting.sweep()
        except Exception:  # a full disk must not end the page; it is tried again
            log.exception("forgotten photos could not be removed")
