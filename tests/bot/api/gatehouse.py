"""A gate before one route, over HTTP, with the stores behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from bot.api.addresses import parse_network
from bot.api.auth import Gate, add_rate_headers
from bot.api.cors import add_cors_headers, answer_preflights
from bot.api.refusals import refuse_in_openais_shape
from bot.api.secret import Token, new_token
from bot.api.section import ApiSection
from bot.api.server import Extras, serve_http
from bot.rules import Rules, RuleSet
from bot.storage.db import Database
from bot.storage.keys import Key, Keys
from bot.storage.pauses import Pauses
from bot.storage.people import People


@dataclass(frozen=True)
class Answer:
    status: int
    code: str  # of the error; empty: admitted
    said: str
    headers: Mapping[str, str]
    caller: dict[str, Any] = field(default_factory=dict)


class Gatehouse:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.keys = Keys(db)
        self.people = People(db)
        self.pauses = Pauses(db)
        self.rules = Rules(RuleSet())
        self.now = 1000.0  # of the clock that counts requests and locks
        self.url = ""
        self._client = ClientSession()

    async def key(self, name: str = "app", **values: Any) -> Token:
        token = new_token()
        async with self.db.write() as transaction:
            await self.keys.add_with(transaction, Key(token.id, name, token.digest, **values))
            await self.people.add_with(transaction, "api", token.id, name, "member")
        return token

    async def revoke(self, token: Token) -> None:
        async with self.db.write() as transaction:
            await self.keys.revoke_with(transaction, token.id)

    @asynccontextmanager
    async def open(
        self, *, host: str = "0.0.0.0", trusted: tuple[str, ...] = (), **section: Any
    ) -> AsyncIterator[Gatehouse]:
        """`host`: what the program believes to listen on."""
        settings = ApiSection(**section)
        gate = Gate(
            settings,
            self.keys,
            self.people,
            self.pauses,
            self.rules,
            listening_on=host,
            trusted=[parse_network(text) for text in trusted],
            clock=lambda: self.now,
        )

        async def ask(request: web.Request) -> web.Response:
            caller = await gate.admit(request)
            seen = {"id": caller.id, "name": caller.name, "models": sorted(caller.models)}
            return web.json_response(seen)

        routes = [web.get("/v1/models", ask), web.post("/v1/chat/completions", ask)]
        extras = Extras(
            [
                answer_preflights(settings.cors_origins),
                refuse_in_openais_shape("en", max_body_mb=10),
            ],
            [add_rate_headers, add_cors_headers(settings.cors_origins)],
        )
        serving = serve_http(routes, host="127.0.0.1", port=0, health=dict, extras=extras)
        async with serving as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    async def ask(
        self,
        token: Token | str | None = None,
        *,
        method: str = "POST",
        **headers: str,
    ) -> Answer:
        """`headers`: with underscores for the dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        path = "/v1/chat/completions" if method == "POST" else "/v1/models"
        async with self._client.request(method, self.url + path, headers=sent) as response:
            found = await response.json()
            error = found.get("error", {})
            code, said = error.get("code", ""), error.get("message", "")
            return Answer(response.status, code, said, response.headers.copy(), found)

    async def raw(self, head: bytes) -> bytes:
        """The first line that the server says to these bytes."""
        port = int(self.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        try:
            return await reader.readline()
        finally:
            writer.close()

    async def close(self) -> None:
        await self._client.close()
        await self.db.close()


@asynccontextmanager
async def a_gatehouse(folder: Path) -> AsyncIterator[Gatehouse]:
    house = Gatehouse(await Database.open(folder))
    try:
        yield house
    finally:
        await house.close()
