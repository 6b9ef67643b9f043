"""Clients that open much, send slowly or read nothing: they are ended, and others are served."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.api.doorkeeper import Doorkeeper, Room, room_of_process
from bot.api.errors import ApiError
from bot.api.guard import Patience, write_in_time
from bot.api.load import Load
from bot.api.reading import read_body
from bot.api.refusals import refuse_in_openais_shape
from bot.api.server import Extras, serve_http
from tests.fakes import settle

HURRY = Patience(header_s=0.2, body_s=0.3, read_s=0.3, bytes_per_s=100_000)
MEGABYTE = 2**20


async def count(request: web.Request) -> web.Response:
    with Load(MEGABYTE).share() as share:
        body = await read_body(request, share, max_bytes=MEGABYTE)
    return web.json_response({"bytes": len(body)})


@asynccontextmanager
async def serving(*routes: web.RouteDef, **more: Any) -> AsyncIterator[int]:
    extras = Extras([refuse_in_openais_shape("en", max_body_mb=1, patience=HURRY)])
    routes = (web.post("/v1/count", count), *routes)
    given = {"health": dict, "patience": HURRY, "extras": extras, **more}
    async with serve_http(routes, host="127.0.0.1", port=0, **given) as port:
        yield port


@asynccontextmanager
async def connected(
    port: int, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What stands in a log of the usual level."""
    return [one.getMessage() for one in caplog.records if one.levelno > logging.DEBUG]


async def is_served(port: int) -> bool:
    async with ClientSession() as client, client.get(f"http://127.0.0.1:{port}/health") as found:
        return found.status == 200


def head(length: int | str = "chunked", *, packed: bool = False) -> bytes:
    size = f"Content-Length: {length}" if length != "chunked" else "Transfer-Encoding: chunked"
    kind = "Content-Encoding: gzip\r\n" if packed else ""
    return (
        f"POST /v1/count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{kind}{size}\r\n\r\n"
    ).encode()


@pytest.mark.row(58)
async def test_a_head_that_drips_is_cut_off_however_steadily() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"a")
            await asyncio.wait([ended], timeout=0.02)

        assert ended.exception() is not None or ended.result() == b""
        assert await is_served(port)


@pytest.mark.row(58)
async def test_many_slow_heads_do_not_keep_others_out() -> None:
    async with serving(room=Room(40)) as port, AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connected(port)) for _ in range(39)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nX: ")

        assert await is_served(port)
        assert [await reader.read() for reader, _ in slow] == [b""] * 39


@pytest.mark.row(58)
async def test_a_body_that_stands_still_is_a_408_in_openais_shape() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head(100) + b'{"half')

        answer = await reader.readuntil(b"}}")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


@pytest.mark.parametrize(
    "sent",
    [
        head(2 * MEGABYTE),
        head() + b"200000\r\n" + b"x" * (2 * MEGABYTE) + b"\r\n0\r\n\r\n",
        head() + b"1\r\nx\r\n" * (MEGABYTE + 1) + b"0\r\n\r\n",
    ],
    ids=["announced", "one chunk", "a flood of chunks"],
)
@pytest.mark.row(58)
async def test_a_body_beyond_the_limit_is_a_413(sent: bytes) -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(sent)

        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        assert await is_served(port)


