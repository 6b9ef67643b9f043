"""CORS: pages of the origins that the operator names may use the API; off where none is named.

Never with cookies: a page of another site sends a key, or comes to a machine that needs none.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BELOW = "/v1/"
_METHODS = "GET, POST"
_READABLE = (
    "Retry-After, X-Request-Id, X-RateLimit-Limit-Requests, X-RateLimit-Remaining-Requests,"
    " X-RateLimit-Reset-Requests, X-Safety-Case"
)
_NAMES = re.compile(r"[A-Za-z0-9-]{1,64}(?: ?, ?[A-Za-z0-9-]{1,64}){0,63}")
_REMEMBERED_S = "600"


def answer_preflights(origins: Collection[str]) -> Middleware:
    """A browser asks before it sends a key; who is not named gets no permission."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        asks = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        if request.method != hdrs.METH_OPTIONS or not asks or not _is_named(request, origins):
            return await handler(request)
        response = web.Response(status=204)
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
        wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
        if _NAMES.fullmatch(wanted):  # clients send many of their own, and none of them is special
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = wanted
        response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _REMEMBERED_S
        return response

    return middleware


def add_cors_headers(
    origins: Collection[str],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """To be called before a response begins, streams too."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        if not origins or not request.path.startswith(_BELOW):
            return
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if _is_named(request, origins):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _READABLE

    return add


def _is_named(request: web.Request, origins: Collection[str]) -> bool:
    return request.path.startswith(_BELOW) and request.headers.get(hdrs.ORIGIN) in origins
