"""A person's own data: a copy to take along, and its end."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from aiohttp import web

from bot.api.guard import write_in_time
from bot.platforms.web.errors import PageError
from bot.platforms.web.sign_in import SignIn
from bot.platforms.web.visitor import check_csrf, drop_cookie

_PLATFORM = "web"
_PATIENCE_S = 20.0  # then it goes on without the page
_PIECE = 2**16
_MOST_COPIES = 4
_LONGEST_S = 900.0  # to take a copy
_HEADERS = {
    "Content-Type": "application/zip",
    "Content-Disposition": 'attachment; filename="visionbot.zip"',
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Copies(Protocol):
    async def zipped(self, platform: str, person: str) -> tuple[bytes, object]: ...


class Erasures(Protocol):
    async def order(self, platform: str, person: str) -> None: ...

    async def until_ended(self, platform: str, person: str) -> None: ...


class PrivacyPages:
    def __init__(
        self, sign_in: SignIn, copies: Copies, erasures: Erasures, *, write_s: float
    ) -> None:
        """Who takes nothing of the copy for `write_s` is cut off."""
        self._sign_in, self._copies, self._erasures = sign_in, copies, erasures
        self._write_s = write_s
        self._taking: set[str] = set()  # who is on the way with a copy

    async def export(self, request: web.Request) -> web.StreamResponse:
        """One at a time for each, and few in all, for each is in memory until it is taken."""
        who = await self._sign_in.who(request)
        if who.id in self._taking or len(self._taking) >= _MOST_COPIES:
            raise PageError("crowded")
        self._taking.add(who.id)
        try:
            file, _ = await self._copies.zipped(_PLATFORM, who.id)
            return await self._give(request, file)
        finally:
            self._taking.discard(who.id)

    async def forget(self, request: web.Request) -> web.StreamResponse:
        """204: nothing is left; 202: it will be so soon. Whoever comes back is somebody new."""
        who = await self._sign_in.who(request)
        check_csrf(request, who.csrf)
        await self._erasures.order(_PLATFORM, who.id)
        response = web.Response(status=204)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._erasures.until_ended(_PLATFORM, who.id)
        except TimeoutError:
            response = web.Response(status=202)
        drop_cookie(request, response)
        return response

    async def _give(self, request: web.Request, file: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        response.content_length = len(file)
        await response.prepare(request)
        end = time.monotonic() + _LONGEST_S
        for start in range(0, len(file), _PIECE):
            within_s = min(self._write_s, end - time.monotonic())
            await write_in_time(request, response, file[start : start + _PIECE], within_s)
        return response
