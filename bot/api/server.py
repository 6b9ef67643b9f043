"""The one HTTP server of the program: the routes of the platforms, and `/health`."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.api.guard import (
    Patience,
    add_security_headers,
    drop_slow_readers,
    refuse_slow_bodies,
)

_MAX_BODY = 2**20  # what a handler may read at once; uploads are streamed and count for themselves
_SHUTDOWN_S = 2.0  # an answer under way may take so long to end
_LINGER_S = (
    5.0  # a refused body is read on so long, else the client sees a reset and not the answer
)

Health = Callable[[], dict[str, object]]


class CannotListen(Exception):
    """The address cannot be had; the message says which, why, and what to do."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {_reason(error)}; {_remedy(error)}")
        self.host, self.port = host, port


@asynccontextmanager
async def serve_http(
    routes: Sequence[web.RouteDef],
    *,
    host: str,
    port: int,
    health: Health,
    patience: Patience | None = None,
) -> AsyncIterator[int]:
    """Serve while the block runs; yields the bound port, which matters when `port` is 0.

    `/health` answers 503 instead of 200 when `health()` has `"ok": False`.
    """
    patience = patience or Patience()
    runner = web.AppRunner(
        _application(routes, health, patience),
        access_log=None,  # paths carry ids of people's photos
        handler_cancellation=True,
        keepalive_timeout=patience.header_s,
        lingering_time=_LINGER_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        yield await _listen(runner, host, port)
    finally:
        await runner.cleanup()


def _application(
    routes: Sequence[web.RouteDef], health: Health, patience: Patience
) -> web.Application:
    async def on_health(_: web.Request) -> web.Response:
        state = health()
        return web.json_response(state, status=200 if state.get("ok", True) else 503)

    app = web.Application(
        middlewares=[drop_slow_readers(patience), refuse_slow_bodies(patience)],
        client_max_size=_MAX_BODY,
    )
    app.on_response_prepare.append(add_security_headers)
    app.add_routes([web.get("/health", on_health), *routes])
    return app


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise CannotListen(host, port, error) from error
    return site.port


def _reason(error: OSError) -> str:
    # asyncio wraps the system's words in a sentence of its own; ours says the address already
    known = {
        errno.EADDRINUSE: "another program uses this port",
        errno.EACCES: "this port needs more rights",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
    }
    return known.get(error.errno or 0, error.strerror or type(error).__name__)


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "stop that program, or set another port with VISIONBOT_WEB__PORT"
        case errno.EACCES:
            return "set VISIONBOT_WEB__PORT to 1024 or more"
        case _:
            return "set VISIONBOT_WEB__HOST to an address of this machine, such as 127.0.0.1"
