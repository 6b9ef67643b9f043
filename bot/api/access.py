"""One line in the log for each request: route, status, time, size, whose key; never its path.
Method, route and status are counted too.

A path holds ids of photos and of answers. Only requests below /v1 are told at INFO: a page asks
for much.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from bot.api.caller import Caller
from bot.api.refusals import id_of
from bot.watching.counts import Counts
from inference.trace import tracing

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CALLER = web.RequestKey("caller", Caller)

_ROOT = "/v1/"
_GONE = 499  # as nginx has it: who asked did not wait for the answer
_page_log = logging.getLogger("bot.platforms.web")  # where the other requests belong


def tell_requests(
    counts: Counts | None = None, clock: Callable[[], float] = time.monotonic
) -> Middleware:
    """The outermost: it gives each request the id that all its lines have."""

    requests = (counts or Counts()).requests

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = clock()
        status, size = web.HTTPInternalServerError.status_code, 0
        with tracing(id_of(request)):
            try:
                response = await handler(request)
                status, size = response.status, response.body_length
            except web.HTTPException as refusal:
                status, size = refusal.status, refusal.content_length or 0
                raise
            except (asyncio.CancelledError, ConnectionError):
                status = _GONE
                raise
            else:
                return response
            finally:
                requests[_method(request), _route(request), str(status)] += 1
                _tell(request, status, size, clock() - began)

    return middleware


def _tell(request: web.Request, status: int, size: int, took_s: float) -> None:
    caller = request.get(CALLER)
    of_api = request.path.startswith(_ROOT)
    figures = {
        "method": _method(request),
        "route": _route(request),
        "status": status,
        "ms": round(1000 * took_s),
        "bytes": size,
        "caller": caller.id if caller else "-",
    }
    (log if of_api else _page_log).log(
        _level(status, of_api=of_api),
        "%(method)s %(route)s %(status)d, %(ms)d ms, %(bytes)d bytes, caller %(caller)s",
        figures,
    )


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else "other"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "(none)"


def _level(status: int, *, of_api: bool) -> int:
    if status == web.HTTPInternalServerError.status_code:  # the other faults are told elsewhere
        return logging.WARNING
    return logging.INFO if of_api else logging.DEBUG
