"""The one HTTP server of the program: the routes of the platforms, and `/health`."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Middleware

from bot.api.access import tell_requests
from bot.api.addresses import Network, is_loopback, is_within
from bot.api.doorkeeper import Doorkeeper, Room, room_of_process
from bot.api.guard import (
    Patience,
    add_security_headers,
    drop_slow_readers,
    refuse_slow_bodies,
)
from bot.api.listener import listener_of
from bot.watching.counts import Counts

log = logging.getLogger(__name__)

_MAX_BODY = 2**20  # what a handler may read at once; uploads are streamed and count for themselves
_SHUTDOWN_S = 2.0  # an answer under way may take so long to end
_LINGER_S = (
    5.0  # a refused body is read on so long, else the client sees a reset and not the answer
)

_ACCEPTED_AT_ONCE = 32  # connections, before any of them is looked at; each takes a descriptor
_QUEUE = 4096  # connections that the system holds until we accept them; more are slow, not lost

Health = Callable[[], dict[str, object]]
OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a part adds to every request; the first of `middlewares` is the outermost."""

    middlewares: Sequence[Middleware] = ()
    on_prepare: Sequence[OnPrepare] = ()
    proxies: Sequence[Network] = ()  # of whose connections as many may come as there is room


class CannotListen(Exception):
    """The address cannot be had; the message says which, why, and what to do."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        why = f"{_reason(error)}{_who(error, port)}"
        super().__init__(f"cannot listen on {host}:{port}: {why}; {_remedy(error)}")
        self.host, self.port = host, port


@asynccontextmanager
async def serve_http(
    routes: Sequence[web.RouteDef],
    *,
    host: str,
    port: int,
    health: Health,
    patience: Patience | None = None,
    counts: Counts | None = None,
    extras: Extras | None = None,
    room: Room | None = None,
) -> AsyncIterator[int]:
    """Serve while the block runs; yields the bound port, which matters when `port` is 0.

    `/health` answers 503 instead of 200 when `health()` has `"ok": False`.
    """
    patience, extras = patience or Patience(), extras or Extras()
    runner = web.AppRunner(
        _application(routes, health, patience, counts or Counts(), extras),
        access_log=None,  # paths carry ids of people's photos
        logger=_ServerLog(log),
        handler_cancellation=True,
        keepalive_timeout=patience.header_s,
        lingering_time=_LINGER_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    assert runner.server is not None

    def is_exempt(address: str) -> bool:
        return is_loopback(address) or is_within(address, extras.proxies)

    keeper = Doorkeeper(runner.server, room or room_of_process(), is_exempt=is_exempt)
    try:
        async with _listening(keeper, host, port, sweep_every_s=patience.read_s) as bound:
            yield bound
    finally:
        await runner.cleanup()


class _ServerLog(logging.LoggerAdapter[logging.Logger]):
    """aiohttp tells with a traceback of whoever sends what is no request, and shows what was sent,
    or goes while he is answered. Neither is a fault of ours, and anybody could fill the log."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **_: object) -> None:
        # Any: whatever logging takes
        if isinstance(exc_info, HttpProcessingError | ConnectionError):
            log.debug("a connection ended: %s", type(exc_info).__name__)
        else:
            log.error(msg, *args, exc_info=exc_info)


def _application(
    routes: Sequence[web.RouteDef],
    health: Health,
    patience: Patience,
    counts: Counts,
    extras: Extras,
) -> web.Application:
    async def on_health(_: web.Request) -> web.Response:
        state = health()
        return web.json_response(state, status=200 if state.get("ok", True) else 503)

    app = web.Application(
        middlewares=[
            tell_requests(counts),
            drop_slow_readers(patience),
            *extras.middlewares,
            refuse_slow_bodies(patience),
        ],
        client_max_size=_MAX_BODY,
    )
    app.on_response_prepare.extend([add_security_headers, *extras.on_prepare])
    app.add_routes([web.get("/health", on_health), *routes])
    return app


@asynccontextmanager
async def _listening(
    keeper: Doorkeeper, host: str, port: int, *, sweep_every_s: float
) -> AsyncIterator[int]:
    """The bound port. NOTE: not by a site of aiohttp's, which asks nobody who may connect."""
    try:
        server = await asyncio.get_running_loop().create_server(
            keeper, host, port, backlog=_ACCEPTED_AT_ONCE
        )
    except OSError as error:
        raise CannotListen(host, port, error) from error
    for listening in server.sockets:  # asyncio has one number for both
        with listening.dup() as same:
            same.listen(_QUEUE)
    sweeping = asyncio.create_task(keeper.sweep(sweep_every_s), name="sweeper")
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        keeper.close()
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping


def _reason(error: OSError) -> str:
    # asyncio wraps the system's words in a sentence of its own; ours says the address already
    known = {
        errno.EADDRINUSE: "another program uses this port",
        errno.EACCES: "this port needs more rights",
        errno.EADDRNOTAVAIL: "this machine does not have that address",
    }
    return known.get(error.errno or 0, error.strerror or type(error).__name__)


def _who(error: OSError, port: int) -> str:
    found = listener_of(port) if error.errno == errno.EADDRINUSE else None
    return "" if found is None else f" ({found[1]}, process {found[0]})"


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "stop that program, or set another port with VISIONBOT_WEB__PORT"
        case errno.EACCES:
            return "set VISIONBOT_WEB__PORT to 1024 or more"
        case _:
            return "set VISIONBOT_WEB__HOST to an address of this machine, such as 127.0.0.1"
