"""Who sends photos slowly keeps nobody else out, and not for long."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.platforms.web.errors import PageError
from bot.platforms.web.room import Room
from bot.platforms.web.visitor import Visitor

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")


@asynccontextmanager
async def half_a_photo(served, cookie):
    """A question whose photo stands still in the middle."""
    port = int(served.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n"
        b"Cookie: visionbot=" + cookie.encode() + b"\r\n"
        b"X-CSRF-Token: " + Visitor(cookie).csrf.encode() + b"\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="photos"\r\n\r\n\xff\xd8\xff' + b"." * 2000
    )
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


@pytest.mark.row(58)
async def test_many_slow_uploads_keep_nobody_out(served, photo):
    async with AsyncExitStack() as stack:
        for number in range(40):
            await stack.enter_async_context(half_a_photo(served, f"{number:032x}"))
        await served.visit()  # by now the server has read what they sent

        assert (await served.ask("图里有什么？", [photo]))[0] == 202


async def test_words_do_not_wait_for_the_photos_of_the_same_visitor(served):
    (cookie,) = served.browser.cookie_jar
    async with half_a_photo(served, cookie.value):
        await served.visit()

        assert (await served.ask("你好"))[0] == 202


@pytest.mark.row(58)
async def test_upload_that_takes_too_long_is_ended_with_a_sentence(place, photo):
    async with place.serve(upload_s=0.2) as served:
        async with half_a_photo(served, "0" * 32) as reader:
            status_line = await reader.readline()
            body = (await reader.readuntil(b"}}")).decode()

        assert b" 408 " in status_line
        assert "too_slow" in body
        assert (await served.ask("图里有什么？", [photo]))[0] == 202


async def test_second_upload_of_a_visitor_waits_for_the_first():
    room = Room()
    with room.upload("ann") as second:
        with room.upload("ann") as first:
            await first.begin()
            waiting = asyncio.ensure_future(second.begin())
            await asyncio.sleep(0)
            waited = not waiting.done()
        await waiting

    assert waited


async def test_second_upload_of_a_visitor_does_not_wait_for_ever():
    room = Room(wait_s=0)
    with room.upload("ann") as first, room.upload("ann") as second:
        await first.begin()

        with pytest.raises(PageError, match="crowded"):
            await second.begin()


async def test_two_visitors_do_not_wait_for_each_other():
    room = Room(wait_s=0)
    with room.upload("ann") as one, room.upload("bob") as other:
        await one.begin()
        await other.begin()

    assert room.sending == {}


@pytest.mark.row(58)
async def test_photos_beyond_the_memory_are_refused_until_others_are_done():
    room = Room(most_bytes=10)
    with room.upload("bob") as other:
        with room.upload("ann") as first:
            first.hold(8)
            with pytest.raises(PageError, match="crowded"):
                other.hold(3)
        other.hold(10)

    assert room.held == 0
