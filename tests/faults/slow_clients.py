"""Clients that want to wear the program out: each does one hostile thing over a plain socket and
tells how it ended. They go to loopback addresses alone, and each ends by itself."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

_BY_ITSELF_S = 40.0


@dataclass(frozen=True)
class Ending:
    status: int  # 0: it was cut off without a word
    after_s: float


class Socket:
    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._host, self._port = host, int(port)

    async def drips_a_head(self) -> Ending:
        """One byte after the other, so that no wait between two is ever long."""
        return await self._drip(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", 0.2)

    async def drips_a_body(self, path: str, kind: str = "application/json") -> Ending:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: {kind}\r\n"
        return await self._drip(f"{head}Content-Length: 100000\r\n\r\n{{".encode(), 0.5)

    async def sends(self, data: bytes) -> Ending:
        """All at once; then it listens."""
        return await self._drip(data, 0.0)

    async def reads_nothing(self, path: str) -> Ending:
        """It asks for answers on and on and takes none of them."""
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()

        class Deaf(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                transport.pause_reading()
                transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 2000)

            def connection_lost(self, error: Exception | None) -> None:
                if not gone.done():
                    gone.set_result(None)

        transport, _ = await loop.create_connection(Deaf, self._host, self._port)
        try:
            async with asyncio.timeout(_BY_ITSELF_S):
                await gone
        finally:
            transport.abort()
        return Ending(0, time.monotonic() - began)

    async def _drip(self, first: bytes, every_s: float) -> Ending:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        said = b""
        try:
            writer.write(first)
            listening = asyncio.ensure_future(reader.readline())
            while every_s and not listening.done() and time.monotonic() - began < _BY_ITSELF_S:
                with suppress(ConnectionError):
                    writer.write(b"a")
                await asyncio.wait([listening], timeout=every_s)
            with suppress(ConnectionError):
                async with asyncio.timeout(_BY_ITSELF_S):
                    said = await listening
        finally:
            writer.transport.abort()
        words = said.split()
        return Ending(int(words[1]) if len(words) > 1 else 0, time.monotonic() - began)
