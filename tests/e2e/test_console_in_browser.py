"""The operator's page in a real browser, above the whole program with the demo model."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar, FormData
from playwright.async_api import expect

from bot.storage.db import Database
from bot.storage.sessions import Sessions
from tests.e2e.axe import axe, grave_faults  # noqa: F401  (axe is a fixture)
from tests.e2e.browser import PHONE, Window, chromium  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import RED_CIRCLE
from tests.e2e.page_program import PageProgram
from tests.e2e.program import ROOT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

OUTSIDE = """[...document.querySelectorAll("body *")].filter((node) => {
    const {left, right} = node.getBoundingClientRect();
    return node.checkVisibility() && !node.closest(".scroll, .unseen, .skip")
        && (left < -1 || right > innerWidth + 1);
}).map((node) => `${node.tagName} ${node.className}`)"""


class Place:
    """The program, its page, and who sits at its machine."""

    def __init__(self, folder):
        self.data_dir = folder / "data"
        self.program = PageProgram(folder)
        self.url = self.program.url.rstrip("/")

    async def admin(self, *words):
        """`visionbot admin` as it is typed there; what it prints."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("VISIONBOT_")}
        given = {
            "VISIONBOT_STORAGE__DATA_DIR": str(self.data_dir),
            "VISIONBOT_WEB__PORT": self.url.rpartition(":")[2],
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "admin", *words, "--language", "en"),
            cwd=ROOT,
            env=clean | given,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return printed.decode()

    async def link(self):
        """As `visionbot admin page` makes it, without the seconds which a program takes to load."""
        db = await Database.join(self.data_dir)
        code = await Sessions(db).issue_link("machine:root", "console")
        await db.close()
        return f"{self.url}/admin#{code}"

    async def asks_on_the_page(self, text):
        """Whoever asks is a new person; their name among people."""
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            async with browser.get(f"{self.url}/api/me") as response:
                me = await response.json()
            form = FormData(
                {"key": os.urandom(8).hex(), "text": text, "lang": "en"},
                default_to_multipart=True,
            )
            form.add_field("photos", RED_CIRCLE, filename="photo")
            headers = {"X-CSRF-Token": me["csrf"]}
            async with browser.post(f"{self.url}/api/ask", data=form, headers=headers) as response:
                assert response.status == 202
        return me["name"]

    async def asks_the_api(self, text):
        body = {"model": "demo", "messages": [{"role": "user", "content": text}]}
        async with (
            ClientSession() as client,
            client.post(f"{self.url}/v1/chat/completions", json=body) as response,
        ):
            assert response.status == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("program"))
    await place.program.start()
    yield place
    await place.program.program.clean_up()


@asynccontextmanager
async def looking(chromium, place, address, **options):  # noqa: F811
    """A browser of its own; at the end nothing may have gone wrong or been asked elsewhere."""
    options = {"viewport": {"width": 1360, "height": 900}, "locale": "en-GB", **options}
    context = await chromium.new_context(**options)
    try:
        window = Window(await context.new_page(), place.url)
        await window.page.goto(address)
        yield window.page, window.faults
        assert window.faults == []
        assert window.elsewhere == []
    finally:
        await context.close()


@asynccontextmanager
async def admitted(chromium, place, **options):  # noqa: F811
    async with looking(chromium, place, await place.link(), **options) as (page, _):
        await expect(page.locator("#tabs")).to_be_visible()
        yield page


async def test_link_leads_in_once_and_leaves_no_trace(place, chromium):  # noqa: F811
    link = re.search(r"http\S+", await place.admin("page"))[0]

    async with looking(chromium, place, link) as (page, _):
        await expect(page.locator("#status")).to_contain_text("Running")
        assert page.url == f"{place.url}/admin"
        await page.reload()
        await expect(page.locator("#status")).to_contain_text("Running")

    async with looking(chromium, place, link) as (page, faults):
        await expect(page.locator("#why")).to_contain_text("This link was used already")
        await expect(page.locator("#now")).to_be_hidden()
        faults.clear()  # the browser notes the refusal


@pytest.mark.parametrize(
    ("locale", "words"), [("zh-CN", "这里是管理页面"), ("en-GB", "This is the operator's page")]
)
async def test_who_is_not_in_is_told_how_to_get_in(place, chromium, locale, words):  # noqa: F811
    address = f"{place.url}/admin"
    async with looking(chromium, place, address, locale=locale) as (page, faults):
        await expect(page.get_by_role("heading", name=words)).to_be_visible()
        await expect(page.locator("#gate code")).to_have_text("visionbot admin page")
        await expect(page.locator("#tabs")).to_be_hidden()
        faults.clear()  # the browser notes the refusal


