"""The web platform behind the real HTTP server and above the real stores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, FormData
from PIL import Image

from bot.api.server import serve_http
from bot.event import Conversation, Event
from bot.platforms.web.adapter import Kept, WebPlatform
from bot.platforms.web.errors import BadPhoto
from bot.platforms.web.lockout import Lockout
from bot.platforms.web.section import WebSection
from bot.platforms.web.upload import Usual
from bot.storage.copy import Copies
from bot.storage.db import Database
from bot.storage.entries import Entries
from bot.storage.erasing.erasures import Erasures
from bot.storage.forgetting import Forgetting
from bot.storage.page import Page
from bot.storage.photos import Photos
from bot.storage.sessions import Sessions
from tests.fakes import FakeTime


@dataclass
class Inbox:
    """What accept is given; drops repeated events as the real one does."""

    events: list[Event] = field(default_factory=list)
    gate: asyncio.Event | None = None
    fault: Exception | None = None
    calls: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    committed: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, event):
        self.calls += 1
        self.called.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        if event.message not in [known.message for known in self.events]:
            self.events.append(event)
        self.committed.set()


@dataclass
class Served:
    """A running web platform and a browser of one person."""

    platform: WebPlatform
    page: Page
    photos: Photos
    inbox: Inbox
    url: str
    browser: ClientSession
    sessions: Sessions | None = None

    async def visit(self, browser=None):
        async with (browser or self.browser).get(f"{self.url}/api/messages") as response:
            assert response.status == 200
            return await response.json()

    async def call(self, method, path, *, browser=None, proof=True, **options):
        """The status and what was told; with the proof that our own page asks, unless `proof`
        says otherwise."""
        browser = browser or self.browser
        headers = dict(options.pop("headers", {}))
        if proof is True:
            _, me = await self.call("GET", "/api/me", browser=browser, proof=None, headers=headers)
            proof = me.get("csrf")
        if proof:
            headers["X-CSRF-Token"] = proof
        async with browser.request(
            method, f"{self.url}{path}", headers=headers, **options
        ) as response:
            body = await response.read()
            return response.status, json.loads(body) if body[:1] == b"{" else body

    async def sign_in(self, code, *, browser=None, **options):
        return await self.call(
            "POST", "/api/sign-in", browser=browser, proof=None, json={"code": code}, **options
        )

    async def ask(self, text="", photos=(), *, key="question-1", browser=None, **fields):
        form = FormData({"key": key, "lang": "zh", **fields}, default_to_multipart=True)
        form.add_field("text", text, **({"filename": "text"} if isinstance(text, bytes) else {}))
        for photo in photos:
            form.add_field("photos", BytesIO(photo), filename="photo")
        return await self.call("POST", "/api/ask?lang=zh", browser=browser, data=form)

    async def texts(self):
        return [message["text"] for message in (await self.visit())["messages"]]

    @property
    def chat(self):
        return Conversation("web", self.inbox.events[-1].conversation.chat)

    @asynccontextmanager
    async def events(self, after="", headers=None):
        address = f"{self.url}/api/events" + (f"?after={after}" if after else "")
        async with self.browser.get(address, headers=headers) as response:
            assert response.status == 200
            yield Stream(response)


class Stream:
    def __init__(self, response: ClientResponse):
        self.response = response

    async def next(self):
        """The next event as (name, revision, data); comments are passed over."""
        fields = {}
        while line := (await self.response.content.readline()).decode():
            if line == "\n" and fields:
                return fields["event"], int(fields["id"]), json.loads(fields["data"])
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
        return None

    async def until(self, wanted):
        """Events up to the first message for which `wanted` holds."""
        seen = []
        while event := await self.next():
            seen.append(event)
            if event[0] == "message" and wanted(event[2]):
                return seen
        raise AssertionError(f"the stream ended after {seen}")


def new_browser():
    return ClientSession(cookie_jar=CookieJar(unsafe=True))  # cookies of 127.0.0.1, please


@dataclass
class Place:
    """A data folder in which the platform can be started again and again."""

    db: Database
    folder: Path

    def __post_init__(self):
        self.wall, self.time = FakeTime(), FakeTime()
        self.admins: set[str] = set()
        self.shrunk: list[bytes] = []

    async def is_admin(self, person):
        return person in self.admins

    async def shrink(self, photo):
        self.shrunk.append(photo)
        return b"\xff\xd8\xffsmall"

    async def strip(self, photo):
        if photo.endswith(b"unusable"):
            raise BadPhoto("坏了。", "It is broken.")
        return photo.partition(b"+taken at ")[0]

    @asynccontextmanager
    async def serve(
        self, *, browser=None, runs=True, section=(), entries=None, **options
    ) -> AsyncIterator[Served]:
        page, photos, inbox = Page(self.db), Photos(self.folder), Inbox()
        sessions = Sessions(self.db, clock=self.wall.clock)
        self.erasures = Erasures(self.db)
        self.copies = Copies(self.db, photos)
        entries, forgetting = entries or Entries(self.db), Forgetting(self.db, photos)
        platform = WebPlatform(
            WebSection(port=0, **dict(section)),
            Kept(
                *(page, photos, sessions, entries, forgetting),
                *(self.copies, self.erasures),
            ),
            shrink=self.shrink,
            strip=self.strip,
            is_admin=self.is_admin,
            usual=Usual(0.0, 1.0, 512),
            max_photo_mb=1,
            lockout=Lockout(clock=self.time.clock),
            **options,
        )
        routes = platform.routes()
        async with (
            serve_http(routes, host="127.0.0.1", port=0, health=lambda: {"ok": True}) as port,
            nullcontext(browser) if browser else new_browser() as browser,
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(platform.run(inbox.accept)) if runs else None
            await asyncio.sleep(0)
            url = f"http://127.0.0.1:{port}"
            served = Served(platform, page, photos, inbox, url, browser, sessions)
            if not section:
                await served.visit()
            yield served
            if running is not None:
                running.cancel()


@pytest.fixture
async def place(tmp_path):
    db = await Database.open(tmp_path)
    yield Place(db, tmp_path / "photos")
    await db.close()


@pytest.fixture
async def served(place):
    async with place.serve() as served:
        yield served


@pytest.fixture
async def stranger():
    async with new_browser() as browser:
        yield browser


@pytest.fixture
def photo():
    data = BytesIO()
    Image.new("RGB", (40, 30), "red").save(data, "PNG")
    return data.getvalue()
