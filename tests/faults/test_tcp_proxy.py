"""The proxy does to a connection what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.tcp_proxy import Mishap, TcpProxy

REPLY = bytes(range(256)) * 40

Ask = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
async def heard() -> asyncio.Queue[bytes]:
    """What reached the server."""
    return asyncio.Queue()


@pytest.fixture
async def proxy(heard: asyncio.Queue[bytes]) -> AsyncIterator[TcpProxy]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(100):
            heard.put_nowait(request)
            writer.write(REPLY)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


async def asked(proxy: TcpProxy, request: bytes = b"hello", most: int = len(REPLY)) -> bytes:
    """The reply, as far as it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(request)
        found = b""
        while len(found) < most and (more := await reader.read(65_536)):
            found += more
        return found
    finally:
        writer.close()


async def test_without_a_mishap_everything_passes(proxy: TcpProxy) -> None:
    assert await asked(proxy) == REPLY


async def test_a_reply_is_cut_at_the_byte(proxy: TcpProxy) -> None:
    proxy.arm(Mishap("cut", after=700))

    assert await asked(proxy) == REPLY[:700]
    assert await asked(proxy) == REPLY  # the next one is well


async def test_a_reset_is_no_orderly_end(proxy: TcpProxy) -> None:
    proxy.arm(Mishap("reset", after=700))

    with pytest.raises(ConnectionResetError):
        await asked(proxy)


async def test_a_half_closed_connection_still_takes_what_is_said(
    proxy: TcpProxy, heard: asyncio.Queue[bytes]
) -> None:
    proxy.arm(Mishap("half_close", after=10))
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.read() == REPLY[:10]

    writer.write(b"more")
    assert [await heard.get(), await heard.get()] == [b"hello", b"more"]

    writer.close()


async def test_what_was_refused_never_reached_the_server(
    proxy: TcpProxy, heard: asyncio.Queue[bytes]
) -> None:
    proxy.arm(Mishap("refused"))

    with pytest.raises(ConnectionResetError):
        await asked(proxy)

    assert heard.empty()


async def test_silence_leaves_the_connection_open(proxy: TcpProxy) -> None:
    proxy.arm(Mishap("silence"))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asked(proxy)


async def test_a_delayed_reply_comes_whole(proxy: TcpProxy) -> None:
    proxy.arm(Mishap("delay", delay_s=0.2))
    loop = asyncio.get_running_loop()
    began = loop.time()

    assert await asked(proxy) == REPLY
    assert loop.time() - began >= 0.2


async def test_only_what_bears_the_sign_is_met(proxy: TcpProxy) -> None:
    proxy.arm(Mishap("cut", sign=b"/file/"))

    assert await asked(proxy, b"GET /else") == REPLY
    assert await asked(proxy, b"GET /file/1") == b""


async def test_closed_it_can_be_reached_by_nobody_and_opened_again(proxy: TcpProxy) -> None:
    await proxy.close()

    with pytest.raises(ConnectionRefusedError):
        await asked(proxy)
    await proxy.open()
    assert await asked(proxy) == REPLY
