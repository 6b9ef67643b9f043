"""The page for everybody: axe-core finds nothing grave in any view, and every view fits a phone."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.event import Button
from bot.platforms.base import Post
from tests.e2e.axe import axe, grave_faults  # noqa: F401  (axe is a fixture)
from tests.e2e.browser import PHONE, chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import circle_and_stars, file_of
from tests.e2e.page_bot import page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),  # axe reads a whole view at a time, on a busy machine slowly
]

PHOTO = file_of(circle_and_stars())
RICH = (
    "# 标题\n\n**红色** `#f00` [说明](https://example.org/)\n\n- 一\n- 二\n\n"
    "| 形状 | 数量 |\n| --- | ---: |\n| 圆形 | 1 |\n\n```python\n"
    + "print('a long line of code that is wider than any phone can be at all')\n```\n\n> 引用\n"
)
ENTRY = {
    "id": 7,
    "at": 1.8e9,
    "question": "图里有什么？" * 9,
    "photos": [],
    "answer": "红色的圆形。" * 30,
    "blocks": [{"t": "p", "c": [{"t": "text", "text": "红色的圆形。" * 30}]}],
}
OUTSIDE = """[...document.querySelectorAll("body *")].filter((node) => {
    const {left, right, width} = node.getBoundingClientRect();
    const scrolls = node.closest("pre, .table, #photos, .unseen, .sprite, .skip");
    return !scrolls && width > 0 && node.checkVisibility() && (left < -1 || right > innerWidth + 1);
}).map((node) => node.id || String(node.className) || node.localName)"""


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path):
    async with page_bot(tmp_path) as bot:
        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def locked(tmp_path):
    async with page_bot(tmp_path / "locked", sign_in="code", access_code="correct-horse") as bot:
        yield bot


async def show_talk(bot, person):
    """A whole answer with every kind of block, buttons, and one that is being written."""
    await person.ask("图里有什么？", PHOTO, PHOTO)
    await bot.asked()
    await bot.begin()
    await bot.write(RICH, final=True, rich=True)
    scores = [Button(f"rate 12 {score}", str(score)) for score in range(1, 6)]
    await bot.say("请评分", buttons=[*scores, Button("person", "找人工客服")])
    await person.page.set_input_files("#files", [PHOTO] * 3)
    await bot.platform.send(
        bot.event.conversation, Post("正在看图…", final=False), reply_to=None, key="second"
    )
    await expect(person.page.locator("#stop")).to_be_visible()


async def show_trouble(bot, person):
    await person.page.set_input_files("#files", [PHOTO] * 9)
    await expect(person.page.get_by_role("alert")).to_be_visible()


async def show_panel(bot, person):
    await person.page.locator("#openPanel").click()
    await person.page.locator("#temperature").press("ArrowRight")


async def show_history(bot, person):
    """As the program tells it; the real one is looked at elsewhere."""
    told = json.dumps({"entries": [ENTRY, {**ENTRY, "id": 6, "question": ""}], "next": "6"})
    await person.page.route(
        "**/api/history?*", lambda route: route.fulfill(body=told, content_type="application/json")
    )
    await person.page.locator("#openHistory").click()
    await person.page.locator(".entry > button").first.click()
    await person.page.locator(".whole .tools button").last.click()
    await expect(person.page.locator(".chip.danger")).to_be_visible()


async def show_nothing_found(bot, person):
    await person.page.locator("#openHistory").click()
    await person.page.locator("#words").fill("nothing")
    await expect(person.page.locator("#clearFilter")).to_be_visible()
    await expect(person.page.locator("#noEntries")).to_be_visible()


async def show_question_whether_to_delete(bot, person):
    await person.page.locator("#openHistory").click()
    await expect(person.page.locator("#noEntries")).to_be_visible()
    await person.page.evaluate("document.querySelector('#confirmAll').showModal()")


async def speak(person, language):
    """Also where a dialog stands over the button."""
    await person.page.evaluate(f"document.querySelector('[data-language={language}]').click()")
    await expect(person.page.locator("[aria-busy=true]")).to_have_count(0)


async def show_first_visit(bot, person):
    await expect(person.page.locator("#empty")).to_be_visible()


VIEWS = [
    show_first_visit,
    show_talk,
    show_trouble,
    show_panel,
    show_history,
    show_nothing_found,
    show_question_whether_to_delete,
]
# A colour on its way to another would be looked at in between.
STILL = {"reduced_motion": "reduce"}
by_view = pytest.mark.parametrize("show", VIEWS, ids=lambda show: show.__name__)


@by_view
async def test_axe_finds_nothing_grave_in_any_language_and_scheme(bot, chromium, axe, show):  # noqa: F811
    async with window(chromium, bot.url, **STILL) as person:
        await show(bot, person)

        for language in ("zh", "en"):
            await speak(person, language)
            for scheme in ("light", "dark"):
                await person.page.emulate_media(color_scheme=scheme)
                assert (language, scheme, await grave_faults(person.page, axe)) == (
                    language,
                    scheme,
                    [],
                )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_grave_in_the_sign_in(locked, chromium, axe, scheme):  # noqa: F811
    async with window(chromium, locked.url, **STILL, color_scheme=scheme) as person:
        await person.page.locator("#code").fill("wrong-horse")
        await person.page.keyboard.press("Enter")
        await expect(person.page.locator("#signInTrouble")).not_to_be_empty()

        assert await grave_faults(person.page, axe) == []
        person.faults.clear()  # the browser notes each refusal


@by_view
async def test_every_view_fits_a_phone(bot, chromium, show):  # noqa: F811
    async with window(chromium, bot.url, **PHONE) as person:
        await show(bot, person)

        for language in ("zh", "en"):
            await speak(person, language)
            for width, height in ((320, 568), (430, 400)):
                await person.page.set_viewport_size({"width": width, "height": height})
                outside = await person.page.evaluate(OUTSIDE)
                assert (language, width, outside) == (language, width, [])


async def test_question_and_its_button_stay_in_sight_over_a_keyboard_on_the_screen(
    bot,
    chromium,  # noqa: F811
):
    phone = {**PHONE, "viewport": {"width": 360, "height": 300}}
    async with window(chromium, bot.url, **phone) as person:
        await show_talk(bot, person)
        await person.page.locator("#question").fill("很长的问题\n" * 12)

        for place in ("#question", "#send"):
            await expect(person.page.locator(place)).to_be_in_viewport(ratio=0.9)
