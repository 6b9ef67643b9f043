"""Asking on the page: wishes of the side panel, photos in order and upright, nothing is lost."""

from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import expect

from bot.event import Wishes
from tests.e2e.browser import PHONE, chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import BLUE_SQUARE, GREEN_TRIANGLE, RED_CIRCLE, circle_and_stars, file_of
from tests.e2e.page_bot import answering, page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(90),  # the first test also starts the browser
]

PHOTO = file_of(circle_and_stars())


def jpeg(data, name="photo.jpg"):
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path):
    async with page_bot(tmp_path) as bot:
        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, bot):  # noqa: F811
    async with window(chromium, bot.url) as person:
        yield person


async def turn(person, slider, presses, key="ArrowRight"):
    for _ in range(presses):
        await person.page.locator(f"#{slider}").press(key)


async def test_question_carries_what_was_chosen_in_the_panel(bot, person):
    await person.page.get_by_role("button", name="设置").click()
    await turn(person, "temperature", 2)
    await turn(person, "top_p", 1, "ArrowLeft")
    await turn(person, "max_tokens", 12, "ArrowLeft")
    await person.ask("图里有什么？")

    assert (await bot.asked()).wishes == Wishes(temperature=0.9, top_p=0.55, max_tokens=500)


async def test_what_was_not_chosen_is_left_to_the_program(bot, person):
    await person.page.get_by_role("button", name="设置").click()
    await expect(person.page.locator("#temperatureValue")).to_have_text("0.80")
    await turn(person, "temperature", 1)
    await turn(person, "temperature", 1, "ArrowLeft")
    await person.ask("图里有什么？")

    assert (await bot.asked()).wishes == Wishes()


async def test_choice_outlives_a_reload_until_it_is_reset(bot, person):
    opener = person.page.get_by_role("button", name="设置")
    await opener.click()
    await turn(person, "temperature", 4, "ArrowLeft")
    await person.page.reload()
    await expect(opener).to_have_class("quiet marked")
    await opener.click()
    await expect(person.page.locator("#temperatureValue")).to_have_text("0.60")

    await person.page.get_by_role("button", name="恢复默认").click()

    await expect(person.page.locator("#temperatureValue")).to_have_text("0.80")
    await expect(opener).to_have_class("quiet")
    await person.ask("图里有什么？")
    assert (await bot.asked()).wishes == Wishes()


async def test_spoiled_choice_is_the_usual_one(bot, chromium):  # noqa: F811
    async with window(chromium, bot.url) as person:
        await person.page.evaluate(
            """localStorage.setItem("visionbot.wishes", '{"temperature": "x", "top_p": 99}')"""
        )
        await person.page.reload()
        await person.ask("图里有什么？")

        assert (await bot.asked()).wishes == Wishes(top_p=1.0)


async def test_panel_is_closed_by_escape_and_the_focus_goes_back(person):
    opener = person.page.get_by_role("button", name="设置")
    await opener.press("Enter")
    await expect(person.page.locator("#panelTitle")).to_be_focused()

    await person.page.keyboard.press("Escape")

    await expect(person.page.locator("#panel")).to_be_hidden()
    await expect(opener).to_be_focused()


async def test_photos_travel_in_the_order_they_were_put_in(bot, person):
    photos = [jpeg(RED_CIRCLE), jpeg(BLUE_SQUARE), jpeg(GREEN_TRIANGLE)]
    await person.page.set_input_files("#files", photos)

    await person.page.get_by_label("把照片 3 往前移").click()
    await expect(person.page.get_by_label("把照片 2 往前移")).to_be_focused()
    await person.page.keyboard.press("Enter")
    await person.ask("哪张是三角形？")

    sent = [await bot.photos.get(photo.ref) for photo in (await bot.asked()).photos]
    assert sent == [GREEN_TRIANGLE, RED_CIRCLE, BLUE_SQUARE]


async def test_photo_is_dragged_to_another_place(bot, person):
    await person.page.set_input_files("#files", [jpeg(RED_CIRCLE), jpeg(BLUE_SQUARE)])
    shown = person.page.locator("#photos li")

    await shown.nth(1).drag_to(shown.nth(0))
    await person.ask("图里有什么？")

    sent = [await bot.photos.get(photo.ref) for photo in (await bot.asked()).photos]
    assert sent == [BLUE_SQUARE, RED_CIRCLE]


async def test_photo_taken_sideways_travels_upright(bot, person):
    wide = Image.new("RGB", (2000, 1000), "blue")
    wide.paste("red", (0, 0, 1000, 1000))  # on the left: at the top once it is upright
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    data = BytesIO()
    wide.save(data, "JPEG", exif=exif)

    await person.ask("图里有什么？", jpeg(data.getvalue()))

    (photo,) = (await bot.asked()).photos
    sent = Image.open(BytesIO(await bot.photos.get(photo.ref)))
    red, _, blue = sent.getpixel((256, 100))
    assert sent.size == (512, 1024)
    assert red > 200 > 60 > blue
    assert 0x0112 not in sent.getexif()


