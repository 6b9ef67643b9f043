"""An answer as server-sent events: https://platform.openai.com/docs/api-reference/chat-streaming

It begins with the first word or the first sign of life, so that what goes wrong before is still
answered with its own status.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from bot.api.guard import write_in_time
from bot.api.refusals import REQUEST_ID, id_of
from bot.api.rendering import dumps
from bot.api.shapes import RenderedChunk

DONE = "[DONE]"


class Events:
    """Who takes nothing for `write_s` is cut off, with ConnectionResetError."""

    def __init__(self, request: web.Request, *, write_s: float) -> None:
        self._request = request
        self._write_s = write_s
        self.response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # nginx would hold the pieces back
                REQUEST_ID: id_of(request),
            }
        )

    @property
    def begun(self) -> bool:
        return self.response.prepared

    async def send(self, chunks: Iterable[RenderedChunk]) -> None:
        data = "".join(f"data: {dumps(chunk)}\n\n" for chunk in chunks)
        if data:
            await self._write(data.encode())

    async def wait(self, ahead: int) -> None:
        """A sign of life, for proxies that cut what is silent; clients pass over it."""
        await self._write(f": {ahead} ahead\n\n".encode() if ahead else b": still here\n\n")

    async def fail(self, error: object) -> None:
        """Nothing comes after it, so that nobody takes the answer for a whole one."""
        await self._write(f"data: {dumps(error)}\n\n".encode())

    async def end(self) -> None:
        await self._write(f"data: {DONE}\n\n".encode())

    async def _write(self, data: bytes) -> None:
        if not self.begun:
            await self.response.prepare(self._request)
        await write_in_time(self._request, self.response, data, self._write_s)
