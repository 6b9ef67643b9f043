"""The history's view, where the program's side of it is played: pages, faults, asking again."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.browser import chromium, window  # noqa: F401  (chromium is a fixture)
from tests.e2e.page_bot import page_bot

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(90),  # the first test also starts the browser
]

EVIL = "<img src=x onerror=\"document.title='seen'\">"


class Told:
    """What the program answers to each kind of call."""

    def __init__(self):
        self.wishes = []
        self.refusal = None  # status and sentence
        self.pages = {"": ([entry(2, "二"), entry(1, "一")], None)}

    async def answer(self, route):
        request = route.request
        if self.refusal is not None:
            status, sentence = self.refusal
            error = {"error": {"code": "x", "message": sentence}}
            await route.fulfill(status=status, body=json.dumps(error))
        elif request.method == "DELETE":
            await route.fulfill(status=204)
        else:
            wish = dict(part.split("=", 1) for part in request.url.split("?")[1].split("&"))
            self.wishes.append(wish)
            entries, rest = self.pages[wish.get("cursor", "")]
            await route.fulfill(body=json.dumps({"entries": entries, "next": rest}))


def entry(number, question):
    return {
        "id": number,
        "at": 1.8e9 + number,
        "question": question,
        "photos": [],
        "answer": f"**{question}**",
        "blocks": [{"t": "p", "c": [{"t": "strong", "c": [{"t": "text", "text": question}]}]}],
    }


@pytest.fixture
def told():
    return Told()


@pytest_asyncio.fixture(loop_scope="module")
async def person(chromium, tmp_path, told):  # noqa: F811
    async with page_bot(tmp_path) as bot, window(chromium, bot.url) as person:
        await person.page.route("**/api/history**", told.answer)
        await expect(person.page.locator("#empty")).to_be_visible()
        yield person


async def open_history(person):
    await person.page.get_by_role("link", name="历史").click()
    await expect(person.page.locator("#history")).to_have_attribute("aria-busy", "false")


def questions(person):
    return person.page.locator(".entry strong.line")


async def test_earlier_ones_come_below_and_the_focus_goes_to_the_first_of_them(person, told):
    told.pages = {"": ([entry(3, "三")], "3"), "3": ([entry(2, "二"), entry(1, "一")], None)}
    await open_history(person)

    await person.page.get_by_role("button", name="显示更早的").press("Enter")

    await expect(questions(person)).to_have_text(["三", "二", "一"])
    await expect(person.page.get_by_role("button", name="二")).to_be_focused()
    await expect(person.page.locator("#more")).to_be_hidden()


async def test_what_was_found_stays_when_earlier_ones_cannot_be_had(person, told):
    told.pages = {"": ([entry(3, "三")], "3")}
    await open_history(person)
    told.refusal = (500, "坏了")

    await person.page.get_by_role("button", name="显示更早的").click()

    await expect(person.page.get_by_text("坏了").first).to_be_visible()
    await expect(questions(person)).to_have_text(["三"])
    person.faults.clear()  # the browser notes the refusal


async def test_days_are_those_of_the_browser_and_the_last_one_counts_whole(person, told):
    await open_history(person)
    await person.page.locator("#fromDay").fill("2026-11-20")
    await person.page.locator("#toDay").fill("2026-11-21")
    await expect(person.page.locator("#history")).to_have_attribute("aria-busy", "false")

    begin = await person.page.evaluate("new Date(2026, 10, 20).getTime() / 1000")
    wish = told.wishes[-1]
    assert (int(wish["after"]), int(wish["before"])) == (begin, begin + 2 * 24 * 3600)
    link = await person.page.get_by_role("link", name="导出 CSV").get_attribute("href")
    assert f"after={begin}" in link


async def test_entry_that_cannot_be_deleted_stays_and_says_why(person, told):
    await open_history(person)
    await person.page.get_by_role("button", name="二").click()
    told.refusal = (409, "还在回答")

    await person.page.get_by_role("button", name="删除", exact=True).click()
    await person.page.locator(".chip.danger").click()

    await expect(person.page.locator(".whole .tools")).to_contain_text("还在回答")
    await expect(questions(person)).to_have_text(["二", "一"])
    person.faults.clear()  # the browser notes the refusal


async def test_all_stay_until_it_is_said_twice(person, told):
    await open_history(person)
    await person.page.get_by_role("button", name="全部删除").click()
    await person.page.get_by_role("button", name="不删").click()

    await expect(questions(person)).to_have_text(["二", "一"])


async def test_question_can_be_taken_up_again(person):
    await open_history(person)
    await person.page.get_by_role("button", name="二").click()

    await person.page.get_by_role("button", name="再问一次").click()

    await expect(person.page.locator("#question")).to_have_value("二")
    await expect(person.page.locator("#question")).to_be_focused()


async def test_way_back_of_the_browser_leads_back_to_the_talk(person):
    await open_history(person)

    await person.page.go_back()

    await expect(person.page.locator("#talk")).to_be_visible()
    await expect(person.page.locator("#history")).to_be_hidden()


@pytest.mark.row(56)
async def test_old_words_are_inert_too(person, told):
    title = await person.page.title()
    told.pages = {"": ([{**entry(1, EVIL), "blocks": None, "answer": EVIL}], None)}
    await open_history(person)
    await person.page.locator(".entry > button").click()

    await expect(person.page.locator(".whole .text").last).to_have_text(EVIL)
    await expect(person.page.locator(".entry img")).to_have_count(0)
    assert await person.page.title() == title


async def test_line_of_an_entry_keeps_what_a_person_wrote_and_drops_the_signs_of_markdown(
    person, told
):
    told.pages = {"": ([{**entry(1, "2*3 > 5_a"), "answer": "**红**"}], None)}
    await open_history(person)

    await expect(questions(person)).to_have_text("2*3 > 5_a")
    await expect(person.page.locator(".entry .line.answer")).to_have_text("红")


async def test_csv_is_asked_for_in_the_zone_of_the_browser(person, told):
    told.pages = {"": ([entry(1, "一")], None)}
    await open_history(person)

    zone = await person.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    href = await person.page.locator("#csv").get_attribute("href")
    assert parse_qs(urlsplit(href).query)["tz"] == [zone]
