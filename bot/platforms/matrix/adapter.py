"""Matrix: receiving by sync, sending and editing, encrypted rooms included."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import mimetypes
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nio.crypto.attachments import decrypt_attachment
from nio.exceptions import EncryptionError
from PIL import Image

from bot.event import Attachment, Conversation, Document
from bot.markdown import readable
from bot.markup import html
from bot.platforms.base import (
    Accept,
    Limits,
    LostMessage,
    NotSent,
    PlatformError,
    Post,
    Refused,
    Revoked,
    TooFast,
    Trouble,
)
from bot.platforms.matrix import wire
from bot.platforms.matrix.client import Client, Timings
from bot.platforms.matrix.patience import patience
from bot.platforms.matrix.reactions import emoji_of
from bot.platforms.matrix.section import MatrixSection
from bot.platforms.matrix.session import Session, check_user, own_folder
from bot.platforms.matrix.stream import Cursors, Stream

log = logging.getLogger(__name__)

# An event may have 65,536 bytes. Encrypted, a Chinese character takes 8 of them, and an edit holds
# the text twice, as it is and as HTML; where that is too much, the HTML is left out.
_TEXT_UNITS = 3000
_MOST_BYTES = 44_000  # before encryption
_MOST_FALLBACK = 300  # characters of an edit for apps that know no edits
_CALLS_PER_S = 30.0
_MOST_SLOWER = 8.0
_FORMATS = ("JPEG", "PNG", "WEBP")
_MESSAGE, _REACTION = "m.room.message", "m.reaction"


class Matrix:
    """One bot account. `run` owns the connection: let the last edits end before cancelling it."""

    name = wire.PLATFORM
    single = True

    def __init__(
        self,
        settings: MatrixSection,
        data_dir: Path,
        cursors: Cursors,
        *,
        commands: Iterable[str] = (),
        timings: Timings | None = None,
    ) -> None:
        """`commands`: those that need no mention of the bot in a group."""
        self.bot = settings.user
        self._settings = settings
        self._timings = timings or Timings()
        folder = own_folder(data_dir)
        self._client = Client(settings.homeserver, settings.user, folder, self._timings)
        self._session = Session(self._client, settings, folder)
        self._stream = Stream(
            self._client, self._session, settings, cursors, frozenset(commands), self._timings
        )
        self._patiently = patience(self._timings)
        self._begun = False  # of several programs one alone does
        self._ready = asyncio.Event()  # rooms are known
        self._slower = 1.0  # raised by each 429: the server counts all rooms together

    def limits(self, to: Conversation) -> Limits:
        room = self._client.rooms.get(to.chat)
        group = room is not None and room.member_count > 2
        pause_s = self._settings.group_edit_every_s if group else self._settings.edit_every_s
        return Limits(
            _TEXT_UNITS,
            "utf-16",
            pause_s * self._slower,
            _CALLS_PER_S,
            caption_units=_TEXT_UNITS,
            keyed=True,
            takes_files=True,
        )

    def silent_s(self) -> float | None:
        return time.monotonic() - self._stream.heard_at if self._begun else None

    def trouble(self) -> Trouble | None:
        return self._patiently.trouble()

    async def run(self, accept: Accept) -> None:
        self._begun = True
        try:
            await self._patiently.persist("the login", self._session.open)
            await self._patiently.persist("the first sync", self._stream.begin)
            if not self._settings.invites:
                log.warning("matrix: nobody may invite us to new rooms; see [matrix] invites")
            log.info("matrix: receiving as %s", self.bot)
            self._ready.set()
            await self._stream.follow(accept, self._patiently)
        finally:
            self._ready.clear()
            await self._client.close()

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        await self._wait()
        place = wire.render_place(to.thread, reply_to)
        content = await self._content(to.chat, post) | place
        message = await self._post(to.chat, _MESSAGE, content, key)
        await self._offer(to.chat, message, post)
        return message

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        """Each edit is an event of its own; the newest counts."""
        await self._wait()
        if post.final:
            await self._check_still_there(to.chat, message)
        content = wire.render_edit(message, _text_of(post), _MOST_FALLBACK)
        await self._post(to.chat, _MESSAGE, content, secrets.token_hex(16))
        await self._offer(to.chat, message, post)
        return message

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        await self._wait()
        if not photo.ref.startswith("{"):
            return await self._client.get_file(photo.ref, max_bytes=max_bytes)
        file = json.loads(photo.ref)
        try:
            key, digest = file["key"]["k"], file["hashes"]["sha256"]
            data = await self._client.get_file(str(file["url"]), max_bytes=max_bytes)
            plain: bytes = decrypt_attachment(data, key, digest, file["iv"])
        except (EncryptionError, KeyError, TypeError) as error:
            raise Refused(f"the file cannot be decrypted: {type(error).__name__}") from None
        return plain

    async def open_thread(self, to: Conversation, title: str, *, key: str) -> Conversation:
        """Its first message is the title."""
        root = await self.send(
            Conversation(to.platform, to.chat), Post(title), reply_to=None, key=key
        )
        return Conversation(to.platform, to.chat, root)

    async def _wait(self) -> None:
        """Which rooms there are, and which of them are encrypted, is known after the first sync."""
        try:
            async with asyncio.timeout(self._timings.read_s):
                await self._ready.wait()
        except TimeoutError:
            if self._session.refused:
                raise Revoked("the password is not accepted") from None
            raise NotSent("there is no connection to the homeserver yet") from None

    async def _content(self, room: str, post: Post) -> dict[str, Any]:
        if post.document is not None:
            return await self._file(room, post, post.document)
        if post.photo is None:
            return _text_of(post)
        name, media_type = _kind_of(post.photo)
        where = await self._client.put_file(post.photo, name, media_type, room)
        info = {"mimetype": media_type, "size": len(post.photo)} | await _sides(post.photo)
        content = wire.render_photo(name, readable(post.text), _html_of(post), info, where)
        return content | wire.render_buttons(_names(post))

    async def _file(self, room: str, post: Post, document: Document) -> dict[str, Any]:
        """Its bytes are encrypted like all that is said in the room."""
        media_type = mimetypes.guess_type(document.name)[0] or "application/octet-stream"
        where = await self._client.put_file(document.data, document.name, media_type, room)
        info = {"mimetype": media_type, "size": len(document.data)}
        content = wire.render_file(document.name, readable(post.text), info, where)
        return content | wire.render_buttons(_names(post))

    async def _post(self, room: str, kind: str, content: dict[str, Any], key: str) -> str:
        try:
            message = await self._client.post(room, kind, content, key)
        except TooFast:
            self._slower = min(self._slower * 2, _MOST_SLOWER)
            raise
        except Revoked:
            if self._session.refused:
                raise
            raise NotSent("the access token had expired") from None  # the sync gets a new one
        self._slower = max(self._slower * 0.9, 1.0)
        return message

    async def _offer(self, room: str, message: str, post: Post) -> None:
        """The buttons as reactions of ours, which people only have to press; not where the server
        holds us up already."""
        if not self._settings.reactions or not post.final or self._slower > 1:
            return
        for emoji in filter(None, map(emoji_of, _names(post))):
            content = wire.render_reaction(message, emoji)
            try:
                await self._post(room, _REACTION, content, _key(message, emoji))
            except PlatformError as error:
                log.info("matrix: no reactions below %s: %s", message, error)
                return

    async def _check_still_there(self, room: str, message: str) -> None:
        """The server takes edits of a message that somebody deleted, and nobody sees them."""
        found = await self._client.read(room, message)
        if found is None or not found[0].get("content"):
            raise LostMessage("the message was deleted")


def _text_of(post: Post) -> dict[str, Any]:
    content = wire.render_text(readable(post.text), _html_of(post))
    if len(json.dumps(content)) > _MOST_BYTES:
        content = wire.render_text(readable(post.text), None)
    return content | wire.render_buttons(_names(post))


def _html_of(post: Post) -> str | None:
    return html(post.text) if post.rich and post.final else None


def _kind_of(photo: bytes) -> tuple[str, str]:
    for name, media_type, start in (
        ("photo.png", "image/png", b"\x89PNG"),
        ("photo.webp", "image/webp", b"RIFF"),
    ):
        if photo.startswith(start):
            return name, media_type
    return "photo.jpg", "image/jpeg"


async def _sides(photo: bytes) -> dict[str, int]:
    """Pixels: apps make room by them, and some show no photo without."""
    try:
        with await asyncio.to_thread(Image.open, io.BytesIO(photo), formats=_FORMATS) as opened:
            return {"w": opened.width, "h": opened.height}
    except (OSError, ValueError, Image.DecompressionBombError):
        return {}


def _names(post: Post) -> list[str]:
    return [button.name for button in post.buttons]


def _key(message: str, emoji: str) -> str:
    """The same for every try, in letters that an address may hold."""
    return hashlib.sha256(f"{message} {emoji}".encode()).hexdigest()[:32]


async def identify(settings: MatrixSection) -> str:
    """Whether the homeserver accepts the password, for who checks the settings; a device of this
    moment, gone again when this returns."""
    client = Client(settings.homeserver, settings.user, None, Timings())
    try:
        login = await client.log_in(settings.password.get_secret_value())
        await client.call(client.logout())
    finally:
        await client.close()
    check_user(login.user, settings.user)
    return login.user
