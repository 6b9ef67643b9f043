"""A proxy in front of a homeserver that can keep an answer back after the server has done its part:
what was sent is there, and who sent it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, ClientTimeout, web

_HOP_BY_HOP = ("host", "connection", "transfer-encoding", "content-length", "content-encoding")


class Gate:
    def __init__(self, behind: str) -> None:
        """`behind`: the address of the server."""
        self._behind = behind
        self._keeps = ""
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self.kept = asyncio.Event()  # an answer was kept back
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def keep_back(self, path: str) -> None:
        """The next answer to a call with this in its path."""
        self._keeps = path
        self.kept.clear()

    async def __aenter__(self) -> Self:
        self._session = ClientSession(timeout=ClientTimeout(total=120))
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, request: web.Request) -> web.Response:
        assert self._session is not None
        async with self._session.request(
            request.method,
            f"{self._behind}{request.raw_path}",
            headers=_end_to_end(request.headers.items()),
            data=await request.read(),
        ) as answer:
            body = await answer.read()
        if self._keeps and self._keeps in request.raw_path:
            self._keeps = ""
            self.kept.set()
            await asyncio.Event().wait()  # until the other side is gone
        return web.Response(
            status=answer.status, headers=_end_to_end(answer.headers.items()), body=body
        )


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
