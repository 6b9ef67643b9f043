"""The page's routes: its files, and the calls it makes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Protocol

from aiohttp import web

from bot.event import Attachment
from bot.platforms.base import Accept
from bot.platforms.web.asking import Asking, Question
from bot.platforms.web.errors import FAULTS, PageError
from bot.platforms.web.files import page_files
from bot.platforms.web.room import Room
from bot.platforms.web.talk import Talk
from bot.platforms.web.upload import UploadLimits, read_asked
from bot.platforms.web.visitor import check_host, check_origin, visitor_of, welcome
from bot.platforms.web.wire import (
    media_type_of,
    parse_language,
    parse_revision,
    render_error,
    render_event,
    render_message,
    render_messages,
)

_HEARTBEAT_S = 15.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Photos(Protocol):
    """Where photos are kept, named by the digest of their bytes."""

    async def put(self, data: bytes) -> str: ...

    async def get(self, digest: str) -> bytes:
        """Raises FileNotFoundError."""


class Site:
    def __init__(
        self,
        host: str,
        talk: Talk,
        asking: Asking,
        photos: Photos,
        limits: UploadLimits,
        *,
        write_s: float,
    ) -> None:
        """A window that takes nothing for `write_s` is dropped."""
        self._host, self._talk, self._asking = host, talk, asking
        self._photos, self._limits, self._write_s = photos, limits, write_s
        self._room = Room()
        self._accept: Accept | None = None

    def open(self, accept: Accept) -> None:
        self._accept = accept
        self._talk.live.open()

    def close(self) -> None:
        self._accept = None
        self._talk.live.close()

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            *(web.get(where, self._door(send_file)) for where, send_file in page_files()),
            web.post("/api/ask", self._door(self._ask, ours=True)),
            web.get("/api/messages", self._door(self._messages, ours=True), allow_head=False),
            web.get("/api/events", self._door(self._events, ours=True), allow_head=False),
            web.get("/api/photos/{digest}", self._door(self._photo, ours=True), allow_head=False),
        ]

    def _door(self, handler: _Handler, *, ours: bool = False) -> _Handler:
        """A refusal becomes a sentence. `ours`: only our own page may call."""

        async def enter(request: web.Request) -> web.StreamResponse:
            try:
                check_host(request, self._host)
                if ours:
                    check_origin(request)
                return await handler(request)
            except PageError as error:
                return _refusal(request, error)

        return enter

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        if self._accept is None:
            raise PageError("starting")
        chat = visitor_of(request).id
        with self._room.upload(chat) as upload:
            asked = await read_asked(request, upload, self._limits)
            photos = [await self._keep(photo) for photo in asked.photos]
        language = parse_language(asked.language, request.headers.get("Accept-Language", ""))
        question = Question(asked.key, asked.text, tuple(photos), language)
        message = await self._asking.ask(self._accept, chat, question)
        return web.json_response(render_message(message), status=202)

    async def _keep(self, photo: bytes) -> Attachment:
        return Attachment(await self._photos.put(photo), media_type_of(photo), len(photo))

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        """The page's first call: who comes without a cookie gets one here."""
        response = web.Response(content_type="application/json", charset="utf-8")
        chat = welcome(response, request).id
        revision = self._talk.live.revision  # before the read: what changes meanwhile comes later
        shown = render_messages(await self._talk.recent(chat), revision)
        response.text = json.dumps(shown)
        return response

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        chat, digest = visitor_of(request).id, request.match_info["digest"]
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise PageError("not_found")
        if not any(digest in message.photos for message in await self._talk.recent(chat)):
            raise PageError("not_found")
        try:
            data = await self._photos.get(digest)
        except FileNotFoundError as error:
            raise PageError("not_found") from error
        media_type = media_type_of(data)
        response = web.Response(
            body=BytesIO(data), content_type=media_type or "application/octet-stream"
        )
        if not media_type:
            response.headers["Content-Disposition"] = "attachment"
        return response

    async def _events(self, request: web.Request) -> web.StreamResponse:
        chat = visitor_of(request).id
        seen = parse_revision(
            request.headers.get("Last-Event-ID") or request.query.get("after", "")
        )
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # nginx would hold the pieces back
            }
        )
        with self._talk.live.reader(chat):
            await response.prepare(request)
            await self._follow(chat, seen, request, response)
        return response

    async def _follow(
        self, chat: str, seen: int | None, request: web.Request, response: web.StreamResponse
    ) -> None:
        live = self._talk.live
        try:
            while live.is_open:
                seen, events = await self._news(chat, seen)
                async with asyncio.timeout(self._write_s):
                    await response.write(events or b": still here\n\n")
                await live.wait(chat, seen, _HEARTBEAT_S)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()

    async def _news(self, chat: str, seen: int | None) -> tuple[int, bytes]:
        """What a window does not have yet, and the revision it has then."""
        live = self._talk.live
        changes = None if seen is None else live.changes(chat, seen)
        if seen is None or changes is None:
            revision = live.revision
            shown = render_messages(await self._talk.recent(chat), revision)
            return revision, render_event("snapshot", revision, shown)
        pieces = [
            render_event("message", revision, render_message(message))
            for revision, message in changes
        ]
        return (changes[-1][0] if changes else seen), b"".join(pieces)


def _refusal(request: web.Request, error: PageError) -> web.Response:
    wish = request.query.get("lang", "")
    language = parse_language(wish, request.headers.get("Accept-Language", ""))
    fault = FAULTS[error.code]
    response = web.json_response(render_error(error, language), status=fault.status)
    if fault.retry_after_s:
        response.headers["Retry-After"] = str(fault.retry_after_s)
    return response
