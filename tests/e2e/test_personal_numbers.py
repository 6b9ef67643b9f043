"""The program with numbers of people typed in at every door, and answers full of them: none of them
stands in any file afterwards, nor in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, FormData

from tests.e2e.drawing import file_of, shape
from tests.e2e.program import Program
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.inference.engine.model_server import ModelServer, Reply, chunk, says

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]  # starts the program

WITHIN_S = 60.0
PHOTO = file_of(shape("circle", "red"))["buffer"]
ASKED = {
    "phone": "13812345678",
    "identity card": "11010119900307774X",
    "bank card": "6222021234567890128",
    "address": "kanarie.person@example.org",
    "passport": "E18273645",
}
ANSWERED = {
    "phone": "13987654321",
    "identity card": "310104198506150015",
    "bank card": "4111111111111111",
    "address": "kanarie.answer@example.org",
    "passport": "G29384756",
}
_SENTENCE = "电话{phone}，身份证{identity card}，卡号{bank card}，邮箱{address}，护照{passport}。"
QUESTION, ANSWER = _SENTENCE.format(**ASKED), _SENTENCE.format(**ANSWERED)
PIECES = [ANSWER[at : at + 7] for at in range(0, len(ANSWER), 7)]  # which cut numbers in two
MASKED = "139****4321"
CORRECTED = "13711112222"
NAMED = "13633334444"


@dataclass
class Scene:
    emulator: Emulator
    model: ModelServer
    program: Program
    client: ClientSession
    folder: Path
    desk: Chat  # where staff read what customers say

    def leaks(self) -> list[tuple[str, str]]:
        """Files of the program and of its log, and what stands there."""
        hidden = [*ASKED.values(), *ANSWERED.values(), CORRECTED, NAMED]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [
            (str(path.relative_to(self.folder)), word)
            for path in files
            for word in hidden
            if word.encode() in path.read_bytes()
        ]

    async def reads(self, chat: Chat, words: str) -> None:
        """Something of the bot's there holds these words."""

        def look() -> bool:
            return any(words in message.text for message in self.emulator.said(chat))

        try:
            await self.emulator.until(look, within_s=WITHIN_S)
        except TimeoutError:
            said = [message.text for message in self.emulator.said(chat)]
            pytest.fail(f"{words!r} is not in {said}\n{self.program.output()[-4000:]}")

    async def asks_the_api(self, **more: object) -> str:
        body = {"model": "glm", "messages": [{"role": "user", "content": QUESTION}], **more}
        url, head = f"{self.program.url}/v1/chat/completions", {"Idempotency-Key": str(more)}
        async with self.client.post(url, json=body, headers=head) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def asks_the_page(self) -> str:
        """The talk as the page has it, once it is answered."""
        url = f"{self.program.url}/api"
        async with self.client.get(f"{url}/me") as response:
            csrf = (await response.json())["csrf"]
        form = FormData()
        for name, value in (("key", "0123456789abcdef"), ("lang", "zh"), ("text", QUESTION)):
            form.add_field(name, value)
        form.add_field("photos", PHOTO, filename=f"{NAMED}.png", content_type="image/png")
        asked = self.client.post(f"{url}/ask", data=form, headers={"X-CSRF-Token": csrf})
        async with asked as response:
            assert response.status == 202, await response.text()
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self.client.get(f"{url}/messages") as response:
                    talk = await response.json()
                    if [one["final"] for one in talk["messages"]] == [True, True]:
                        return await response.text()
                await asyncio.sleep(0.1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    model = ModelServer()
    model.replies.extend([says(*PIECES) for _ in range(50)])
    await model.start()
    async with Emulator() as emulator, ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        desk = emulator.group("Staff")
        program = Program(
            tmp_path,
            ENGINE__KIND="remote",
            ENGINE__BASE_URL=model.url,
            TELEGRAM__TOKEN=emulator.token,
            TELEGRAM__BASE_URL=emulator.url,
            SERVICE__STAFF_CHAT=f"telegram:{desk.id}",
        )
        await program.start()
        try:
            async with asyncio.timeout(WITHIN_S):
                while "  started" not in program.output():  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
            yield Scene(emulator, model, program, client, tmp_path, desk)
        finally:
            await program.clean_up()
            await model.stop()


@pytest.mark.row(60)
async def test_no_number_of_a_person_is_in_any_file_whichever_door_it_came_by(
    scene: Scene,
) -> None:
    ann = scene.emulator.person(f"Ann {NAMED}", language="zh")

    question = ann.says(QUESTION)
    await scene.reads(ann.chat, ANSWERED["phone"])
    ann.edits(question, f"不对，是 {CORRECTED}")
    ann.sends_file(PHOTO, f"{NAMED}.png", QUESTION)
    ann.replies(question, f"那这个 {CORRECTED} 呢？")
    ann.says(f"/ban {CORRECTED}")
    await _calls_staff(scene, ann)
    whole = await scene.asks_the_api()
    stream = await scene.asks_the_api(stream=True)
    again = await scene.asks_the_api()
    page = await scene.asks_the_page()
    history = await _exported(scene)
    assert await scene.program.stop() == 0

    assert scene.leaks() == []
    assert ANSWERED["phone"] in whole
    assert "139" in stream
    assert MASKED in again
    assert MASKED in page
    assert "138****5678" in page
    assert MASKED in history


@pytest.mark.row(60)
async def test_after_a_kill_in_mid_answer_nothing_is_left_either(scene: Scene) -> None:
    ann = scene.emulator.person("Ann", language="zh")
    scene.model.replies.appendleft(Reply([*map(chunk, PIECES[:-1])], then="hang"))

    ann.says(QUESTION)
    await scene.model.until(lambda: scene.model.bodies)
    await scene.program.kill()
    leaks = scene.leaks()
    await scene.program.start()
    await scene.reads(ann.chat, ANSWERED["phone"])
    assert await scene.program.stop() == 0

    assert (leaks, scene.leaks()) == ([], [])


async def _calls_staff(scene: Scene, ann: Person) -> None:
    ann.says("/human")
    await scene.reads(scene.desk, "Ann")
    said = ann.says(f"我的问题：{QUESTION}")
    await scene.reads(scene.desk, "138****5678")
    ann.edits(said, f"更正：{CORRECTED}")
    await scene.reads(scene.desk, "137****2222")


async def _exported(scene: Scene) -> str:
    """Once the talk is in it: people read an answer before its end is written down."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with scene.client.get(f"{scene.program.url}/api/history.csv") as response:
                exported = await response.text()
                if "@example.org" in exported:
                    return exported
            await asyncio.sleep(0.1)
