"""The operator's page behind the real HTTP server, above real stores, beside a fake engine."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from bot.admin.office import Office
from bot.api.server import serve_http
from bot.config import Settings
from bot.console.build import build_console
from bot.line import Line, LineSection
from bot.rules import Rules
from bot.storage.db import Database
from bot.storage.photos import Photos
from bot.stores import Stores
from bot.watching.counts import Counts
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine


@dataclass
class Browser:
    """One browser; `csrf` is what its page has been told."""

    url: str
    session: ClientSession
    csrf: str = ""
    headers: dict = field(default_factory=dict)

    async def get(self, path, **query):
        address = f"{self.url}/admin/api/{path}"
        async with self.session.get(address, params=query, headers=self.headers) as response:
            return response.status, await response.json()

    async def post(self, path, body, **headers):
        headers = {"X-CSRF-Token": self.csrf} | self.headers | headers
        address = f"{self.url}/admin/api/{path}?lang=en"
        async with self.session.post(address, json=body, headers=headers) as response:
            return response.status, await response.json() if response.status != 204 else None

    async def enter(self, code=""):
        status, visitor = await self.post("enter", {"code": code})
        if status == 200:
            self.csrf = visitor["csrf"]
        return status, visitor

    async def order(self, line, *, id_="", **headers):
        """As the page gives it: "quota telegram:1 set 5 questions/day"."""
        command, _, words = line.partition(" ")
        body = {"id": id_ or secrets.token_hex(16), "command": command, "words": words}
        return await self.post("order", body, **headers)


@dataclass
class Place:
    """The page as it is served."""

    url: str
    stores: Stores
    office: Office
    rules: Rules
    line: Line
    counts: Counts
    console: object
    stack: AsyncExitStack

    async def browser(self, **headers):
        jar = CookieJar(unsafe=True)  # cookies of 127.0.0.1, please
        session = await self.stack.enter_async_context(ClientSession(cookie_jar=jar))
        return Browser(self.url, session, headers=headers)

    async def owner(self):
        """A browser that came in by a link of the machine."""
        browser = await self.browser()
        code = await self.office.sessions.issue_link("machine:root", "console")
        assert (await browser.enter(code))[0] == 200
        return browser


@asynccontextmanager
async def a_place(folder: Path, **sections):
    async with AsyncExitStack() as stack:
        db = await Database.open(folder)
        stack.push_async_callback(db.close)
        settings = Settings(storage={"data_dir": folder}, **sections)
        stores = Stores.of(db, Photos(folder / "photos"))
        rules, counts = Rules(settings.rules()), Counts()
        office = Office(db, rules, stores.people, stores.ledger, stores.outbox)
        line = Line(LineSection(), workers=8)
        health = {"ok": True, "status": "ok", "version": "1", "uptime_seconds": 5.0}
        console = build_console(
            settings,
            stores,
            office,
            rules,
            line,
            Service(FakeEngine(), FakeDecoder()),
            counts,
            lambda: health | {"engine": {"model": "demo"}},
        )
        serving = serve_http(console.routes(), host="127.0.0.1", port=0, health=dict)
        port = await stack.enter_async_context(serving)
        url = f"http://127.0.0.1:{port}"
        yield Place(url, stores, office, rules, line, counts, console, stack)


@pytest.fixture
async def place(tmp_path):
    async with a_place(tmp_path) as place:
        yield place
