"""What keeps one slow or hostile client from harming the others; for every route of the server.

A connection without a complete request is closed after `header_s` (this is also how long an idle
connection is kept). A body must never stand still for `body_s`, nor fall behind `bytes_per_s` after
its first `body_s`: 408. An answer must be taken as fast after `read_s`, or the connection is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import StreamReader, web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Patience:
    header_s: float = 5.0
    body_s: float = 15.0
    read_s: float = 30.0
    bytes_per_s: float = 8192.0  # slower than any phone network people put up with


async def add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A route may set a header of its own; then that one stands."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.pop("Server", None)


def refuse_slow_bodies(patience: Patience) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.body_exists:
            return await handler(request)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                with _watched(request.content, limit, patience):
                    return await handler(request)
        except TimeoutError:
            if not limit.expired():
                raise
        late = web.HTTPRequestTimeout(text="the request body came too slowly\n")
        late.force_close()
        raise late

    return middleware


def drop_slow_readers(patience: Patience) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        size = response.content_length or 0
        try:
            async with asyncio.timeout(patience.read_s + size / patience.bytes_per_s):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response

    return middleware


async def write_in_time(
    request: web.Request, response: web.StreamResponse, data: bytes, within_s: float
) -> None:
    """One piece of a stream. Who does not take it is cut off: raises ConnectionResetError, which
    ends the handler in silence."""
    try:
        async with asyncio.timeout(within_s):
            await response.write(data)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("nobody takes the answer") from None


@contextmanager
def _watched(content: StreamReader, limit: asyncio.Timeout, patience: Patience) -> Iterator[None]:
    watch = _Watch(content, limit, patience)
    watch.look()
    try:
        yield
    finally:
        watch.stop()


class _Watch:
    """Looks at a body from time to time until it is complete."""

    def __init__(self, content: StreamReader, limit: asyncio.Timeout, patience: Patience) -> None:
        self._content, self._limit, self._patience = content, limit, patience
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._moved_at = self._loop.time()
        self._bytes = 0
        self._handle: asyncio.TimerHandle | None = None

    def look(self) -> None:
        if self._content.is_eof():
            return
        now, arrived = self._loop.time(), self._content.total_bytes
        if arrived > self._bytes:
            self._bytes, self._moved_at = arrived, now
        owed_s = self._begun_at + self._patience.body_s + arrived / self._patience.bytes_per_s
        if now >= min(owed_s, self._moved_at + self._patience.body_s):
            self._limit.reschedule(now)
        else:
            self._handle = self._loop.call_later(self._patience.body_s / 5, self.look)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