@pytest.mark.row(58)
async def test_bodies_that_are_too_much_together_are_told_to_come_again() -> None:
    load, held = Load(3 * MEGABYTE // 2), asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        with load.share() as share:
            await read_body(request, share, max_bytes=MEGABYTE)
            await held.wait()
        return web.Response(text="taken")

    async def send(client: ClientSession, port: int) -> tuple[int, str | None]:
        url, headers = f"http://127.0.0.1:{port}/v1/hold", {"Content-Type": "application/json"}
        async with client.post(url, data=b"x" * MEGABYTE, headers=headers) as answer:
            return answer.status, answer.headers.get("Retry-After")

    async with serving(web.post("/v1/hold", hold)) as port, ClientSession() as client:
        sending = [asyncio.ensure_future(send(client, port)) for _ in range(2)]
        refused, _ = await asyncio.wait(sending, return_when="FIRST_COMPLETED")
        held.set()
        taken = await asyncio.gather(*sending)
        after = await send(client, port)

    assert [one.result() for one in refused] == [(503, "5")]
    assert sorted(status for status, _ in taken) == [200, 503]
    assert after == (200, None)


@pytest.mark.row(58)
async def test_of_a_packed_body_what_comes_out_is_what_counts() -> None:
    """100 MB of zeros are 100 kB on the way."""
    bomb = gzip.compress(bytes(100 * MEGABYTE), 1)
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head(len(bomb), packed=True) + bomb)

        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_is_not_packed_as_it_says_is_a_400() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head(9, packed=True) + b"no gzip :")

        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"POST /v1/count HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["tls", "version", "line", "headers", "header", "length", "lengths", "smuggled"],
)
@pytest.mark.row(59)
async def test_what_is_no_request_is_a_400_and_the_end_of_the_connection(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(sent)

        answer = await reader.read()

        assert answer.startswith(b"HTTP/1.1 400 ") or answer.startswith(b"HTTP/1.0 400 ")
        assert await is_served(port)
    assert loud(caplog) == []  # else anybody could fill the log


@pytest.mark.row(60)
async def test_what_stood_in_a_broken_request_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: s=canary\x01\r\n\r\n")

        await reader.read()

    assert "BadHttpMessage" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.row(58)
async def test_requests_sent_ahead_are_answered_one_by_one_and_bounded() -> None:
    running, most = 0, 0

    async def look(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return web.Response(text="x")

    async with serving(web.get("/look", look)) as port, connected(port) as (reader, writer):
        writer.write(b"GET /look HTTP/1.1\r\nHost: a\r\n\r\n" * 300)
        answers = b""
        while answers.count(b"HTTP/1.1 200 ") < 300:
            answers += await reader.read(65536)

    assert most == 1


@pytest.mark.row(58)
async def test_who_reads_nothing_of_a_stream_is_cut_off_and_its_handler_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await write_in_time(request, response, b"x" * MEGABYTE, HURRY.read_s)
        except (ConnectionError, asyncio.CancelledError) as error:
            ended.set_result(error)
            raise

    async with serving(web.get("/stream", stream)) as port, connected(port) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")

        assert isinstance(await ended, ConnectionResetError | asyncio.CancelledError)
        assert await is_served(port)
    assert loud(caplog) == []  # else anybody could fill the log


async def test_what_fails_in_mid_answer_breaks_off_and_no_second_answer_stands_in_it() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise ZeroDivisionError

    async with serving(web.get("/v1/stream", stream)) as port, connected(port) as (reader, writer):
        writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: a\r\n\r\n")

        answer = await reader.read()

    assert answer.endswith(b"half\r\n")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.row(58)
async def test_a_closed_connection_whose_answer_nobody_takes_does_not_stay() -> None:
    """The system goes on offering what was written, for as long as the other side is there."""
    gone = asyncio.Event()

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"x" * 2**24)
            transport.close()

        def connection_lost(self, error: Exception | None) -> None:
            gone.set()

    keeper = Doorkeeper(Answering, Room(10), is_exempt=lambda _: True)
    server = await asyncio.get_running_loop().create_server(keeper, "127.0.0.1", 0)
    sweeping = asyncio.create_task(keeper.sweep(0.1))
    async with connected(server.sockets[0].getsockname()[1]) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gone.wait()
    sweeping.cancel()
    server.close()

    assert len(keeper) == 0


async def test_one_connection_too_many_is_told_so_and_may_come_again() -> None:
    async with serving(room=Room(2)) as port, AsyncExitStack() as stack:
        for _ in range(2):
            _, writer = await stack.enter_async_context(connected(port))
            writer.write(b"GET / HTTP/1.1\r\nX: ")
        async with ClientSession() as client, client.get(f"http://127.0.0.1:{port}/") as refused:
            said = await refused.json()
        await stack.aclose()
        while not await is_served(port):  # until the server has seen that they went
            pass

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "5"
    assert said["error"]["code"] == "too_many_connections"


async def test_however_many_come_at_once_each_is_told_that_there_is_no_room() -> None:
    async def knock(port: int) -> bytes:
        async with connected(port) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return await reader.readline()

    async with serving(room=Room(0)) as port:
        heard = await asyncio.gather(*(knock(port) for _ in range(400)))

    assert set(heard) == {b"HTTP/1.1 503 Service Unavailable\r\n"}


async def test_those_who_say_nothing_keep_nobody_from_being_told() -> None:
    async with serving(room=Room(0)) as port, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(port)) for _ in range(100)]
        reader, writer = await stack.enter_async_context(connected(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

        assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        first, _ = silent[0]
        assert (await first.readline()).startswith(b"HTTP/1.1 503 ")


async def test_who_is_told_with_a_photo_on_the_way_is_not_reset() -> None:
    async with serving(room=Room(0)) as port, connected(port) as (reader, writer):
        writer.write(head(8 * MEGABYTE) + bytes(8 * MEGABYTE))
        await writer.drain()

        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(("exempt", "expected"), [(False, 3), (True, 5)])
@pytest.mark.row(58)
async def test_one_address_has_its_own_bound_and_this_machine_has_none(
    *, exempt: bool, expected: int
) -> None:
    served: list[asyncio.Protocol] = []

    class Listening(asyncio.Protocol):
        def __init__(self) -> None:
            served.append(self)

    keeper = Doorkeeper(Listening, Room(100, per_address=3), is_exempt=lambda _: exempt)
    server = await asyncio.get_running_loop().create_server(keeper, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncExitStack() as stack:
        for _ in range(5):
            _, writer = await stack.enter_async_context(connected(port))
            writer.write(b"?")
        await settle()
    server.close()

    assert len(served) == expected


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_of_this_machine_as_many_may_come_as_there_is_room(address: str) -> None:
    room = Room(10, per_address=1)
    async with (
        serve_http([], host=address, port=0, health=dict, room=room) as port,
        connected(port, address),
        connected(port, address) as (reader, writer),
    ):
        writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")

        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


def test_the_database_and_the_chats_keep_descriptors_for_themselves() -> None:
    assert 64 <= room_of_process().total <= 2048


async def test_every_fault_in_a_request_has_its_words() -> None:
    async def fail(_: web.Request) -> web.Response:
        raise ApiError("api_too_often", retry_after_s=3, limit=2, seconds=3)

    async with (
        serving(web.get("/v1/fail", fail)) as port,
        ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/v1/fail") as answer,
    ):
        said = (await answer.json())["error"]["message"]

    assert said == "Too many requests: this key has 2 a minute. Try again in 3 seconds."
