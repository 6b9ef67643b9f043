"""What somebody hears who asks for an address that is none of ours."""

from __future__ import annotations

import json

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.api.plain_page import plain_page, wants_page
from bot.api.refusals import language_of
from bot.texts import Language, say


def tell_of_unknown_addresses(default: Language) -> Middleware:
    """A page for browsers, JSON for all others; what has an answer of its own keeps it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound as error:
            return _refusal(request, language_of(request, default), error.status)

    return middleware


def _refusal(request: web.Request, language: Language, status: int) -> web.Response:
    said = say("address_unknown", language)
    if wants_page(request):
        return plain_page(said, language, status)
    told = {"error": {"code": "unknown_address", "message": said}}
    return web.json_response(text=json.dumps(told, ensure_ascii=False), status=status)
