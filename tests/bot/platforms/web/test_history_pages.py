"""The history on the page: one's own entries, found, taken along and deleted."""

from __future__ import annotations

import asyncio
import csv
from io import StringIO

import pytest

from bot.platforms.base import LostMessage, Post
from bot.storage.entries import Asked
from bot.storage.history import History, Said
from bot.storage.inbox import Inbox

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")


class Bot:
    """Accepts and answers as the program does, at times of the test's choosing."""

    def __init__(self, place, served):
        self.place, self.served = place, served
        self.inbox = Inbox(place.db)
        self.asked = 0

    async def ask(self, question, photos=(), *, browser=None):
        self.asked += 1
        key = f"question-{self.asked}"
        await self.served.ask(question, photos, key=key, browser=browser)
        event = self.served.inbox.events[-1]
        await self.inbox.accept(event)
        return await self.inbox.said(event.conversation, key)

    async def answer(
        self, question, answer="**红色**", photos=(), *, at=1_700_000_000.0, **options
    ):
        entry = await self.ask(question, photos, **options)
        chat = entry.event.conversation
        key = await self.inbox.open_reply(entry.id, 0)
        post = Post(answer, rich=True)
        message = await self.served.platform.send(chat, post, reply_to=None, key=key)
        await self.inbox.note_reply(entry.id, 0, message)
        digests = tuple(photo.ref for photo in entry.event.photos)
        await History(self.place.db, clock=lambda: at).answered(
            entry, Said("user", question, digests, 1), Said("assistant", answer, (), 1), ()
        )
        return entry.id


@pytest.fixture
def bot(place, served):
    return Bot(place, served)


async def found(served, query="", *, browser=None):
    status, told = await served.call("GET", f"/api/history?{query}", browser=browser, proof=None)
    assert status == 200
    return told


async def questions(served, query=""):
    return [entry["question"] for entry in (await found(served, query))["entries"]]


async def test_entry_is_shown_whole(bot, served, photo):
    number = await bot.answer("什么颜色？", "**红色**", [photo])

    assert await found(served) == {
        "entries": [
            {
                "id": number,
                "at": 1_700_000_000.0,
                "question": "什么颜色？",
                "photos": [served.inbox.events[0].photos[0].ref],
                "answer": "**红色**",
                "blocks": [
                    {"t": "p", "c": [{"t": "strong", "c": [{"t": "text", "text": "红色"}]}]}
                ],
            }
        ],
        "next": None,
    }


async def test_history_comes_in_pages_with_the_newest_first(bot, served):
    for number in range(32):
        await bot.answer(f"q{number}", "a")

    first = await found(served)
    second = await found(served, f"cursor={first['next']}")

    assert [entry["question"] for entry in first["entries"]] == [
        f"q{number}" for number in range(31, 1, -1)
    ]
    assert [entry["question"] for entry in second["entries"]] == ["q1", "q0"]
    assert second["next"] is None


async def test_search_by_word_and_date(bot, served):
    await bot.answer("红色的圆", "对", at=1_700_000_000.0)
    await bot.answer("蓝色的圆", "对", at=1_700_100_000.0)

    assert await questions(served, "q=蓝色") == ["蓝色的圆"]
    assert await questions(served, "q=圆+红") == ["红色的圆"]
    assert await questions(served, "after=1700050000") == ["蓝色的圆"]
    assert await questions(served, "before=1700050000") == ["红色的圆"]
    assert await questions(served, "q=%25") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=yesterday", "dates"),
        ("before=-1", "dates"),
        ("before=1e99", "dates"),
        ("q=" + "x" * 201, "search_too_long"),
    ],
)
@pytest.mark.parametrize("path", ["/api/history", "/api/history.csv"])
async def test_search_that_makes_no_sense_is_refused(served, path, query, code):
    status, told = await served.call("GET", f"{path}?{query}", proof=None)

    assert (status, told["error"]["code"]) == (400, code)


async def test_cursor_that_makes_no_sense_begins_at_the_newest(bot, served):
    await bot.answer("q")

    assert await questions(served, "cursor=x") == ["q"]
    assert await questions(served, f"cursor={10**17}") == ["q"]


@pytest.mark.row(59)
async def test_history_of_another_person_is_not_to_be_seen(bot, served, stranger):
    await bot.answer("mine")
    await served.visit(stranger)

    assert (await found(served, browser=stranger))["entries"] == []
    _, data = await served.call("GET", "/api/history.csv", browser=stranger, proof=None)
    assert data.decode("utf-8-sig").count("\n") == 1


