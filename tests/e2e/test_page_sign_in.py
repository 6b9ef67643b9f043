"""Signing in on the page, and what becomes of a question when the session ends meanwhile."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.browser import PHONE, chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.drawing import circle_and_stars, file_of
from tests.e2e.page_bot import answer, page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(90),  # the first test also starts the browser
]

CODE = "correct-horse"
PHOTO = file_of(circle_and_stars())


@pytest_asyncio.fixture(loop_scope="module")
async def bot(tmp_path):
    async with page_bot(tmp_path, sign_in="code", access_code=CODE) as bot:
        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, bot):  # noqa: F811
    async with window(chromium, bot.url) as person:
        yield person
        _forget_refusals(person)


def _forget_refusals(person):
    """The browser notes each 401 and 429; they are what is tested here."""
    person.faults = [fault for fault in person.faults if "status of 4" not in fault]


async def sign_in(person, code=CODE):
    await person.page.get_by_label("输入管理员给你的访问码。").fill(code)
    await person.page.keyboard.press("Enter")


async def end_session(bot):
    """As when it has grown too old, or the operator ends it."""
    await bot.sessions.end_all(f"web:{bot.event.person.id}")


async def sign_out(person):
    """In the open panel."""
    await person.page.locator("#signOut").click()
    await person.page.locator("#confirmLeave").get_by_role("button", name="退出登录").click()


async def test_nothing_of_the_talk_is_there_before_the_code(person):
    await expect(person.page.locator("#code")).to_be_focused()
    for hidden in ("#talk", "footer", "#openHistory", "#openPanel", "#new"):
        await expect(person.page.locator(hidden)).to_be_hidden()


async def test_right_code_opens_the_page(bot, person):
    await sign_in(person)

    await expect(person.page.locator("#question")).to_be_focused()
    await person.ask("你好")
    assert (await bot.asked()).text == "你好"


async def test_wrong_code_is_said_and_can_be_typed_again(person):
    await sign_in(person, "wrong-horse")

    await expect(person.page.locator("#signInTrouble")).not_to_be_empty()
    await expect(person.page.locator("#code")).to_have_attribute("aria-invalid", "true")
    await sign_in(person)
    await expect(person.page.locator("#talk")).to_be_visible()


async def test_after_many_wrong_codes_the_page_tells_how_long_to_wait(person):
    for _ in range(12):
        await sign_in(person, "wrong-horse")
        await expect(person.page.locator("#signInTrouble")).not_to_be_empty()
        if await person.page.get_by_role("button", name="秒后可以再试").count():
            break

    await expect(person.page.get_by_role("button", name="秒后可以再试")).to_be_disabled()


async def test_question_asked_after_the_session_ended_is_sent_after_signing_in(bot, person):
    await sign_in(person)
    await answer(bot, person, "红色")
    await end_session(bot)
    await person.page.set_input_files("#files", PHOTO)
    await person.ask("圆形是什么颜色？")

    await expect(person.page.locator("#signIn")).to_be_visible()
    await expect(person.page.locator("#draftKept")).to_be_visible()
    await person.page.evaluate("document.querySelector('#question').value = '还有'")
    await sign_in(person)

    event = await bot.asked()
    assert (event.text, len(event.photos)) == ("圆形是什么颜色？", 1)
    assert await bot.photos.get(event.photos[0].ref) == PHOTO["buffer"]
    await expect(person.page.locator("#question")).to_have_value("还有")
    assert bot.events.empty()


async def test_history_opened_after_the_session_ended_is_there_after_signing_in(bot, person):
    await sign_in(person)
    await answer(bot, person, "红色")
    await end_session(bot)
    await person.page.get_by_role("link", name="历史").click()

    await expect(person.page.locator("#signIn")).to_be_visible()
    await sign_in(person)

    await expect(person.page.locator("#history")).to_be_visible()


async def test_signing_out_leaves_nothing_behind(bot, person):
    await sign_in(person)
    await person.ask("我的秘密")
    await bot.asked()
    await expect(person.bubbles("person")).to_have_count(1)
    await person.page.locator("#question").press_sequentially("noch")
    await person.page.get_by_role("button", name="设置").click()

    await sign_out(person)

    await expect(person.page.locator("#code")).to_be_visible()
    await expect(person.page.locator("#messages li")).to_have_count(0)
    await expect(person.page.locator("#question")).to_have_value("")
    await person.page.reload()
    await expect(person.page.locator("#code")).to_be_visible()


async def test_who_does_not_mean_it_stays_signed_in(person):
    await sign_in(person)
    await person.page.get_by_role("button", name="设置").click()
    await person.page.locator("#signOut").click()

    await person.page.get_by_role("button", name="先不退出").click()

    await expect(person.page.locator("#signOut")).to_be_focused()
    await person.page.reload()
    await expect(person.page.locator("#talk")).to_be_visible()


async def test_signing_out_in_one_window_leaves_nothing_in_the_others(person):
    await sign_in(person)
    await expect(person.page.locator("#talk")).to_be_visible()
    other = await person.page.context.new_page()
    await other.goto(person.url)
    await other.locator("#question").press_sequentially("my secret")
    await other.set_input_files("#files", PHOTO)

    await person.page.get_by_role("button", name="设置").click()
    await sign_out(person)

    await expect(other.locator("#code")).to_be_visible()
    await other.locator("#code").fill(CODE)
    await other.locator("#code").press("Enter")
    await expect(other.locator("#question")).to_have_value("")
    await expect(other.locator("#photos img")).to_have_count(0)


@pytest_asyncio.fixture(loop_scope="module")
async def behind_proxy(tmp_path):
    async with page_bot(tmp_path / "proxy", sign_in="proxy", trusted_proxies=("127.0.0.1",)) as bot:
        yield bot


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_link_to_the_operators_page_is_for_admins_alone(behind_proxy, chromium, name):  # noqa: F811
    behind_proxy.admins.add("ann")
    named = {"extra_http_headers": {"X-Forwarded-User": name}}
    async with window(chromium, behind_proxy.url, **named) as person:
        await person.page.get_by_role("button", name="设置").click()

        await expect(person.page.locator("#name")).to_have_text(name)
        link = person.page.get_by_role("link", name="管理")
        await expect(link).to_have_count(1 if name == "ann" else 0)
        await expect(person.page.get_by_role("button", name="退出登录")).to_have_count(0)


async def test_whom_the_proxy_does_not_name_is_told_so_and_can_try_again(behind_proxy, chromium):  # noqa: F811
    async with window(chromium, behind_proxy.url) as person:
        await expect(person.page.locator("#byProxyText")).not_to_be_empty()
        await expect(person.page.locator("#code")).to_be_hidden()

        await person.page.set_extra_http_headers({"X-Forwarded-User": "ann"})
        await person.page.get_by_role("button", name="再试一次").click()

        await expect(person.page.locator("#empty")).to_be_visible()
        _forget_refusals(person)


async def test_somebody_else_behind_the_proxy_finds_nothing_of_who_was_here(
    behind_proxy,
    chromium,  # noqa: F811
):
    named = {"extra_http_headers": {"X-Forwarded-User": "ann"}}
    async with window(chromium, behind_proxy.url, **named) as person:
        await person.page.locator("#question").press_sequentially("my secret")
        await person.page.set_extra_http_headers({"X-Forwarded-User": ""})
        await person.page.get_by_role("link", name="历史").click()
        await expect(person.page.locator("#signIn")).to_be_visible()

        await person.page.set_extra_http_headers({"X-Forwarded-User": "bob"})
        await person.page.get_by_role("button", name="再试一次").click()
        await expect(person.page.locator("#history")).to_be_visible()

        await expect(person.page.locator("#question")).to_have_value("")
        _forget_refusals(person)


async def test_local_page_needs_no_code_and_offers_no_way_out(tmp_path, chromium):  # noqa: F811
    async with page_bot(tmp_path / "open") as bot, window(chromium, bot.url) as person:
        await expect(person.page.locator("#empty")).to_be_visible()
        await person.page.get_by_role("button", name="设置").click()

        await expect(person.page.locator("#account")).to_be_hidden()


async def test_code_is_typed_on_a_phone(bot, chromium):  # noqa: F811
    async with window(chromium, bot.url, **PHONE) as person:
        await person.page.locator("#code").fill(CODE)
        await person.page.get_by_role("button", name="登录").tap()

        await expect(person.page.locator("#empty")).to_be_visible()
        _forget_refusals(person)
