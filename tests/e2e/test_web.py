"""The whole program behind the page: right answers, follow-ups, clear sentences, restarts."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.texts import TEXTS
from tests.e2e.browser import PHONE, chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import file_of, shape
from tests.e2e.page_program import PageProgram

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

ANSWER_MS = 60_000
RED_CIRCLE = file_of(shape("circle", "red"))
BLUE_SQUARE = file_of(shape("square", "blue"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory):
    place = PageProgram(tmp_path_factory.mktemp("program"))
    await place.start()
    yield place
    await place.program.clean_up()


def file_with(data):
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data}


async def read(person, number, words):
    """Wait until the bot's message of that number holds the words, and is whole."""
    message = person.page.locator(".from-bot").nth(number - 1)
    await expect(message.locator(".text")).to_contain_text(
        words, ignore_case=True, timeout=ANSWER_MS
    )
    await expect(person.page.locator(".writing")).to_have_count(0, timeout=ANSWER_MS)


async def test_photo_is_asked_about_and_asked_about_again(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("圆形是什么颜色？", RED_CIRCLE)
        await read(person, 1, "红")

        await person.ask("这是什么形状？")
        await read(person, 2, "圆")

        await expect(person.bubbles()).to_have_count(2)
        await expect(person.bubbles("person")).to_have_text(["圆形是什么颜色？", "这是什么形状？"])


async def test_english_question_about_another_photo(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.page.get_by_role("button", name="English").click()
        await person.ask("What colour is the square?", BLUE_SQUARE)

        await read(person, 1, "blue")


async def test_photo_alone_waits_for_its_question(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("", RED_CIRCLE)
        await read(person, 1, TEXTS["photo_kept"].zh)

        await person.ask("圆形是什么颜色？")
        await read(person, 2, "红")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"%PDF-1.7", TEXTS["picture_format"].zh, id="of another kind"),
        pytest.param(b"\xff\xd8\xff\xe0 torn", TEXTS["picture_broken"].zh, id="broken"),
        pytest.param(b"", TEXTS["picture_empty"].zh, id="empty"),
    ],
)
async def test_file_that_is_no_photo_is_refused_with_a_sentence(place, chromium, data, sentence):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("图里有什么？", file_with(data))

        await expect(person.page.get_by_role("alert")).to_have_text(sentence)
        await expect(person.bubbles("person")).to_have_count(0)
        person.faults.clear()  # the browser notes that it was refused


async def test_new_talk_forgets_the_photo(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("圆形是什么颜色？", RED_CIRCLE)
        await read(person, 1, "红")
        await person.page.get_by_role("button", name="新对话").click()

        await expect(person.page.locator(".note .text")).to_have_text(TEXTS["renewed"].zh)
        await expect(person.page.locator("#empty")).to_be_visible()
        await expect(person.page.locator("#messages img")).to_have_count(0)


async def test_stop_with_nothing_to_stop_is_said(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("/stop")

        await read(person, 1, TEXTS["nothing_to_stop"].zh)


async def test_phone_asks_and_reads(place, chromium):  # noqa: F811
    async with window(chromium, place.url, **PHONE) as person:
        await person.page.set_input_files("#files", RED_CIRCLE)
        await person.page.get_by_role("button", name="圆形是什么颜色？").tap()
        await person.page.get_by_role("button", name="提问").tap()

        await read(person, 1, "红")
        await expect(person.bubbles()).to_be_in_viewport(ratio=1)


async def test_page_goes_on_after_the_program_was_killed(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await person.ask("圆形是什么颜色？", RED_CIRCLE)
        await read(person, 1, "红")

        await place.program.kill()
        await expect(person.page.locator("#banner")).to_be_visible()
        await place.start()
        await expect(person.page.locator("#banner")).to_be_hidden(timeout=30_000)

        await expect(person.bubbles()).to_contain_text(["红"])
        await person.ask("这是什么形状？")
        await read(person, 2, "圆")
        person.faults.clear()  # the browser notes each attempt to connect


async def test_program_ends_cleanly_while_pages_are_open(place, chromium):  # noqa: F811
    async with window(chromium, place.url) as person:
        await expect(person.page.locator("#empty")).to_be_visible()

        assert await place.program.stop() == 0

        person.faults.clear()
    await place.start()
