"""A model that costs nothing: it answers each question with the question, word by word.

It stands behind OpenAI's API, as vLLM does, so that the program needs no torch and starts at once.
Where a fault belongs into the engine's own process, the demo model is used instead.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web

from tests.inference.engine.model_server import chunk, lists, the_end

SLOWLY = "slowly"  # a question with this word gets its answer so
_MOST_BYTES = 64 << 20
_SLOW_S = 0.3  # before each word


class EchoModel:
    """`pause_s` before each word; `gate`, when cleared, holds every answer before its last word."""

    def __init__(self, *, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: Counter[str] = Counter()  # how often each question reached the model
        self.photos: Counter[str] = Counter()  # with how many photos, the newest time
        self.writing = 0
        self.most_writing = 0
        self.left = 0  # answers whose reader went before their end
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def settings(self) -> dict[str, object]:
        """Of a program that asks it."""
        return {"ENGINE__KIND": "remote", "ENGINE__BASE_URL": f"http://127.0.0.1:{self.port}/v1"}

    async def start(self) -> None:
        """Again at the same port."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _list(self, _: web.Request) -> web.Response:
        card = {"id": "echo", "object": "model", "max_model_len": 8192}
        return web.Response(body=lists(card).pieces[0], content_type="application/json")

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        question, photos = _asked(await request.json())
        self.asked[question] += 1
        self.photos[question] = photos
        self.writing += 1
        self.most_writing = max(self.most_writing, self.writing)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        try:
            await response.prepare(request)
            await self._write(response, answer_to(question))
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise
        finally:
            self.writing -= 1
        return response

    async def _write(self, response: web.StreamResponse, answer: str) -> None:
        *first, last = answer.split(" ")
        pause_s = _SLOW_S if SLOWLY in answer else self.pause_s
        for word in first:
            await response.write(chunk(f"{word} "))
            await asyncio.sleep(pause_s)
        await self.gate.wait()
        await response.write(chunk(last))
        await response.write(the_end())


def answer_to(question: str) -> str:
    """What people must read, to the letter."""
    return f"The answer to {question} is the question."


def _asked(body: dict[str, Any]) -> tuple[str, int]:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content, 0
    texts = [part["text"] for part in content if part["type"] == "text"]
    return " ".join(texts), sum(part["type"] == "image_url" for part in content)
