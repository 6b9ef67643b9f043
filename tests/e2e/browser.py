"""Debian's Chromium under Playwright. Missing it skips these tests loudly; in CI it fails them."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1180, "height": 820}
PHONE = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    found = shutil.which("chromium")
    if found is None:
        how = "chromium is missing: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        await browser.close()


class Window:
    """A browser window of one person, and what went wrong in it."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.faults = []
        self.elsewhere = []
        page.set_default_timeout(15_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _asked(self, request):
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.elsewhere.append(request.url)

    async def ask(self, text, *photos):
        if photos:
            await self.page.set_input_files("#files", photos)
        await self.page.fill("#question", text)
        await self.page.press("#question", "Enter")

    def bubbles(self, side="bot"):
        return self.page.locator(f".message.from-{side} .text")


@asynccontextmanager
async def window(chromium, url, **options):
    """Open the page; at the end nothing may have gone wrong or been asked from elsewhere."""
    options = {"viewport": DESKTOP, "locale": "zh-CN", **options}
    context = await chromium.new_context(**options)
    try:
        opened = Window(await context.new_page(), url)
        await opened.page.goto(url)
        yield opened
        assert opened.faults == [], opened.faults  # this file is not rewritten by pytest
        assert opened.elsewhere == [], opened.elsewhere
    finally:
        await context.close()
