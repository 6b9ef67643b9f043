"""Who is here and what they may do; signing in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.platforms.web.body import read_json
from bot.platforms.web.sign_in import SignIn, Who
from bot.platforms.web.upload import UploadLimits, Usual
from bot.platforms.web.visitor import check_csrf
from bot.platforms.web.wire import Json, dump, parse_code

IsAdmin = Callable[[str], Awaitable[bool]]  # by the person's id

WAYS = {"open": "none", "code": "code", "proxy": "header"}  # as the page calls them


class Account:
    def __init__(
        self, sign_in: SignIn, is_admin: IsAdmin, limits: UploadLimits, usual: Usual
    ) -> None:
        self._sign_in, self._is_admin = sign_in, is_admin
        self._limits, self._usual = limits, usual

    async def me(self, request: web.Request) -> web.StreamResponse:
        """The page's first call: it gives or renews the cookie."""
        response = web.Response(content_type="application/json", charset="utf-8")
        who = await self._sign_in.greet(request, response)
        # Elsewhere nobody can know whom they would give a role to.
        is_admin = self._sign_in.way == "proxy" and await self._is_admin(who.id)
        response.text = dump(self._render_me(who, is_admin=is_admin))
        return response

    async def enter(self, request: web.Request) -> web.StreamResponse:
        response = web.Response(status=204)
        await self._sign_in.enter(request, response, parse_code(await read_json(request)))
        return response

    async def leave(self, request: web.Request) -> web.StreamResponse:
        response = web.Response(status=204)
        check_csrf(request, (await self._sign_in.who(request)).csrf)
        await self._sign_in.leave(request, response)
        return response

    def _render_me(self, who: Who, *, is_admin: bool) -> Json:
        limits, usual = self._limits, self._usual
        return {
            "name": who.name,
            "signIn": WAYS[self._sign_in.way],
            "canSignOut": self._sign_in.way == "code",
            "isAdmin": is_admin,
            "limits": {
                "photos": limits.photos,
                "photoMb": limits.photo_mb,
                "characters": limits.text_characters,
                "max_tokens": usual.max_tokens,
            },
            "defaults": {
                "temperature": usual.temperature,
                "top_p": usual.top_p,
                "max_tokens": usual.max_tokens,
            },
            "csrf": who.csrf,
        }
