"""A whole run at DEBUG, with faults: no secret and no word of anybody in any line of the log."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, CookieJar, FormData

from bot.log import Area
from tests.e2e.drawing import file_of, shape
from tests.e2e.program import ROOT, Program
from tests.emulators.telegram.server import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]  # torch is slow to load

WITHIN_S = 90.0
PHOTO = file_of(shape("circle", "red"))["buffer"]
SECRETS = {
    "WEB__ACCESS_CODE": "Kanarie-Access-7731",
    "METRICS__TOKEN": "kanarie-metrics-token-4410",
    "MATRIX__PASSWORD": "kanarie matrix password",
}
WORDS = {
    "question": "What colour is the circle, dear kanarienvogel?",
    "caption": "What colour is this kanariecaption?",
    "file": "kanarie-holiday-photo.png",
    "system": "Answer as a kanariesystem would.",
    "model": "kanarie-model",
}


@dataclass
class Scene:
    """The program, who talks to it, and all that must not be seen in its log."""

    emulator: Emulator
    program: Program
    client: ClientSession
    key: str
    hidden: dict[str, str] = field(default_factory=lambda: SECRETS | WORDS)

    async def until(self, look: Callable[[str], bool]) -> None:
        """`look` is given the log so far."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while not look(self.program.output()):  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"in vain\n{self.program.output()[-6000:]}")

    async def asks_the_api(self, content: object, key: str | None = None) -> int:
        """The status; the words of the answer are hidden from then on."""
        body = {
            "model": "demo",
            "messages": [
                {"role": "system", "content": WORDS["system"]},
                {"role": "user", "content": content},
            ],
        }
        head = {"Authorization": f"Bearer {self.key if key is None else key}"}
        url = f"{self.program.url}/v1/chat/completions"
        async with self.client.post(url, json=body, headers=head) as response:
            answer = await response.json()
            if response.status == 200:
                self.hidden["answer"] = answer["choices"][0]["message"]["content"]
            return response.status

    async def signs_in(self) -> str:
        """What the page's calls have to prove."""
        url = f"{self.program.url}/api"
        for code in ("kanarie-wrong-code", SECRETS["WEB__ACCESS_CODE"]):
            async with self.client.post(f"{url}/sign-in", json={"code": code}) as response:
                assert response.status in (204, 401, 403), await response.text()
        async with self.client.get(f"{url}/me") as response:
            csrf: str = (await response.json())["csrf"]
        cookies = {f"cookie {cookie.key}": cookie.value for cookie in self.client.cookie_jar}
        self.hidden |= cookies | {"csrf": csrf, "wrong code": "kanarie-wrong-code"}
        return csrf

    async def asks_the_page(self, csrf: str, photo: bytes) -> int:
        form = FormData()
        form.add_field("key", os.urandom(8).hex())
        form.add_field("lang", "en")
        form.add_field("text", WORDS["question"])
        form.add_field("photos", photo, filename=WORDS["file"], content_type="image/png")
        head = {"X-CSRF-Token": csrf}
        url = f"{self.program.url}/api/ask"
        async with self.client.post(url, data=form, headers=head) as response:
            return response.status

    async def is_up(self) -> bool:
        with suppress(ClientError):
            async with self.client.get(f"{self.program.url}/health") as response:
                return response.status == 200
        return False