async def test_phone_offers_its_camera(bot, chromium):  # noqa: F811
    async with window(chromium, bot.url, **PHONE) as person:
        async with person.page.expect_file_chooser() as opened:
            await person.page.locator("#camera").tap()
        chooser = await opened.value
        await chooser.set_files(jpeg(RED_CIRCLE))
        await person.page.fill("#question", "什么颜色？")
        await person.page.get_by_role("button", name="提问").tap()

        assert len((await bot.asked()).photos) == 1
        await expect(person.page.locator("#shot")).to_have_attribute("capture", "environment")


async def test_computer_without_a_touch_screen_offers_no_camera(person):
    await expect(person.page.locator("#camera")).to_be_hidden()


async def test_half_written_question_outlives_a_reload(person):
    await person.page.locator("#question").press_sequentially("圆形是什么")

    await person.page.reload()

    await expect(person.page.locator("#question")).to_have_value("圆形是什么")


async def hold_back(person):
    """The first question does not get through at once; what comes after it would."""
    lost = []

    async def first_is_lost(route):
        if lost:
            await route.continue_()
        else:
            lost.append(route)
            await route.abort()

    await person.page.route("**/api/ask*", first_is_lost)


async def test_questions_arrive_in_the_order_they_were_asked_in(bot, person):
    await hold_back(person)

    await person.ask("一")
    await person.ask("二")

    assert [(await bot.asked()).text for _ in range(2)] == ["一", "二"]
    person.faults.clear()  # the browser notes the lost call


async def test_question_that_waits_for_another_one_can_be_taken_back(bot, person):
    await bot.stop()
    await person.ask("一")
    await person.ask("二")

    await person.page.locator(".unsent").nth(1).get_by_role("button", name="不发了").click()

    await expect(person.page.locator("#question")).to_have_value("二")
    await bot.start()
    assert (await bot.asked()).text == "一"
    assert bot.events.empty()
    person.faults.clear()  # the browser notes each attempt


async def test_stop_does_not_wait_for_a_question_that_is_on_its_way(bot, person):
    async with answering(bot, person):
        await hold_back(person)
        await person.ask("二")

        await person.page.locator("#stop").click()

        assert [(await bot.asked()).text for _ in range(2)] == ["/stop", "二"]
    person.faults.clear()


async def test_question_that_cannot_be_sent_can_be_taken_back(bot, person):
    await bot.stop()
    await person.ask("你好", PHOTO)
    await person.page.get_by_role("button", name="不发了").click()

    await expect(person.page.locator("#question")).to_have_value("你好")
    await expect(person.page.locator("#photos img")).to_have_count(1)
    await expect(person.page.locator(".unsent")).to_have_count(0)
    await bot.start()
    await expect(person.page.locator("#banner")).to_be_hidden()
    assert bot.events.empty()
    person.faults.clear()  # the browser notes each attempt


async def test_page_opened_before_the_program_is_ready_waits_for_it(bot, person):
    await bot.stop()
    await person.page.route("**/api/**", lambda route: route.abort())
    await bot.start()
    await person.page.reload()
    await expect(person.page.locator("#banner")).to_be_visible()

    await person.page.unroute("**/api/**")

    await expect(person.page.locator("#banner")).to_be_hidden()
    await person.ask("你好")
    assert (await bot.asked()).text == "你好"
    person.faults.clear()


async def test_question_asked_before_the_page_is_known_is_sent_when_it_is(bot, person):
    told = asyncio.Event()

    async def late(route):
        await told.wait()
        await route.continue_()

    await person.page.route("**/api/me*", late)
    await person.page.reload()
    await person.ask("你好", PHOTO)
    await expect(
        person.page.locator(".unsent").get_by_role("button", name="不发了")
    ).to_be_visible()
    assert bot.events.empty()

    told.set()

    assert (await bot.asked()).text == "你好"
    assert person.faults == []  # it was not refused first


async def test_everything_is_done_by_keyboard_alone(bot, person):
    page = person.page
    await expect(page.locator("#question")).to_be_focused()
    await page.keyboard.type("图里有什么？")
    await page.keyboard.press("Enter")
    await bot.asked()
    await bot.begin()
    await bot.write("红色", final=True)
    await expect(page.get_by_role("button", name="没帮助")).to_be_visible()

    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="没帮助")).to_be_focused()
    await page.keyboard.press("Enter")

    assert (await bot.asked()).text == "down"


async def test_nothing_moves_for_people_who_do_not_want_it(bot, chromium):  # noqa: F811
    async with (
        window(chromium, bot.url, reduced_motion="reduce") as person,
        answering(bot, person),
    ):
        caret = person.page.locator(".caret")
        await expect(caret).to_be_visible()

        assert await caret.evaluate("(node) => getComputedStyle(node).animationName") == "none"
