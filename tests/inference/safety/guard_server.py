"""A strict server of guards on loopback: it refuses what the real ones would not know, and answers
as it is told, failures included."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Literal

from aiohttp import web
from PIL import Image

How = Literal["well", "late", "500", "redirect", "html", "cut", "huge", "odd"]
KEY = "a-secret-key"
_CHAT = {"model", "messages", "temperature", "max_tokens", "stream"}
_MODERATION = {"model", "input"}


class GuardServer:
    """`says`: the text of the next completions; `results`: of the next moderations."""

    def __init__(self) -> None:
        self.url = ""
        self.how: How = "well"
        self.says = "Safety: Safe\nCategories: None"
        self.result: Any = {"flagged": False, "categories": {}, "category_scores": {}}
        self.asked: list[dict[str, Any]] = []
        self.pictures: list[tuple[int, int]] = []
        self.elsewhere = 0
        self.left = asyncio.Event()  # a client went away while it waited

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, _CHAT)
        assert [set(message) for message in body["messages"]]
        for message in body["messages"]:
            if set(message) != {"role", "content"} or not isinstance(message["content"], str):
                raise web.HTTPBadRequest
        message = {"role": "assistant", "content": self.says}
        return await self._answer(request, {"choices": [{"index": 0, "message": message}]})

    async def moderations(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request, _MODERATION)
        if not isinstance(body["input"], str):
            (part,) = body["input"]
            url = part["image_url"]["url"]
            head, _, data = url.partition(",")
            if part["type"] != "image_url" or head != "data:image/jpeg;base64":
                raise web.HTTPBadRequest
            self.pictures.append(Image.open(BytesIO(base64.b64decode(data))).size)
        return await self._answer(request, {"id": "1", "results": [self.result]})

    async def caught(self, request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.json_response({})

    async def _body(self, request: web.Request, known: set[str]) -> dict[str, Any]:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise web.HTTPUnauthorized
        body = await request.json()
        if not set(body) <= known or request.content_type != "application/json":
            raise web.HTTPBadRequest
        self.asked.append(body)
        return body

    async def _answer(self, request: web.Request, answer: Any) -> web.StreamResponse:
        match self.how:
            case "late":
                try:
                    await asyncio.Event().wait()
                finally:
                    self.left.set()
            case "500":
                raise web.HTTPInternalServerError
            case "redirect":
                raise web.HTTPTemporaryRedirect(f"{self.url}/elsewhere")
            case "html":
                return web.Response(text="<html>sign in</html>", content_type="text/html")
            case "huge":
                return web.Response(text=json.dumps(answer) + " " * (2 << 20))
            case "odd":
                return web.json_response({"choices": [], "results": [{"flagged": "perhaps"}]})
            case "cut":
                response = web.StreamResponse(headers={"Content-Length": "100"})
                await response.prepare(request)
                await response.write(b'{"choices"')
                assert request.transport is not None
                request.transport.abort()
                return response
        return web.json_response(answer)


@asynccontextmanager
async def serving() -> AsyncIterator[GuardServer]:
    server = GuardServer()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/chat/completions", server.chat)
    app.router.add_post("/v1/moderations", server.moderations)
    app.router.add_route("*", "/v1/elsewhere", server.caught)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
