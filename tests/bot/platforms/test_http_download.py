"""Files of other people's servers; the server here is one that answers what it is told to."""

from __future__ import annotations

import asyncio
import traceback

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.platforms.base import NotSent, Refused, Unclear
from bot.platforms.http import download

TIMES = aiohttp.ClientTimeout(total=0.2)


async def test_a_server_that_sends_us_elsewhere_is_not_followed():
    """It might send us, with what we know, into our own network."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/file":
            raise web.HTTPFound("/inside")
        return web.Response(body=b"a secret")

    async with _server(answer) as server:
        with pytest.raises(Refused, match="302"):
            await download(str(server.make_url("/file")), max_bytes=1000, times=TIMES)

    assert asked == ["/file"]


async def test_a_server_that_says_nothing_is_given_up():
    async def answer(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with _server(answer) as server:
        with pytest.raises(Unclear):
            await download(str(server.make_url("/file")), max_bytes=1000, times=TIMES)


async def test_an_address_with_a_token_in_it_is_not_named_by_the_error():
    token = "123:abc"

    with pytest.raises(NotSent) as caught:
        await download(f"http://127.0.0.1:1/bot{token}/file", max_bytes=1000, times=TIMES)

    assert token not in "".join(traceback.format_exception(caught.value))


def _server(answer) -> TestServer:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return TestServer(app)
