"""The HTTP server itself: where it listens, what it adds, and how slow clients are treated."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from io import BytesIO

import pytest
from aiohttp import ClientSession, web

from bot.api.guard import Patience
from bot.api.server import CannotListen, serve_http

HURRY = Patience(header_s=0.2, body_s=0.3, read_s=0.3, bytes_per_s=100_000)


def serving(*routes, health=lambda: {"ok": True}, patience=HURRY, port=0):
    return serve_http(routes, host="127.0.0.1", port=port, health=health, patience=patience)


@asynccontextmanager
async def answered(port, path="/", *, post=None):
    """The server's answer to one request."""
    method = "GET" if post is None else "POST"
    address = f"http://127.0.0.1:{port}{path}"
    async with ClientSession() as client, client.request(method, address, data=post) as response:
        yield response


@asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def swallow(request):
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
    return web.json_response({"bytes": size})


async def test_health_tells_what_the_program_says():
    async with (
        serving(health=lambda: {"ok": True, "waiting": 3}) as port,
        answered(port, "/health") as response,
    ):
        assert response.status == 200
        assert await response.json() == {"ok": True, "waiting": 3}


async def test_health_of_a_sick_program_is_503():
    async with (
        serving(health=lambda: {"ok": False}) as port,
        answered(port, "/health") as response,
    ):
        assert response.status == 503


async def test_unknown_route_is_404_and_has_the_security_headers():
    async with serving() as port, answered(port, "/wp-login.php") as response:
        headers = response.headers

    assert response.status == 404
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Server" not in headers


async def test_header_that_a_route_sets_itself_stands():
    async def page(_):
        return web.Response(headers={"Cache-Control": "no-cache"})

    async with serving(web.get("/", page)) as port, answered(port) as response:
        assert response.headers["Cache-Control"] == "no-cache"


async def test_body_beyond_a_megabyte_is_not_read_at_once():
    async def read(request):
        return web.json_response(len(await request.read()))

    async def body():
        for _ in range(40):
            yield b"x" * 2**16

    async with serving(web.post("/", read)) as port, answered(port, post=body()) as response:
        assert response.status == 413


async def test_port_that_is_taken_is_named_with_a_remedy():
    async with serving() as port:
        with pytest.raises(CannotListen) as caught:
            async with serving(port=port):
                pass

    assert caught.value.port == port
    assert f"127.0.0.1:{port}: another program uses this port (" in str(caught.value)
    assert f"process {os.getpid()});" in str(caught.value)
    assert "VISIONBOT_WEB__PORT" in str(caught.value)


async def test_address_of_another_machine_is_named_with_a_remedy():
    with pytest.raises(CannotListen, match="VISIONBOT_WEB__HOST"):
        async with serve_http([], host="192.0.2.1", port=0, health=dict):
            pass


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ids=["nothing", "half a line", "half a head"],
)
async def test_connection_without_a_whole_request_is_closed(sent):
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(sent)

        assert await reader.read() == b""


async def test_second_request_on_a_connection_may_not_be_slow_either():
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hea")

        answers = await reader.read()

    assert answers.count(b"HTTP/1.1 ") == 1


async def test_body_that_stands_still_is_408():
    async with serving(web.post("/", swallow)) as port, connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf")

        assert b" 408 " in await reader.readline()


async def test_body_that_drips_is_408_though_it_never_stands_still():
    async with serving(web.post("/", swallow)) as port, connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999\r\n\r\n")
        answer = asyncio.ensure_future(reader.readline())
        while not answer.done():
            writer.write(b"x")
            await asyncio.wait([answer], timeout=0.05)

        assert b" 408 " in answer.result()


async def test_body_in_pieces_that_keeps_up_is_taken():
    async with serving(web.post("/", swallow)) as port, connected(port) as (reader, writer):
        size = 200_000
        writer.write(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(10):
            writer.write(b"x" * (size // 10))
            await asyncio.sleep(HURRY.body_s / 5)  # twice as long as a body may stand still, in all

        assert b" 200 " in await reader.readline()


async def test_handler_may_think_longer_than_a_body_may_stand_still():
    async def think(request):
        await request.read()
        await asyncio.sleep(HURRY.body_s * 2)
        return web.Response()

    async with serving(web.post("/", think)) as port, answered(port, post=b"x") as response:
        assert response.status == 200


async def test_timeout_of_a_handler_is_not_taken_for_a_slow_body():
    async def fail(request):
        await request.read()
        raise TimeoutError

    async with serving(web.post("/", fail)) as port, answered(port, post=b"x") as response:
        assert response.status == 504


async def test_reader_who_takes_nothing_is_cut_off():
    transports = []

    async def much(request):
        transports.append(request.transport)
        return web.Response(body=BytesIO(bytes(2**25)))

    patience = Patience(read_s=0.2, bytes_per_s=1e12)
    async with serving(web.get("/", much), patience=patience) as port, connected(port) as streams:
        _, writer = streams
        writer.transport.pause_reading()
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await asyncio.sleep(patience.read_s * 3)

        assert [transport.get_write_buffer_size() for transport in transports] == [0]


async def test_handler_ends_when_its_client_goes_away():
    started, ended = asyncio.Event(), asyncio.Event()

    async def wait(_):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(web.get("/", wait)) as port:
        async with connected(port) as (_, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await started.wait()

        await ended.wait()
