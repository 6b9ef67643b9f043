"""A person is forgotten by the whole program: no word, no photo, no name is left on the disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, FormData

from tests.e2e.drawing import shape
from tests.e2e.program import ROOT, Program
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]  # torch is slow to load

WITHIN_S = 90.0


def photo(colour: str) -> bytes:
    out = BytesIO()
    shape("circle", colour).save(out, "JPEG", quality=90)
    return out.getvalue()


@dataclass
class Scene:
    emulator: Emulator
    program: Program
    client: ClientSession
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def until(self, holds: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                while not holds():  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"in vain\n{self.program.output()[-6000:]}")

    async def until_gone(self, *signs: bytes) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                while self.found(*signs):  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pytest.fail(f"{self.found(*signs)} is left\n{self.program.output()[-6000:]}")

    def kept_photos(self) -> dict[Path, bytes]:
        files = (self.data / "photos").rglob("*")
        return {file: file.read_bytes() for file in files if file.is_file()}

    def found(self, *signs: bytes) -> list[str]:
        """The files in which one of these stands, under whatever name."""
        files = [file for file in self.data.rglob("*") if file.is_file()]
        read = [(str(file.relative_to(self.data)), file.read_bytes()) for file in files]
        read += [("log", self.program.output().encode())]
        return [
            f"{name}: {sign!r}"
            for name, data in read
            for sign in signs
            if sign in data + name.encode()
        ]

    async def asks_the_page(self, csrf: str, words: str, *photos: bytes) -> None:
        form = FormData(default_to_multipart=True)
        form.add_field("key", os.urandom(8).hex())
        form.add_field("lang", "en")
        form.add_field("text", words)
        for one in photos:
            form.add_field("photos", one, filename="x.jpg", content_type="image/jpeg")
        head = {"X-CSRF-Token": csrf}
        url = f"{self.program.url}/api/ask"
        async with self.client.post(url, data=form, headers=head) as response:
            assert response.status == 202, await response.text()

    async def page(self) -> list[dict[str, object]]:
        async with self.client.get(f"{self.program.url}/api/messages") as response:
            return (await response.json())["messages"]

    async def page_answers(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while sum(m["final"] and m["side"] == "bot" for m in await self.page()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def csrf(self) -> str:
        async with self.client.get(f"{self.program.url}/api/me") as response:
            return (await response.json())["csrf"]

    async def asks_the_api(self, words: str) -> None:
        body = {"model": "demo", "messages": [{"role": "user", "content": words}], "max_tokens": 8}
        head = {"Idempotency-Key": "kanarie-api-key"}
        url = f"{self.program.url}/v1/chat/completions"
        async with self.client.post(url, json=body, headers=head) as response:
            assert response.status in (200, 400), await response.text()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with Emulator() as emulator, ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        program = Program(tmp_path, TELEGRAM__TOKEN=emulator.token, TELEGRAM__BASE_URL=emulator.url)
        await program.start()
        try:
            scene = Scene(emulator, program, client, tmp_path)
            await scene.until(lambda: "started" in program.output())
            yield scene
        finally:
            await program.clean_up()


def texts(scene: Scene, person: Person) -> list[str]:
    return [message.text for message in scene.emulator.said(person.chat)]


def is_answered(scene: Scene, person: Person) -> bool:
    """Below a finished answer stand buttons."""
    said = scene.emulator.said(person.chat)
    return any(name == "again" for message in said for name, _ in message.buttons)


def signs_of(photos: dict[Path, bytes]) -> list[bytes]:
    """By which a file is known, wherever it lies, and its name."""
    middles = [data[len(data) // 2 :][:64] for data in photos.values()]
    return middles + [(file.parent.name + file.name).encode() for file in photos]


@pytest.mark.row(60)
async def test_somebody_of_a_chat_is_forgotten_while_they_are_answered(scene: Scene) -> None:
    ann, bob = scene.emulator.person("Kanarieann", id=7_310_448_202), scene.emulator.person("Bob")
    ann.sends_photo(photo("red"), "What colour is the kanariecircle?")
    await scene.until(lambda: scene.found(b"kanariecircle") and scene.kept_photos())
    await scene.emulator.until(lambda: is_answered(scene, ann), within_s=WITHIN_S)
    anns = scene.kept_photos()
    bob.sends_photo(photo("blue"), "What colour is the bobscircle?")
    await scene.until(lambda: len(scene.kept_photos()) > len(anns))
    await scene.emulator.until(lambda: is_answered(scene, bob), within_s=WITHIN_S)
    ann.says("/export")
    await scene.emulator.until(lambda: _file_to(scene, ann), within_s=WITHIN_S)
    with zipfile.ZipFile(BytesIO(_file_to(scene, ann) or b"")) as copy:
        assert b"kanariecircle" in copy.read("data.json")
        assert b"bobscircle" not in copy.read("data.json")
        assert [name for name in copy.namelist() if name.startswith("photos/")] != []

    ann.says("What is a kanariequestion, in a few hundred words, and why?")
    ann.says("/forget yes")
    await scene.emulator.until(
        lambda: any(text.startswith("Done") for text in texts(scene, ann)), within_s=WITHIN_S
    )
    signs = [b"kanarie", b"Kanarie", str(ann.id).encode(), *signs_of(anns)]
    await scene.until_gone(*signs)
    assert scene.found(b"bobscircle") != []
    assert set(scene.kept_photos()) != set()
    assert await scene.program.stop() == 0
    assert scene.found(*signs) == []


@pytest.mark.row(60)
async def test_somebody_of_the_page_and_a_key_are_forgotten(scene: Scene) -> None:
    csrf = await scene.csrf()
    (cookie,) = [one.value for one in scene.client.cookie_jar]
    person = hashlib.sha256(cookie.encode()).hexdigest()[:32]
    await scene.asks_the_page(csrf, "What colour is the kanariecircle?", photo("red"))
    await scene.page_answers(1)
    await scene.asks_the_api("What is a kanariecall?")
    pages = scene.kept_photos()
    shown = next(iter(pages))
    small = f"{scene.program.url}/api/photos/{shown.parent.name}{shown.name}?size=thumb"
    async with scene.client.get(small) as response:
        thumbnail = await response.read()
    async with scene.client.get(f"{scene.program.url}/api/export") as response:
        assert response.status == 200
        with zipfile.ZipFile(BytesIO(await response.read())) as copy:
            assert b"kanariecircle" in copy.read("data.json")

    await scene.asks_the_page(csrf, "What is a kanariequestion, in a few hundred words?")
    head = {"X-CSRF-Token": csrf}
    url = f"{scene.program.url}/api/me"
    async with scene.client.delete(url, headers=head) as response:
        assert response.status in (202, 204), await response.text()
    await asyncio.to_thread(_forget_the_machine, scene.folder)

    middle = thumbnail[len(thumbnail) // 2 :][:64]
    signs = [b"kanarie", b"Kanarie", person.encode(), cookie.encode(), middle, *signs_of(pages)]
    await scene.until_gone(*signs)
    assert await scene.csrf() != csrf
    assert await scene.page() == []
    assert await scene.program.stop() == 0
    assert scene.found(*signs) == []


def _forget_the_machine(folder: Path) -> None:
    """Who asks the API without a key."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "admin", "forget", "api:local", "--yes", "--language", "en"],
        cwd=ROOT,
        env=os.environ | {"VISIONBOT_STORAGE__DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert "is deleted" in done.stdout, done.stdout + done.stderr


def _file_to(scene: Scene, person: Person) -> bytes | None:
    files = [message.file for message in scene.emulator.said(person.chat) if message.file]
    return files[-1] if files else None
