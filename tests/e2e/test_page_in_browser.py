"""The page in a real browser; the test itself is the bot, so every moment can be held still."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import expect

from bot.platforms.base import Post
from bot.texts import TEXTS
from tests.e2e.browser import PHONE, chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import circle_and_stars, file_of
from tests.e2e.page_bot import answering, page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(90),  # the first test also starts the browser
    # aiohttp's multipart reader calls a deprecated method of its own at some boundaries.
    pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning"),
]

PHOTO = file_of(circle_and_stars())
BROKEN = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path):
    async with page_bot(tmp_path) as bot:
        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, bot):  # noqa: F811
    async with window(chromium, bot.url) as person:
        yield person


async def test_answer_grows_in_one_bubble(bot, person):
    await person.ask("图里有什么？", PHOTO)
    event = await bot.asked()
    await bot.begin()
    await expect(person.bubbles()).to_have_text("正在看图…")

    for text in ("图里有", "图里有一个红色的", "图里有一个红色的圆形。"):
        await bot.write(text)
        await expect(person.bubbles()).to_have_text(text)
    await expect(person.page.locator(".writing")).to_have_count(1)
    await bot.write("图里有一个红色的圆形。", final=True)

    await expect(person.page.locator(".writing")).to_have_count(0)
    await expect(person.bubbles()).to_have_count(1)
    await expect(person.page.locator("#said")).to_have_text("回答：图里有一个红色的圆形。")
    assert event.text == "图里有什么？"
    assert await bot.photos.get(event.photos[0].ref) == PHOTO["buffer"]


async def test_photo_is_shown_with_its_question_and_can_be_enlarged(bot, person):
    await person.ask("图里有什么？", PHOTO)
    await bot.asked()
    picture = person.page.locator(".from-person:not(.unsent) .pictures img")

    await expect(picture).to_have_js_property("naturalWidth", 720)
    await person.page.get_by_label("放大照片 1").click()

    await expect(person.page.locator("#viewer img")).to_be_visible()
    await person.page.keyboard.press("Escape")
    await expect(person.page.locator("#viewer")).to_be_hidden()


async def test_reload_in_mid_answer_goes_on(bot, person):
    async with answering(bot, person):
        await bot.write("图里有")
        await expect(person.bubbles()).to_have_text("图里有")

        await person.page.reload()

        await expect(person.bubbles()).to_have_text("图里有")
        await expect(person.page.locator(".writing")).to_have_count(1)
    await expect(person.bubbles()).to_have_text("好了")


async def test_second_window_of_the_same_person_follows_too(bot, person):
    async with answering(bot, person):
        other = await person.page.context.new_page()
        await other.goto(bot.url)
        await bot.write("图里有")

        await expect(other.locator(".from-bot .text")).to_have_text("图里有")


async def test_stop_is_there_while_an_answer_is_written_and_leaves_no_bubble(bot, person):
    stop = person.page.get_by_role("button", name="停止")
    await expect(stop).to_be_hidden()
    async with answering(bot, person):
        await stop.click()

        assert (await bot.asked()).text == "/stop"

    await expect(stop).to_be_hidden()
    await expect(person.bubbles("person")).to_have_text(["图里有什么？"])


async def test_placeholder_can_be_stopped_before_its_first_edit(bot, person):
    stop = person.page.get_by_role("button", name="停止")
    await person.ask("图里有什么？")
    await bot.asked()

    await bot.begin()

    await expect(stop).to_be_visible()
    await expect(person.page.locator(".writing .text")).to_have_text("正在看图…")
    await bot.write("好了", final=True)
    await expect(stop).to_be_hidden()


async def test_whole_message_cannot_be_stopped_at_any_time(bot, person):
    watch = """() => {
        window.stopWasShown = false;
        new MutationObserver(() => {
            window.stopWasShown ||= !document.querySelector("#stop").hidden;
        }).observe(document.querySelector("#stop"), {attributes: true});
    }"""
    await person.page.evaluate(watch)
    await person.ask("图里有什么？")
    await bot.asked()
    await bot.platform.send(
        bot.event.conversation, Post("请先发一张照片。", final=True), reply_to=None, key="k"
    )

    await expect(person.bubbles()).to_have_text("请先发一张照片。")
    assert not await person.page.evaluate("window.stopWasShown")


async def test_new_talk_puts_the_old_one_away_and_it_can_be_fetched_back(bot, person):
    async with answering(bot, person):
        pass
    await person.page.get_by_role("button", name="新对话").click()
    await bot.asked()
    await bot.platform.send(
        bot.event.conversation, Post("好，我们重新开始。", final=True), reply_to=None, key="renewed"
    )

    await expect(person.page.locator("#empty")).to_be_visible()
    await expect(person.page.locator(".note .text")).to_have_text("好，我们重新开始。")
    await person.page.get_by_role("button", name="显示之前的对话").click()

    await expect(person.bubbles("person")).to_have_text(["图里有什么？"])


@pytest.mark.row(56)
async def test_markup_stays_text(bot, person):
    evil = '<img src="http://evil.example/x.png" onerror="document.title=1"><script>1</script>'
    await person.ask(evil)
    await bot.asked()
    await bot.begin(evil)
    await bot.write(f"{evil} ![](http://evil.example/y.png) javascript:alert(1)", final=True)

    await expect(person.bubbles("person")).to_have_text(evil)
    await expect(person.bubbles()).to_have_text(
        f"{evil} ![](http://evil.example/y.png) javascript:alert(1)"
    )
    await expect(person.page.locator("#messages img, #messages a, #messages script")).to_have_count(
        0
    )


async def test_enter_that_ends_a_composition_does_not_send(bot, person):
    await person.page.fill("#question", "yuan")
    composing = """(box) => box.dispatchEvent(new KeyboardEvent("keydown",
        {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""

    was_left_alone = await person.page.locator("#question").evaluate(composing)

    assert was_left_alone
    await person.page.fill("#question", "圆是什么颜色？")
    await person.page.press("#question", "Enter")
    assert (await bot.asked()).text == "圆是什么颜色？"


async def test_shift_enter_starts_a_new_line(bot, person):
    await person.page.fill("#question", "一")
    await person.page.press("#question", "Shift+Enter")
    await person.page.keyboard.type("二")
    await person.page.press("#question", "Enter")

    assert (await bot.asked()).text == "一\n二"


@pytest.mark.parametrize("way", ["drop", "paste"])
async def test_photo_can_be_dropped_and_pasted(bot, person, way):
    data = base64.b64encode(PHOTO["buffer"]).decode()
    files = await person.page.evaluate_handle(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const carrier = new DataTransfer();
            carrier.items.add(new File([bytes], "photo.png", {type: "image/png"}));
            return carrier;
        }""",
        data,
    )
    if way == "drop":
        await person.page.dispatch_event("#talk", "dragenter", {"dataTransfer": files})
        await expect(person.page.get_by_text("松手放下照片")).to_be_visible()
        await person.page.dispatch_event("#talk", "drop", {"dataTransfer": files})
        await expect(person.page.get_by_text("松手放下照片")).to_be_hidden()
    else:
        paste = """(box, files) => box.dispatchEvent(
            new ClipboardEvent("paste", {clipboardData: files, bubbles: true, cancelable: true}))"""
        await person.page.locator("#question").evaluate(paste, files)
    await expect(person.page.locator("#photos img")).to_have_count(1)
    await person.ask("图里有什么？")

    assert await bot.photos.get((await bot.asked()).photos[0].ref) == PHOTO["buffer"]


async def test_large_photo_is_shrunk_before_it_travels(bot, person):
    large = Image.new("RGBA", (3000, 1500), (255, 0, 0, 0))
    await person.ask("图里有什么？", file_of(large))

    (photo,) = (await bot.asked()).photos
    sent = Image.open(BytesIO(await bot.photos.get(photo.ref)))
    assert (sent.format, sent.size) == ("JPEG", (1024, 512))
    assert sent.getpixel((5, 5)) == (255, 255, 255)  # what was transparent is white


async def test_file_that_is_no_picture_is_refused_and_the_question_comes_back(bot, person):
    await person.ask("图里有什么？", BROKEN)

    await expect(person.page.get_by_role("alert")).to_have_text(TEXTS["picture_format"].zh)
    await expect(person.page.locator("#question")).to_have_value("图里有什么？")
    await expect(person.page.locator("#photos li")).to_have_count(0)
    assert bot.events.empty()
    assert [fault for fault in person.faults if "415" not in fault] == []
    person.faults.clear()


async def test_of_two_photos_the_bad_one_is_named_and_the_other_can_be_asked_about(bot, person):
    await person.ask("图里有什么？", PHOTO, BROKEN)
    await expect(person.page.get_by_role("alert")).to_have_text(
        f"第 2 张照片已去掉：{TEXTS['picture_format'].zh}"
    )
    await expect(person.page.locator("#photos li")).to_have_count(1)

    await person.page.press("#question", "Enter")

    (photo,) = (await bot.asked()).photos
    assert await bot.photos.get(photo.ref) == PHOTO["buffer"]
    person.faults.clear()  # the browser notes that the first try was refused


async def test_command_leaves_the_chosen_photos_where_they_are(bot, person):
    await person.ask("/help", BROKEN)

    event = await bot.asked()
    assert (event.text, event.photos) == ("/help", ())
    await expect(person.page.locator("#photos li")).to_have_count(1)


async def test_chosen_photo_can_be_removed_again(bot, person):
    await person.page.set_input_files("#files", [PHOTO, PHOTO])
    await person.page.get_by_label("去掉照片 2").click()
    await expect(person.page.locator("#photos img")).to_have_count(1)
    await person.ask("图里有什么？")

    assert len((await bot.asked()).photos) == 1


async def test_ninth_photo_is_refused_with_a_sentence(person):
    await person.page.set_input_files("#files", [PHOTO] * 9)

    await expect(person.page.get_by_role("alert")).to_have_text("一次最多放 8 张照片。")
    await expect(person.page.locator("#photos img")).to_have_count(8)


async def test_refused_question_comes_back_into_the_box_with_its_photo(person):
    too_long = "长" * 20_001
    await person.ask(too_long, PHOTO)

    await expect(person.page.get_by_role("alert")).to_have_text("问题太长了，最多 20000 个字。")
    await expect(person.page.locator("#question")).to_have_value(too_long)
    await expect(person.page.locator("#photos img")).to_have_count(1)
    assert [fault for fault in person.faults if "413" not in fault] == []
    person.faults.clear()


async def test_nothing_cannot_be_asked(person):
    await person.ask("  ")

    await expect(person.page.get_by_role("alert")).to_have_text("请写下问题，或者放一张照片。")


async def test_example_fills_the_box_and_waits(person):
    await person.page.get_by_role("button", name="圆形是什么颜色？").click()

    await expect(person.page.locator("#question")).to_have_value("圆形是什么颜色？")
    await expect(person.page.locator("#question")).to_be_focused()


async def test_language_follows_the_browser_until_it_is_chosen(bot, chromium):  # noqa: F811
    async with window(chromium, bot.url, locale="en-GB") as person:
        await expect(person.page.get_by_role("heading", level=2)).to_have_text("Show me a photo")

        await person.page.get_by_role("button", name="中文").click()
        await person.page.reload()

        await expect(person.page.get_by_role("heading", level=2)).to_have_text("给我看一张照片")
        assert await person.page.evaluate("document.documentElement.lang") == "zh-CN"
        await person.ask("你好")
        assert (await bot.asked()).person.language == "zh"


async def test_lost_connection_is_said_and_mended(bot, person):
    async with answering(bot, person):
        await bot.stop()
        await expect(person.page.get_by_text("连接断开了，正在重新连接…")).to_be_visible()
        await bot.start()

        await expect(person.page.get_by_text("连接断开了，正在重新连接…")).to_be_hidden()
        await bot.write("图里有")
        await expect(person.bubbles()).to_have_text("图里有")
    person.faults.clear()  # the browser notes each attempt


async def test_question_asked_while_the_program_restarts_arrives_once(bot, person):
    await bot.stop()
    await person.ask("你好")
    await expect(person.page.get_by_text("没有连上，正在重试…")).to_be_visible()
    await bot.start()

    assert (await bot.asked()).text == "你好"
    await expect(person.bubbles("person")).to_have_text(["你好"])
    await expect(person.page.locator(".unsent")).to_have_count(0)
    assert bot.events.empty()
    person.faults.clear()


async def test_same_words_asked_again_have_their_own_bubble_though_the_first_try_was_lost(
    bot, person
):
    async with answering(bot, person, "你好"):
        pass
    await person.page.route("**/api/ask*", lambda route: route.abort(), times=1)
    await person.ask("你好")

    assert (await bot.asked()).text == "你好"
    await expect(person.bubbles("person")).to_have_text(["你好", "你好"])
    await expect(person.page.locator(".unsent")).to_have_count(0)
    await person.page.reload()
    await expect(person.bubbles("person")).to_have_text(["你好", "你好"])
    person.faults.clear()  # the browser notes the lost try


async def test_page_fits_a_phone(bot, chromium):  # noqa: F811
    async with window(chromium, bot.url, **PHONE) as person:
        await person.ask("图里有什么？" + "很长" * 200 + " " + "x" * 300, PHOTO)
        await bot.asked()
        await bot.begin("答" * 300)

        await expect(person.bubbles()).to_be_visible()
        outside = """[...document.querySelectorAll("body *")].filter((node) => {
            const {left, right} = node.getBoundingClientRect();
            return node.checkVisibility() && (left < -1 || right > innerWidth);
        }).map((node) => node.className)"""
        assert await person.page.evaluate(outside) == []
        await expect(person.page.get_by_role("button", name="提问")).to_be_in_viewport(ratio=1)
        await expect(person.page.get_by_role("button", name="停止")).to_be_in_viewport(ratio=1)


async def test_reader_who_scrolled_up_is_not_pulled_down(bot, person):
    async with answering(bot, person, "图里有什么？\n" * 60):
        await person.page.locator("#talk").evaluate("(frame) => frame.scrollTo(0, 0)")
        newest = person.page.get_by_role("button", name="回到最新")
        await expect(newest).to_be_visible()

        await bot.write("图里有\n" * 30)
        await expect(person.bubbles()).to_contain_text("图里有")
        assert await person.page.locator("#talk").evaluate("(frame) => frame.scrollTop") == 0

        await newest.click()
        await expect(person.bubbles()).to_be_in_viewport()


async def test_everything_can_be_reached_by_keyboard_and_has_a_name(bot, person):
    async with answering(bot, person):
        await person.page.set_input_files("#files", PHOTO)
        names = []
        await person.page.locator("body").evaluate("(body) => document.activeElement.blur()")
        for _ in range(14):
            await person.page.keyboard.press("Tab")
            names.append(
                await person.page.evaluate(
                    """() => document.activeElement.getAttribute("aria-label")
                        || document.activeElement.labels?.[0]?.textContent
                        || document.activeElement.textContent.trim()"""
                )
            )

    assert {"跳到提问框", "新对话", "中文", "English", "问题", "去掉照片 1"} <= set(names)
    assert {"照片", "停止", "提问"} <= set(names)
    assert "" not in names


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out_from_what_is_behind_them(bot, chromium, scheme):  # noqa: F811
    async with window(chromium, bot.url, color_scheme=scheme) as person:
        colours = await person.page.evaluate(
            """(names) => Object.fromEntries(names.map((name) => {
                const value = getComputedStyle(document.documentElement).getPropertyValue(name);
                return [name, value.trim()];
            }))""",
            [f"--{name}" for pair in PAIRS for name in pair],
        )

    weak = {
        pair: round(contrast(*(colours[f"--{name}"] for name in pair)), 2)
        for pair in PAIRS
        if contrast(*(colours[f"--{name}"] for name in pair)) < 4.5
    }
    assert weak == {}


PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "tint"),
    ("ink", "raised"),
    ("soft", "paper"),
    ("soft", "card"),
    ("accent", "card"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("warn", "warn-tint"),
]


def contrast(one, other):
    """The ratio of WCAG 2: from 1 to 21; text needs 4.5."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
