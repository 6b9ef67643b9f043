"""What a window of the page sees: all recent messages, then each change for as long as it stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiohttp import web

from bot.api.guard import write_in_time
from bot.platforms.web.drawing import Drawing
from bot.platforms.web.errors import PageError
from bot.platforms.web.sign_in import SignIn
from bot.platforms.web.talk import Talk
from bot.platforms.web.wire import dump, parse_revision, render_event, render_messages

_REST = 4  # times what drawing took, so that long answers leave the others their share
_LONGEST_REST_S = 2.0


class Stream:
    def __init__(
        self,
        talk: Talk,
        sign_in: SignIn,
        drawing: Drawing,
        *,
        write_s: float,
        heartbeat_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A window that takes nothing for `write_s` is dropped; every `heartbeat_s` we look whether
        its person is still signed in."""
        self._talk, self._sign_in, self._drawing = talk, sign_in, drawing
        self._write_s, self._heartbeat_s, self._clock = write_s, heartbeat_s, clock

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Who comes without a cookie may get one here."""
        response = web.Response(content_type="application/json", charset="utf-8")
        chat = (await self._sign_in.greet(request, response)).id
        revision = self._talk.live.revision  # before the read: what changes meanwhile comes later
        shown = await self._drawing.draw(await self._talk.recent(chat))
        response.text = dump(render_messages(shown, revision))
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        chat = (await self._sign_in.who(request)).id
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
        checked = self._clock()
        while live.is_open:
            began = self._clock()
            if began - checked >= self._heartbeat_s:
                if not await self._is_welcome(chat, request):
                    return
                checked = began
            seen, events = await self._news(chat, seen)
            took_s = self._clock() - began
            await write_in_time(request, response, events or b": still here\n\n", self._write_s)
            await asyncio.sleep(min(_REST * took_s, _LONGEST_REST_S))
            await live.wait(chat, seen, self._heartbeat_s)

    async def _is_welcome(self, chat: str, request: web.Request) -> bool:
        """Still: they may have signed out elsewhere, or be signed in as somebody else."""
        try:
            return (await self._sign_in.who(request)).id == chat
        except PageError:
            return False

    async def _news(self, chat: str, seen: int | None) -> tuple[int, bytes]:
        """What a window does not have yet, and the revision it has then."""
        live = self._talk.live
        changes = None if seen is None else live.changes(chat, seen)
        if seen is None or changes is None:
            revision = live.revision
            shown = await self._drawing.draw(await self._talk.recent(chat))
            return revision, render_event("snapshot", revision, render_messages(shown, revision))
        drawn = await self._drawing.draw([message for _, message in changes])
        pieces = [
            render_event("message", revision, one)
            for (revision, _), one in zip(changes, drawn, strict=True)
        ]
        return (changes[-1][0] if changes else seen), b"".join(pieces)
