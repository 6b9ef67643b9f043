"""What each way to fail means; the server here is one that answers nothing but that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.platforms.base import (
    Gone,
    LostMessage,
    NotSent,
    PlatformError,
    Refused,
    Revoked,
    TooFast,
    Unclear,
)
from bot.platforms.matrix.client import Client, Timings
from bot.platforms.matrix.failures import platform_error

QUICK = Timings(connect_s=1.0, read_s=0.3, file_s=0.3)


@pytest.fixture
async def asking() -> AsyncIterator[Callable[..., object]]:
    """A client whose every call meets this handler."""
    servers: list[TestServer] = []
    clients: list[Client] = []

    async def open_client(handler: Callable[..., object]) -> Client:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        client = Client(str(servers[-1].make_url("")), "@bot:x", None, QUICK)
        client.access_token = "token"
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        await client.close()
    for server in servers:
        await server.close()


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "M_LIMIT_EXCEEDED", "Too many requests", TooFast),
        (403, "M_FORBIDDEN", "User not in room", Gone),
        (401, "M_UNKNOWN_TOKEN", "Invalid access token", Revoked),
        (403, "M_USER_DEACTIVATED", "This account has been deactivated", Revoked),
        (400, "M_UNKNOWN", "Can't send relation to unknown event", LostMessage),
        (413, "M_TOO_LARGE", "event too large", Refused),
        (404, "M_NOT_FOUND", "Not found", Refused),
        (500, "M_UNKNOWN", "Internal server error", Unclear),
        (502, "", "", Unclear),
        (404, "", "", Unclear),
    ],
)
def test_each_answer_of_a_homeserver_has_its_meaning(
    status: int, code: str, message: str, kind: type[PlatformError]
) -> None:
    assert type(platform_error(status, code, message, None)) is kind


def test_the_pause_that_the_server_asks_for_is_kept_to_the_millisecond() -> None:
    error = platform_error(429, "M_LIMIT_EXCEEDED", "", 413)

    assert isinstance(error, TooFast)
    assert error.retry_after_s == 0.413


@pytest.mark.row(19)
async def test_a_page_of_a_proxy_in_between_says_nothing_for_sure(asking) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(status=502, text="<h1>Bad gateway</h1>", content_type="text/html")

    client = await asking(page)

    with pytest.raises(Unclear):
        await client.call(client.whoami())
    with pytest.raises(Unclear):
        await client.get_file("mxc://x/y", max_bytes=10)


async def test_a_limit_without_a_word_of_how_long_is_a_pause_too(asking) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(status=429)

    client = await asking(page)

    with pytest.raises(TooFast) as told:
        await client.call(client.whoami())
    assert told.value.retry_after_s == 5.0


async def test_an_answer_that_does_not_come_is_unclear(asking) -> None:
    async def silence(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    client = await asking(silence)

    with pytest.raises(Unclear):
        await client.call(client.whoami())


@pytest.mark.row(22)
async def test_a_file_that_breaks_off_is_unclear(asking) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half of it")
        assert request.transport is not None
        request.transport.abort()
        return response

    client = await asking(half)

    with pytest.raises(Unclear):
        await client.get_file("mxc://x/y", max_bytes=1000)


@pytest.mark.row(21)
async def test_where_nobody_listens_nothing_was_sent() -> None:
    client = Client("http://127.0.0.1:9", "@bot:x", None, QUICK)
    client.access_token = "token"

    with pytest.raises(NotSent):
        await client.call(client.whoami())
    await client.close()
