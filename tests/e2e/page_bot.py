"""The program behind the page, played by the test, so that every moment can be held still."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

from bot.api.server import serve_http
from bot.event import Button
from bot.platforms.base import Post
from bot.platforms.web.adapter import Kept, WebPlatform
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

USUAL = Usual(temperature=0.8, top_p=0.6, max_tokens=512)
BELOW = (Button("again", "再答一次"), Button("up", "👍"), Button("down", "👎"))


class PageBot:
    """`section`: of config.toml, such as an access code."""

    def __init__(self, db, folder, **section):
        self.admins = set()  # ids of persons
        self.photos = Photos(folder)
        self.sessions = Sessions(db)
        kept = Kept(
            *(Page(db), self.photos, self.sessions, Entries(db), Forgetting(db, self.photos)),
            *(Copies(db, self.photos), Erasures(db)),
        )
        self.platform = WebPlatform(
            WebSection(**section),
            kept,
            shrink=_as_it_is,
            strip=_as_it_is,
            is_admin=self._is_admin,
            usual=USUAL,
        )
        self.events = asyncio.Queue()
        self.port = 0
        self._stack = AsyncExitStack()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    async def start(self):
        routes = self.platform.routes()
        serving = serve_http(routes, host="127.0.0.1", port=self.port, health=dict)
        self.port = await self._stack.enter_async_context(serving)
        running = asyncio.create_task(self.platform.run(self.events.put))
        self._stack.push_async_callback(_end, running)

    async def stop(self):
        await self._stack.aclose()

    async def asked(self):
        self.event = await asyncio.wait_for(self.events.get(), 15)
        return self.event

    async def begin(self, text="正在看图…"):
        self.answer = await self.platform.send(
            self.event.conversation, Post(text, final=False), reply_to=None, key="k"
        )

    async def write(self, text, *, final=False, rich=False):
        post = Post(text, final=final, rich=rich, buttons=BELOW if final else ())
        await self.platform.edit(self.event.conversation, self.answer, post)

    async def say(self, text, *, buttons=(), key="said"):
        """A message of its own."""
        post = Post(text, buttons=buttons)
        await self.platform.send(self.event.conversation, post, reply_to=None, key=key)

    async def _is_admin(self, person):
        return person in self.admins


@asynccontextmanager
async def page_bot(folder, **settings):
    db = await Database.open(folder)
    bot = PageBot(db, folder / "photos", **settings)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()
        await db.close()


@asynccontextmanager
async def answering(bot, person, question="图里有什么？"):
    """Inside, an answer is being written."""
    await person.ask(question)
    await bot.asked()
    await bot.begin()
    yield
    await bot.write("好了", final=True)


async def answer(bot, person, markdown, question="图里有什么？"):
    """One answer, whole."""
    await person.ask(question)
    await bot.asked()
    await bot.begin()
    await bot.write(markdown, final=True, rich=True)


async def _end(task):
    """Returns when it has let go of the database."""
    task.cancel()
    await asyncio.wait([task])


async def _as_it_is(photo):
    return photo