async def test_question_that_is_asked_meanwhile_shows_up(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        await expect(page.get_by_text("No question since the start.")).to_be_visible()

        await place.asks_the_api("What colour is it?")

        doors = page.get_by_role("region", name="Questions by door").locator("li")
        await expect(doors.filter(has_text="API").locator("b")).to_have_text("1")
        await expect(page.get_by_role("img", name="Where the engine's time goes")).to_be_visible()


async def test_limit_that_is_set_here_is_the_one_that_the_command_shows(place, chromium):  # noqa: F811
    await place.asks_on_the_page("What colour is the circle?")
    async with admitted(chromium, place) as page:
        await page.get_by_role("tab", name="People").click()
        person = page.locator(".people .person").filter(has_text="web:").first
        who = re.search(r"web:\w+", await person.inner_text())[0]

        await person.get_by_role("button", name="Change").click()
        form = person.get_by_role("form", name="Limit")
        await form.get_by_label("Amount").fill("7")
        await form.get_by_role("button", name="Set").click()

        await expect(page.get_by_role("status").filter(has_text="7 questions/day")).to_be_visible()
        await expect(person.locator(".usage")).to_contain_text("7 questions a day")
        await expect(person.locator(".usage b")).to_contain_text("of 7")
        assert "7 questions/day" in await place.admin("quota", who)

        await person.get_by_role("form", name="Give extra").get_by_role("button").first.dblclick()
        await expect(person.locator(".usage b")).to_contain_text("of 17")

        await page.get_by_role("tab", name="Records").click()
        second = page.locator(".audit tbody tr").nth(1)
        await expect(second).to_contain_text(f"/quota {who} set 7 questions/day")
        newest = page.locator(".audit tbody tr").first
        await expect(newest).to_contain_text(f"/quota {who} give 10 questions")
        await expect(newest).to_contain_text("machine:")


async def test_pause_holds_until_it_is_ended(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        await page.get_by_label("What people read").fill("Back soon")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator("#status")).to_contain_text("Paused")
        await expect(page.locator(".taking")).to_contain_text("Back soon")

        await page.get_by_role("button", name="Resume").click()

        await expect(page.locator("#status")).to_contain_text("Running")


async def test_order_is_given_by_its_words_and_a_mistake_explained(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        line = page.get_by_label("Command")
        await line.fill("/quota telegram:12345 set 50 questions/day")
        await line.press("Enter")
        answer = page.get_by_role("region", name="Control").get_by_role("status")
        await expect(answer).to_contain_text("telegram:12345 now has 50 questions/day.")

        await line.fill("/quota telegram:12345 set 50")
        await line.press("Enter")

        await expect(answer).to_have_class(re.compile("refused"))
        await expect(answer).to_contain_text("50 questions/day")  # how it is written


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(place, chromium, axe, scheme):  # noqa: F811
    async with admitted(chromium, place, color_scheme=scheme) as page:
        for tab in ("Now", "People", "Records"):
            await page.get_by_role("tab", name=tab).click()
            if tab == "People":
                await page.get_by_role("button", name="Change").first.click()
            for summary in await page.locator("summary:visible").all():
                await summary.click()

            assert await grave_faults(page, axe) == [], tab


async def test_page_fits_a_phone_in_chinese(place, chromium):  # noqa: F811
    async with admitted(chromium, place, **PHONE, locale="zh-CN") as page:
        for tab in ("现况", "用户与额度", "记录"):
            await page.get_by_role("tab", name=tab).click()
            if tab == "用户与额度":
                await page.get_by_role("button", name="更改").first.click()
            await expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()

            assert await page.evaluate(OUTSIDE) == [], tab


async def test_plot_is_read_by_keyboard_and_as_a_table(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        plot = page.get_by_role("figure").filter(has_text="Memory")
        await expect(plot.locator("polyline")).to_be_visible()

        await plot.get_by_role("img").focus()
        await page.keyboard.press("Home")
        await expect(plot.locator("[aria-live]")).to_contain_text(
            re.compile(r"\d\d:\d\dprogram \d+ MB")
        )
        await plot.locator("summary").click()

        await expect(plot.locator("tbody tr").first).to_contain_text("MB")


async def test_tabs_are_changed_by_the_arrow_keys(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        await page.get_by_role("tab", name="Now").focus()

        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("tab", name="People")).to_be_focused()
        await expect(page.get_by_role("tabpanel", name="People")).to_be_visible()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowLeft")

        await expect(page.get_by_role("tabpanel", name="Records")).to_be_visible()


async def test_language_is_changed_and_remembered(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("heading", name="队伍")).to_be_visible()
        await page.reload()

        await expect(page.get_by_role("heading", name="队伍")).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == "zh-CN"


async def test_who_signs_out_sees_nothing_more(place, chromium):  # noqa: F811
    async with looking(chromium, place, await place.link()) as (page, faults):
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.locator("#gate")).to_be_visible()
        await page.reload()

        await expect(page.locator("#gate")).to_be_visible()
        await expect(page.locator("#now")).to_be_hidden()
        faults.clear()  # the browser notes the refusal


async def test_silence_of_the_machine_is_said_instead_of_showing_old_numbers(place, chromium):  # noqa: F811
    async with admitted(chromium, place) as page:
        await page.route("**/admin/api/state*", lambda _: None)  # no answer ever comes
        await page.clock.install()
        async with page.expect_request("**/admin/api/state*"):
            pass

        await page.clock.fast_forward(10_000)

        await expect(page.locator("#banner")).to_contain_text("The connection is lost")
        await page.unroute("**/admin/api/state*")
        await page.clock.fast_forward(2_000)
        await expect(page.locator("#banner")).to_be_hidden()


async def test_sign_out_that_does_not_arrive_is_said(place, chromium):  # noqa: F811
    async with looking(chromium, place, await place.link()) as (page, faults):
        await expect(page.locator("#tabs")).to_be_visible()
        await page.route("**/admin/api/leave*", lambda route: route.abort())
        await page.route("**/admin/api/state*", lambda _: None)

        await page.get_by_role("button", name="Sign out").click()

        await expect(page.locator("#banner")).to_contain_text("The connection is lost")
        await expect(page.locator("#now")).to_be_visible()
        faults.clear()  # the browser notes it
