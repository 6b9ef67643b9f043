"""The page's calls against the whole program: a window goes on through a kill in mid-answer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from io import BytesIO

import pytest
from aiohttp import ClientSession, CookieJar, FormData
from PIL import Image, ImageDraw

from tests.e2e.page_program import PageProgram

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

CODE = "open sesame 42"
TRIES = 5  # an answer may be whole before the kill comes


class Window:
    """One open page: who it is, what it saw, and up to where."""

    def __init__(self, url, browser):
        self.url, self.browser = url, browser
        self.proof = ""
        self.seen = ""
        self.messages = {}

    async def call(self, method, path, **options):
        headers = {"X-CSRF-Token": self.proof}
        async with self.browser.request(
            method, self.url + path, headers=headers, **options
        ) as response:
            assert response.status < 300, await response.text()
            return await response.text()

    async def sign_in(self):
        await self.call("POST", "api/sign-in", json={"code": CODE})
        self.proof = json.loads(await self.call("GET", "api/me"))["csrf"]

    async def ask(self, key, text, photo):
        form = FormData({"key": key, "text": text, "lang": "zh"}, default_to_multipart=True)
        form.add_field("photos", BytesIO(photo), filename="photo")
        await self.call("POST", "api/ask", data=form)

    async def follow(self, until):
        """Events from where it stopped, until a message is as wanted."""
        headers = {"Last-Event-ID": self.seen} if self.seen else {}
        address = f"{self.url}api/events"
        async with self.browser.get(address, headers=headers) as response:
            assert response.status == 200
            while line := (await response.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name == "id":
                    self.seen = value
                elif name == "data":
                    told = json.loads(value)
                    if "messages" in told:
                        self.messages.clear()
                    for message in told.get("messages", [told]):
                        self.messages[message["id"]] = message
                    if until(self.answers):
                        return
        raise AssertionError("the stream ended")

    @property
    def answers(self):
        return [message for message in self.messages.values() if message["side"] == "bot"]


def photo_of(colour):
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).ellipse((100, 50, 200, 150), fill=colour)
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def has_words(answers):
    """Of the model, not of ours: by then we know for ever which message it is."""
    return any("图" in answer["text"] and "…" not in answer["text"] for answer in answers)


def is_half(folder, message):
    with closing(sqlite3.connect(folder / "data" / "visionbot.db")) as db:
        query = "SELECT final FROM page_messages WHERE id = ?"
        return db.execute(query, (message,)).fetchone() == (0,)


async def test_window_sees_the_same_message_go_on_after_a_kill_in_mid_answer(tmp_path):
    place = PageProgram(tmp_path, WEB__ACCESS_CODE=CODE)
    try:
        await place.start()
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            window = Window(place.url, browser)
            await window.sign_in()
            for number in range(TRIES):
                await window.ask(f"question-{number}", "图里有什么？", photo_of("red"))
                await window.follow(lambda answers, count=number: has_words(answers[count:]))
                await place.program.kill()
                answer = window.answers[-1]["id"]
                was_half = is_half(tmp_path, answer)
                await place.start()
                await window.follow(lambda answers: all(one["final"] for one in answers))
                assert [one["id"] for one in window.answers][-1] == answer
                assert len(window.answers) == number + 1
                assert "红" in window.answers[-1]["text"]
                if was_half:
                    break
            assert was_half, "no kill came in mid-answer"
        assert await place.program.stop() == 0
    finally:
        await place.program.clean_up()
