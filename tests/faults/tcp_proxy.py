"""A small TCP proxy that can do to a connection what networks do: it stands between the program
and a server, and passes everything on until a fault is armed."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: to close is to send RST


@dataclass(frozen=True, slots=True)
class Mishap:
    """It happens to the next request that holds `sign`, once `after` bytes of the reply have
    passed.

    reset: RST to both; cut: an orderly end to both; half_close: an orderly end of the reply, while
    what the program says is still taken; silence: nothing passes any more, and nobody is told;
    refused: RST before the request reaches the server; delay: the reply comes `delay_s` later.
    """

    kind: Literal["reset", "cut", "half_close", "silence", "refused", "delay"]
    sign: bytes = b""
    after: int = 0
    delay_s: float = 0.0


class TcpProxy:
    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._armed: deque[Mishap] = deque()
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.happened: list[Mishap] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def arm(self, *mishaps: Mishap) -> None:
        self._armed.extend(mishaps)

    async def open(self) -> None:
        """At the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Nobody can connect any more, and who was connected is reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.reset()
            await link.ended.wait()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def take(self, request: bytes) -> Mishap | None:
        for mishap in self._armed:
            if mishap.sign in request:
                self._armed.remove(mishap)
                self.happened.append(mishap)
                return mishap
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            _reset(writer)
            return
        link = _Link(self, (reader, writer), theirs)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            link.ended.set()


_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection of the program, and ours to the server in its name."""

    def __init__(self, proxy: TcpProxy, program: _Side, server: _Side) -> None:
        self.ended = asyncio.Event()
        self._proxy = proxy
        self._from_program, self._to_program = program
        self._from_server, self._to_server = server
        self._mishap: Mishap | None = None
        self._passed = 0  # bytes of replies since the mishap was due

    async def run(self) -> None:
        ways = [asyncio.create_task(self._ask()), asyncio.create_task(self._reply())]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (self._to_program, self._to_server):
                writer.close()

    def reset(self) -> None:
        _reset(self._to_program)
        _reset(self._to_server)

    async def _ask(self) -> None:
        with suppress(ConnectionError):
            while request := await self._from_program.read(_CHUNK):
                if self._mishap is None and (due := self._proxy.take(request)):
                    self._mishap, self._passed = due, 0
                    if due.kind == "refused":
                        self.reset()
                        return
                self._to_server.write(request)
                await self._to_server.drain()
            self._to_server.write_eof()

    async def _reply(self) -> None:
        with suppress(ConnectionError):
            while reply := await self._from_server.read(_CHUNK):
                if await self._is_ended_by(reply):
                    return
                self._to_program.write(reply)
                await self._to_program.drain()
            self._to_program.write_eof()

    async def _is_ended_by(self, reply: bytes) -> bool:
        mishap = self._mishap
        if mishap is None:
            return False
        if mishap.kind == "delay":
            self._mishap = None
            await asyncio.sleep(mishap.delay_s)
            return False
        if self._passed + len(reply) <= mishap.after:
            self._passed += len(reply)
            return False
        self._to_program.write(reply[: mishap.after - self._passed])
        await self._to_program.drain()
        match mishap.kind:
            case "cut":
                self._to_program.close()
                self._to_server.close()
            case "half_close":
                self._to_program.write_eof()
            case "reset":
                self.reset()
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
