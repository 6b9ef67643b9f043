"""The page before the whole program: history, buttons, wishes, an answer cut by a restart."""

from __future__ import annotations

import asyncio
import csv
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.texts import TEXTS
from tests.e2e.browser import chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import circle_and_stars, file_of, shape
from tests.e2e.page_program import PageProgram

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

CODE = "correct-horse"
ANSWER_MS = 60_000
RED_CIRCLE = file_of(shape("circle", "red"))
BLUE_SQUARE = file_of(shape("square", "blue"))
STARS = file_of(circle_and_stars())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory):
    place = PageProgram(
        tmp_path_factory.mktemp("program"), WEB__ACCESS_CODE=CODE, WEB__SIGN_IN="code"
    )
    await place.start()
    yield place
    await place.program.clean_up()


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, place):  # noqa: F811
    """Signed in, and new."""
    async with window(chromium, place.url) as person:
        await person.page.locator("#code").fill(CODE)
        await person.page.keyboard.press("Enter")
        await expect(person.page.locator("#empty")).to_be_visible()
        person.faults.clear()  # the browser notes that it was not signed in
        yield person


async def ask(person, question, *photos):
    """Returns when the answer is whole."""
    count = await person.page.locator(".from-bot:not(.writing)").count()
    await person.ask(question, *photos)
    await whole(person, count + 1)


async def whole(person, count):
    await expect(person.page.locator(".from-bot:not(.writing)")).to_have_count(
        count, timeout=ANSWER_MS
    )


async def open_history(person):
    await person.page.get_by_role("link", name="历史").click()
    await expect(person.page.locator("#history")).to_have_attribute("aria-busy", "false")


def entries(person):
    return person.page.locator(".entry")


async def test_history_is_found_by_word_and_day_opened_and_deleted(person):
    await ask(person, "圆形是什么颜色？", RED_CIRCLE)
    await ask(person, "What colour is the square?", BLUE_SQUARE)
    page, today = person.page, datetime.now().astimezone().date()  # the browser's too

    await open_history(person)
    await expect(entries(person).locator("strong")).to_have_text(
        ["What colour is the square?", "圆形是什么颜色？"]
    )
    await expect(entries(person).locator(".answer")).to_contain_text(["lue", "红"])
    for thumbnail in await entries(person).locator("img").all():
        await expect(thumbnail).to_have_js_property("complete", value=True)
        assert 0 < await thumbnail.evaluate("(image) => image.naturalWidth") <= 400

    await page.locator("#words").fill("圆形")
    await expect(entries(person)).to_have_count(1)
    await page.get_by_role("button", name="清除条件").click()
    await expect(entries(person)).to_have_count(2)

    await page.locator("#fromDay").fill((today + timedelta(days=1)).isoformat())
    await expect(page.locator("#noEntries")).to_contain_text("没有找到")
    await page.locator("#fromDay").fill(today.isoformat())
    await page.locator("#toDay").fill(today.isoformat())
    await expect(entries(person)).to_have_count(2)

    oldest = entries(person).last
    await oldest.get_by_role("button", name="圆形是什么颜色？").click()
    await expect(oldest.locator(".whole .pictures img")).to_have_js_property("naturalWidth", 400)
    await expect(oldest.locator(".whole .text").last).to_contain_text("红")
    await oldest.get_by_role("button", name="删除").click()
    await expect(oldest.get_by_role("button", name="不删")).to_be_focused()
    await oldest.get_by_role("button", name="删除").click()
    await expect(entries(person)).to_have_count(1)

    await page.get_by_role("link", name="返回对话").first.click()
    await expect(person.bubbles("person")).to_have_text(["What colour is the square?"])

    await open_history(person)
    await page.get_by_role("button", name="全部删除").click()
    await page.get_by_role("dialog").get_by_role("button", name="删除").click()
    await expect(page.locator("#noEntries")).to_contain_text("还没有问过问题")
    await page.reload()
    await expect(page.locator("#noEntries")).to_contain_text("还没有问过问题")


@pytest.mark.row(60)
async def test_history_is_taken_along_and_no_cell_is_a_formula(person):
    await ask(person, "=1+1 圆形是什么颜色？", RED_CIRCLE)
    await open_history(person)

    async with person.page.expect_download() as started:
        await person.page.get_by_role("link", name="导出 CSV").click()
    file = await (await started.value).path()

    text = await asyncio.to_thread(Path(file).read_text, "utf-8-sig")
    head, row = csv.reader(StringIO(text))
    assert len(head) == len(row)
    assert "'=1+1 圆形是什么颜色？" in row
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


async def test_again_answers_again_and_a_thumb_is_noted_without_a_message(person):
    await ask(person, "圆形是什么颜色？", RED_CIRCLE)

    await person.page.get_by_role("button", name="再答一次").click()
    await whole(person, 2)
    thumb = person.page.get_by_role("button", name="有帮助").last
    await thumb.click()
    await expect(person.page.locator("#said")).to_have_text(TEXTS["rated"].zh)
    await person.page.reload()

    await expect(thumb).to_have_attribute("aria-pressed", "true")
    await expect(person.bubbles().nth(1)).to_contain_text("红")
    await expect(person.bubbles()).to_have_count(2)
    await expect(person.bubbles("person")).to_have_count(1)


async def test_answer_is_no_longer_than_the_panel_says(person):
    await ask(person, "图里有什么？", STARS)
    answer = await person.bubbles().first.inner_text()

    await person.page.get_by_role("button", name="设置").click()
    await person.page.locator("#max_tokens").press("Home")
    await expect(person.page.locator("#max_tokensValue")).to_have_text("16")
    await person.page.get_by_role("button", name="新对话").click()
    await expect(person.page.locator(".note .text")).to_have_text(TEXTS["renewed"].zh)
    await ask(person, "图里有什么？", STARS)

    cut = await person.bubbles().last.inner_text()
    assert cut != answer
    assert answer.startswith(cut[:4])


async def test_answer_cut_by_a_crash_is_written_to_its_end(place, person):
    await person.ask("图里有什么？", STARS)
    await expect(person.page.locator(".writing")).to_be_visible(timeout=ANSWER_MS)

    await place.program.kill()
    await expect(person.page.locator("#banner")).to_be_visible()
    await person.ask("圆形是什么颜色？")
    await expect(person.page.get_by_text("没有连上，正在重试…")).to_be_visible()
    await place.start()

    await whole(person, 2)
    await expect(person.bubbles().first).to_contain_text("圆形")
    await expect(person.bubbles().last).to_contain_text("红")
    await expect(person.bubbles("person")).to_have_text(["图里有什么？", "圆形是什么颜色？"])
    await expect(person.page.locator("#banner")).to_be_hidden()
    person.faults.clear()  # the browser notes each attempt to connect
