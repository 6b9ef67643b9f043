"""The API over the fake engine: a real server, database, line and ledger in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.api.build import build_extras
from bot.api.completions import Waits
from bot.api.guard import Patience
from bot.api.server import serve_http
from bot.api.site import Api
from bot.config import Settings
from bot.inferring import make_casework
from bot.line import Line
from bot.metering import Meter
from bot.rules import Rules
from bot.storage.db import Database
from bot.storage.pauses import Pauses
from bot.storage.photos import Photos
from bot.stores import Stores
from bot.watching.counts import Counts
from bot.worker import Workers
from inference.earlier.answers import Answers
from inference.engine.base import EngineStats
from inference.request import Delta, Usage
from inference.service import Service
from tests.bot.guarding import a_guard
from tests.fakes import FakeDecoder, FakeEngine, cancelled

ASK = "/v1/chat/completions"


class ScriptedEngine(FakeEngine):
    """`scripts`: the very deltas that answer a question; `state` as its stats tell it."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: dict[str, list[Delta | Exception]] = {}
        self.state = "up"
        self.measured: list[str] = []

    async def stream(self, request):
        script = self.scripts.get(request.turns[-1].text)
        if script is None:
            async for delta in super().stream(request):
                yield delta
            return
        self.requests.append(request)
        for step in script:
            if isinstance(step, Exception):
                raise step
            yield step
            await asyncio.sleep(0)

    async def measure(self, turn):
        self.measured.append(turn.text)
        return await super().measure(turn)

    def stats(self) -> EngineStats:
        return EngineStats(model="fake", context_tokens=self.context_tokens, state=self.state)


@dataclass
class Served:
    port: int
    engine: ScriptedEngine
    line: Line
    stores: Stores
    api: Api
    counts: Counts
    client: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "en"})

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, body: Any, *, path: str = ASK, **headers: str):  # Any: also what is no body
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} | self.headers
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.url(path), data=data, headers=given)

    def get(self, path: str, **headers: str):
        given = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(self.url(path), headers=given)

    async def ask(self, question: str = "hi", **fields: Any) -> dict[str, Any]:
        async with self.post(a_body(question, **fields)) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def refused(self, body: Any, *, path: str = ASK, **headers: str):
        """Status and error of a refused request."""
        async with self.post(body, path=path, **headers) as response:
            return response.status, (await response.json())["error"]

    async def until(self, holds: Callable[[], object]) -> None:
        while not holds():  # noqa: ASYNC110  (line and ledger tell nobody)
            await asyncio.sleep(0.001)

    async def settled(self) -> list[tuple[int, int, str]]:
        """The ledger, once nobody is answered any more."""
        await self.until(lambda: not (self.line.busy or len(self.line)))
        while True:
            rows = await self.ledger()
            if all(state == "settled" for *_, state in rows):
                return rows
            await asyncio.sleep(0.001)

    async def ledger(self) -> list[tuple[int, int, str]]:
        """Questions, tokens and state of each call."""
        async with self.stores.db.read() as connection:
            rows = await connection.exec_driver_sql(
                "select settled_questions, settled_tokens, state from ledger"
                " where call is not null order by id"
            )
            return [tuple(row) for row in rows]


def a_body(question: Any = "hi", **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}]} | fields


def the_end(prompt: int = 10, completion: int = 5) -> Delta:
    return Delta(finish="stop", usage=Usage(prompt, completion))


@asynccontextmanager
async def served(
    folder,
    *,
    waits: Waits | None = None,
    at_once: int = 8,
    opened=True,
    guarded=False,  # by patterns, see tests/bot/guarding.py
    **sections,
):
    settings = Settings(storage={"data_dir": folder}, **sections)
    db = await Database.open(folder)
    stores = Stores.of(db, Photos(folder / "photos"))
    engine, counts = ScriptedEngine(), Counts()
    answers = Answers(settings.cache, stores.answers, found=counts.answer)
    rules = Rules(settings.rules())
    casework = make_casework(settings, stores, rules, counts)
    guard = a_guard(rules, folder)(casework) if guarded else None
    service = Service(engine, FakeDecoder(), answers=answers, safety=guard)
    line = Line(settings.line, workers=at_once)
    meter = Meter(stores.ledger, stores.people, rules, default_language="en")
    api = Api(
        settings,
        stores,
        service,
        meter,
        rules,
        Pauses(db),
        line,
        counts,
        health=lambda: {"ok": True, "status": "ok"},
        waits=waits,
    )
    workers = Workers(
        line,
        *(None,) * 3,  # what only questions from chats need
        service,
        meter,
        None,
        settings.answers,
        buttons=None,
        at_once=at_once,
        max_attempts=3,
    )
    serving = serve_http(
        api.routes(),
        host="127.0.0.1",
        port=0,
        health=lambda: {"ok": True},
        extras=build_extras(settings),
        patience=Patience(header_s=1.0, body_s=0.5, read_s=0.5),
    )
    try:
        connector = aiohttp.TCPConnector(force_close=True)  # an idle one is closed by the server
        async with serving as port, aiohttp.ClientSession(connector=connector) as client:
            attending = asyncio.create_task(workers.run())
            if opened:
                api.open()
            yield Served(port, engine, line, stores, api, counts, client)
            await cancelled(attending)
    finally:
        await db.close()
