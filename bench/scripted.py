"""A server that speaks OpenAI's API and writes a known answer at a known pace, for the chat bench.

Whoever asks gets the same words equally fast, so that only the way to people differs.
"""

from __future__ import annotations

import asyncio
import json
import re
from types import TracebackType
from typing import Any, Self

from aiohttp import web

_PHOTO = re.compile(r"photo (\d+)")
_MOST_BYTES = 16 << 20
_SENTENCE = "Nothing else stands out in it, however long one looks at the corners. "


def question(number: int) -> str:
    return f"What can be seen in photo {number}?"


def answer(number: int, length: int) -> str:
    """Markdown of at least so many characters, different for every photo."""
    begin = (
        f"**Photo {number}** shows a *red* square on a light ground:\n\n"
        f"- its colour is `#c81e1e`\n- its edges are sharp\n\n"
        f"```text\nphoto={number} width=64 height=48\n```\n\n"
    )
    end = f"That is all about photo {number}."
    return begin + _SENTENCE * max(1, (length - len(begin) - len(end)) // len(_SENTENCE) + 1) + end


class ScriptedModel:
    """`at_once` answers are written side by side, as an engine does it; the others wait."""

    def __init__(self, *, at_once: int, length: int, pieces: int, pause_s: float) -> None:
        self._length, self._pieces, self._pause_s = length, pieces, pause_s
        self.goes_on = asyncio.Event()  # cleared: answers rest a little behind their middle
        self.goes_on.set()
        self._free = asyncio.Semaphore(at_once)
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.asked = 0
        self.answering = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/chat/completions", self._complete)
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
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        card = {"id": "scripted", "object": "model", "max_model_len": 8192}
        return web.json_response({"object": "list", "data": [card]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        text = answer(_photo_number(await request.json()), self._length)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self.asked += 1
        self.answering += 1
        try:
            await response.prepare(request)
            async with self._free:
                await self._write(response, text)
        finally:
            self.answering -= 1
        return response

    async def _write(self, response: web.StreamResponse, text: str) -> None:
        size = -(-len(text) // self._pieces)
        for start in range(0, len(text), size):
            delta = {"content": text[start : start + size]}
            await response.write(_event({"choices": [_choice(delta, None)]}))
            await asyncio.sleep(self._pause_s)
            if start > len(text) // 2:
                await self.goes_on.wait()
        usage = {"prompt_tokens": 300, "completion_tokens": self._pieces}
        await response.write(_event({"choices": [_choice({}, "stop")]}))
        await response.write(_event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")


def _photo_number(body: dict[str, Any]) -> int:  # Any: JSON
    content = body["messages"][-1]["content"]
    words = content if isinstance(content, str) else json.dumps(content)
    found = _PHOTO.findall(words)
    return int(found[-1]) if found else 0


def _choice(delta: dict[str, str], finish: str | None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _event(content: object) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
