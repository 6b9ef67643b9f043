"""Takes the pictures of the page for docs/: `python -m tests.e2e.pictures docs`.

The whole program runs with its demo model, in Debian's Chromium.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.async_api import async_playwright, expect

from bot.texts import TEXTS
from tests.e2e.browser import FLAGS
from tests.e2e.drawing import file_of, shape
from tests.e2e.page_program import PageProgram

_DESKTOP = {"viewport": {"width": 1180, "height": 820}, "device_scale_factor": 1.5}
_PHONE = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
_ANSWER_MS = 60_000
# No further news of the answer once some of it is shown.
_HOLD_STILL = """
const Source = window.EventSource;
let isEnough = false;
window.EventSource = class extends Source {
    addEventListener(type, listener) {
        super.addEventListener(type, (event) => {
            if (!isEnough) listener(event);
            isEnough = document.querySelector(".writing .text")?.textContent.length > 24;
        });
    }
};
"""
_WORDS = {
    "zh-CN": ["图里有什么？", "圆形是什么颜色？"],
    "en-GB": ["What is in the picture?", "What colour is the circle?"],
}


async def take_pictures(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data:
        place = PageProgram(Path(data))
        await place.start()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=FLAGS
                )
                await _Camera(browser, place.url, folder).take_all()
                await browser.close()
        finally:
            await place.program.clean_up()


class _Camera:
    def __init__(self, browser, url, folder):
        self._browser, self._url, self._folder = browser, url, folder

    async def take_all(self):
        async with self._page() as page:
            await expect(page.locator("#empty")).to_be_visible()
            await self._take(page, "page-first")
        await self._answer_under_way()
        for name, options in {
            "page-dark": {"color_scheme": "dark"},
            "page-zh": {"locale": "zh-CN", "panel": True},
            "page-phone": _PHONE,
        }.items():
            await self._talk(name, **options)
        async with self._page() as page:
            await self._history(page)

    @asynccontextmanager
    async def _page(self, *, script="", **options):
        options = {"locale": "en-GB", "reduced_motion": "reduce", **_DESKTOP, **options}
        context = await self._browser.new_context(**options)
        page = await context.new_page()
        await page.add_init_script(script)
        await page.goto(self._url)
        try:
            yield page
        finally:
            await context.close()

    async def _take(self, page, name):
        await page.evaluate("document.fonts.ready")
        await page.screenshot(path=self._folder / f"{name}.png")

    async def _talk(self, name, *, locale="en-GB", panel=False, **options):
        async with self._page(locale=locale, **options) as page:
            photo = _two_shapes()
            for question in _WORDS[locale]:
                await _ask(page, question, photo)
                photo = None
            if panel:
                await page.locator("#openPanel").click()
            await self._take(page, name)

    async def _answer_under_way(self):
        """Held still, because the demo model writes faster than a picture is taken."""
        async with self._page(script=_HOLD_STILL) as page:
            await page.locator("#openPanel").click()
            await page.locator("#temperature").press("ArrowRight")
            await page.set_input_files("#files", _two_shapes())
            await page.locator("#question").fill(_WORDS["en-GB"][0])
            await page.locator("#question").press("Enter")
            written = page.locator(".writing .text")
            await expect(written).to_have_text(re.compile(".{20}"), timeout=_ANSWER_MS)
            await self._take(page, "page-answer")

    async def _history(self, page):
        for kind, colour in (("circle", "#d8352a"), ("square", "#2b62c4"), ("triangle", "#14893b")):
            photo = file_of(shape(kind, colour, "white", (480, 360)))
            await _ask(page, f"What colour is the {kind}?", photo)
            await page.locator("#new").click()
            await expect(page.locator(".note .text").last).to_have_text(TEXTS["renewed"].en)
        await _ask(page, _WORDS["en-GB"][0], _two_shapes())
        await page.locator("#openHistory").click()
        await expect(page.locator(".entry")).to_have_count(4)
        await page.locator(".entry > button").nth(1).click()
        await page.wait_for_load_state("networkidle")
        await self._take(page, "page-history")


async def _ask(page, question, photo=None):
    count = await page.locator(".from-bot:not(.writing)").count()
    if photo:
        await page.set_input_files("#files", photo)
    await page.locator("#question").fill(question)
    await page.locator("#question").press("Enter")
    await expect(page.locator(".from-bot:not(.writing)")).to_have_count(
        count + 1, timeout=_ANSWER_MS
    )


def _two_shapes():
    """A red circle and a green triangle on white."""
    scale = 4  # drawn large and shrunk, so that the edges are smooth
    picture = Image.new("RGB", (640 * scale, 420 * scale), "#ffffff")
    pen = ImageDraw.Draw(picture)
    pen.ellipse([scale * at for at in (90, 120, 280, 310)], fill="#e3201b")
    pen.polygon([scale * at for at in (455, 115, 565, 310, 345, 310)], fill="#14893b")
    return file_of(picture.resize((640, 420), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    asyncio.run(take_pictures(Path(sys.argv[1])))