@pytest.fixture
def format(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def scene(format: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with Emulator() as emulator, ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        program = Program(
            tmp_path,
            LOG__FORMAT=format,
            TELEGRAM__TOKEN=emulator.token,
            TELEGRAM__BASE_URL=emulator.url,
            MATRIX__HOMESERVER="http://127.0.0.1:9",  # nobody is there
            MATRIX__USER="@bot:example.org",
            ENGINE__STEP_TIMEOUT_S=20,
            **SECRETS,
        )
        await program.start()
        try:
            scene = Scene(emulator, program, client, "")
            await scene.until(lambda log: '"started"' in log or "  started" in log)
            scene.key = await asyncio.to_thread(_make_key, tmp_path)
            scene.hidden |= {"key": scene.key.split("-", 2)[2], "token": emulator.token[10:]}
            yield scene
        finally:
            await program.clean_up()


def _make_key(folder: Path) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "bot", "admin", "keys", "create", "canary", "--language", "en"],
        cwd=ROOT,
        env=os.environ | {"VISIONBOT_STORAGE__DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (key,) = re.findall(r"vb-[\w-]+", made.stdout)
    return key


async def _play(scene: Scene) -> None:
    """Questions by every door, and something going wrong at each."""
    picture = {"type": "image_url", "image_url": {"url": _data_url(PHOTO)}}
    text = {"type": "text", "text": WORDS["question"]}
    assert await scene.asks_the_api([picture, text]) == 200
    assert await scene.asks_the_api([{"type": "image_url", "image_url": "data:,x"}, text]) >= 400
    assert await scene.asks_the_api("hello", key="vb-kanarie-wrong-key-0815") == 401
    assert await scene.asks_the_api("hello", key="") == 200  # who sits at this machine
    scene.hidden["wrong key"] = "kanarie-wrong-key-0815"

    csrf = await scene.signs_in()
    assert await scene.asks_the_page(csrf, PHOTO) == 202
    assert await scene.asks_the_page("kanarie-wrong-csrf", PHOTO) == 403
    assert await scene.asks_the_page(csrf, b"no photo") >= 400

    ann = scene.emulator.person("Kanarie-Ann")
    scene.hidden["name"] = "Kanarie-Ann"
    ann.sends_file(PHOTO, WORDS["file"], WORDS["caption"])
    ann.sends_file(b"\x89PNG\r\n\x1a\n broken", WORDS["file"], WORDS["caption"])
    await scene.emulator.until(lambda: len(scene.emulator.said(ann.chat)) >= 2, within_s=WITHIN_S)

    head = {"Authorization": f"Bearer {SECRETS['METRICS__TOKEN']}"}
    async with scene.client.get(f"{scene.program.url}/metrics", headers=head) as response:
        assert response.status == 200
    scene.emulator.revoked = True
    ann.says(WORDS["question"])
    await scene.until(lambda log: "telegram: the token is not accepted" in log)


async def _kill_the_engine(scene: Scene) -> None:
    (engine,) = scene.program.engines()
    os.kill(engine, signal.SIGKILL)
    await scene.until(lambda log: "ended with code -9" in log)
    async with asyncio.timeout(WITHIN_S):
        while not await scene.is_up():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.3)
    assert await scene.asks_the_api(WORDS["question"]) == 200


def _data_url(photo: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(photo).decode()}"


def _leaks(scene: Scene) -> dict[str, str]:
    """What is hidden and the line that shows it."""
    lines = scene.program.output().splitlines()
    return {
        name: line
        for name, value in scene.hidden.items()
        for line in lines
        if value and value.lower() in line.lower()
    }


@pytest.mark.parametrize("format", ["text"], indirect=True)
@pytest.mark.row(60)
async def test_no_line_of_text_shows_a_secret_or_what_people_wrote(scene: Scene) -> None:
    await _play(scene)
    assert await scene.program.stop() == 0

    assert _leaks(scene) == {}
    assert "kanarie" not in scene.program.output().lower()


@pytest.mark.parametrize("format", ["json"], indirect=True)
@pytest.mark.row(60)
async def test_no_line_of_json_does_and_each_can_be_read(scene: Scene) -> None:
    await _play(scene)
    await _kill_the_engine(scene)
    assert await scene.program.stop() == 0

    assert _leaks(scene) == {}
    assert "kanarie" not in scene.program.output().lower()
    lines = scene.program.output().splitlines()
    read = [json.loads(line) for line in lines if not _is_of_report(line)]
    assert all(
        {"time", "level", "area", "request", "logger", "message"} <= line.keys() for line in read
    )
    assert {line["area"] for line in read} <= set(Area.__args__)
    assert [line["message"] for line in read][-1] == "stopped"
    _assert_every_door_tells(read)


_WAY = {"talk", "line", "vision", "engine"}
_WAY_OF_CALLS = {"api", "line", "vision", "engine"}


def _is_of_report(line: str) -> bool:
    """What the program prints when it is ready: two columns."""
    return re.match(r"[A-Z]\w*( \w+)*  +\S", line) is not None


def _assert_every_door_tells(read: list[dict[str, str]]) -> None:
    """Each question, all the way from its acceptance to its end, under one id."""
    by_request: dict[str, set[str]] = {}
    for line in read:
        by_request.setdefault(line["request"], set()).add(line["area"])
    of_chats = [areas for name, areas in by_request.items() if name.startswith("entry-")]
    of_calls = [areas for name, areas in by_request.items() if name.startswith("req_")]
    assert {"talk", "line", "vision", "engine"} in [areas & _WAY for areas in of_chats]
    assert {"api", "line", "vision", "engine"} in [areas & _WAY_OF_CALLS for areas in of_calls]
    assert not [
        line
        for line in read
        if line["area"] == "engine" and "number" in line and not line["request"]
    ]