async def test_csv_is_the_same_search_as_a_file(bot, served):
    await bot.answer("=1+1", "-2")
    await bot.answer("蓝色", "对")

    search = "lang=en&q=1&tz=Asia/Tokyo"
    async with served.browser.get(f"{served.url}/api/history.csv?{search}") as response:
        rows = list(csv.reader(StringIO((await response.read()).decode("utf-8-sig"))))
        disposition = response.headers["Content-Disposition"]

    assert rows == [
        ["time (Asia/Tokyo)", "question", "photos", "answer"],
        ["2023-11-15T07:13:20+09:00", "'=1+1", "0", "'-2"],
    ]
    assert disposition == 'attachment; filename="visionbot.csv"'


class Endless:
    """A history without an end."""

    def __init__(self):
        self.ended = asyncio.Event()

    async def each(self, chat, **search):
        try:
            while True:
                yield Asked(1, 0.0, "q", (), "long " * 20_000)
        finally:
            self.ended.set()


async def test_csv_that_nobody_reads_is_given_up(place):
    entries = Endless()
    async with place.serve(entries=entries, write_s=0.2) as served:
        (cookie,) = served.browser.cookie_jar
        port = int(served.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()
        writer.write(
            f"GET /api/history.csv HTTP/1.1\r\nHost: localhost\r\n"
            f"Cookie: {cookie.key}={cookie.value}\r\n\r\n".encode()
        )

        await asyncio.wait_for(entries.ended.wait(), 10)
        writer.close()


@pytest.mark.row(59)
async def test_csv_is_not_given_to_another_site(served):
    headers = {"Sec-Fetch-Site": "cross-site"}

    status, _ = await served.call("GET", "/api/history.csv", proof=None, headers=headers)

    assert status == 403


async def test_deleted_entry_leaves_history_page_and_window(bot, served, place):
    gone = await bot.answer("gone")
    await bot.answer("kept", "yes")

    status, _ = await served.call("DELETE", f"/api/history/{gone}")

    assert status == 204
    assert await questions(served) == ["kept"]
    assert await served.texts() == ["kept", "yes"]
    past = await History(place.db).past(served.chat)
    assert [said.text for said in past.turns] == ["kept", "yes"]


async def test_open_windows_see_that_it_is_gone(bot, served):
    number = await bot.answer("gone")
    async with served.events() as stream:
        await stream.next()
        await served.call("DELETE", f"/api/history/{number}")
        name, _, told = await stream.next()

    assert (name, told["messages"]) == ("snapshot", [])


async def test_late_edit_of_a_deleted_message_does_not_bring_it_back(bot, served):
    await bot.answer("gone")
    message = str((await served.visit())["messages"][-1]["id"])
    chat = served.chat
    await served.call("DELETE", "/api/history")

    with pytest.raises(LostMessage):
        await served.platform.edit(chat, message, Post("back again"))
    assert await served.texts() == []


async def test_all_is_deleted_at_once(bot, served):
    await bot.answer("one")
    await bot.answer("two")

    status, _ = await served.call("DELETE", "/api/history")

    assert status == 204
    assert await questions(served) == []
    assert await served.texts() == []


async def test_photo_of_a_deleted_entry_is_not_served_any_more(bot, served, photo):
    number = await bot.answer("what?", "red", [photo])
    digest = served.inbox.events[0].photos[0].ref

    await served.call("DELETE", f"/api/history/{number}")

    assert (await served.call("GET", f"/api/photos/{digest}", proof=None))[0] == 404


@pytest.mark.parametrize("path", ["/api/history/99", "/api/history/x", f"/api/history/{10**17}"])
async def test_what_is_not_there_cannot_be_deleted(served, path):
    status, told = await served.call("DELETE", path)

    assert (status, told["error"]["code"]) == (404, "no_entry")


@pytest.mark.row(59)
async def test_entry_of_another_person_does_not_exist(bot, served, stranger):
    number = await bot.answer("mine")
    await served.visit(stranger)

    status, _ = await served.call("DELETE", f"/api/history/{number}", browser=stranger)

    assert status == 404
    assert await questions(served) == ["mine"]


async def test_while_an_answer_is_being_written_nothing_is_deleted(bot, served):
    number = await bot.answer("done")
    await bot.ask("running")

    one, told = await served.call("DELETE", f"/api/history/{number}")
    everything, _ = await served.call("DELETE", "/api/history")

    assert (one, everything, told["error"]["code"]) == (409, 409, "still_open")
    assert await questions(served) == ["done"]
