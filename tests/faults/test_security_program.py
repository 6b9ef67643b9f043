"""Rows 55 to 58 and 60 of the fault matrix on the running program: hostile words, senders without
rights and clients that want to wear it out come by all doors, and everybody else is served."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar, FormData

from bot.storage.soundness import FILE
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.strangers import STRANGERS, inline_in_private
from tests.faults.house import WITHIN_S, House, housed
from tests.faults.model import answer_to
from tests.faults.slow_clients import Ending, Socket

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

MEGABYTE = 2**20
_OFFICE = -1_001_999_000_001
OUT_S = 20.0  # the program's own patience is 5 s for a head and 15 s for a body


@dataclass
class Scene:
    house: House
    office: Chat

    async def is_served(self, question: str) -> None:
        """Somebody who has done nothing is answered."""
        person = self.house.emulator.person("Li")
        person.says(question)
        await self.house.until(lambda: answer_to(question) in self.texts(person.chat))

    def texts(self, chat: Chat) -> list[str]:
        return [one.text for one in self.house.emulator.said(chat)]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:  # Any: of the database
        with closing(sqlite3.connect(self.house.program.data_dir / FILE)) as db:
            return db.execute(statement).fetchall()

    async def until_denied(self, *people: int) -> None:
        """Their attempts are written down."""
        wanted = {f"telegram:{person}" for person in people}
        statement = "SELECT actor FROM audit WHERE outcome = 'denied'"
        await self.until(lambda: wanted <= {actor for (actor,) in self.rows(statement)})

    async def until(self, look: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not look():  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("security")
    chats = json.dumps([f"telegram:{_OFFICE}"])
    async with housed(folder, ACCESS__ADMIN_CHATS=chats, API__MAX_BODY_MB=1) as house:
        head = {"id": _OFFICE, "type": "supergroup", "title": "Office"}
        office = house.emulator.chats.add(Chat(head))
        await house.program.start()
        await house.until_ready()
        yield Scene(house, office)


@asynccontextmanager
async def visitor(scene: Scene) -> AsyncIterator[Visitor]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        url = scene.house.program.url
        async with client.get(f"{url}/api/me") as response:
            me = await response.json()
        yield Visitor(client, url, me["csrf"])


@dataclass
class Visitor:
    """Of the web page."""

    client: ClientSession
    url: str
    csrf: str

    @property
    def proof(self) -> str:
        """Lines of a head by which it is the visitor's own page that asks."""
        cookies = "; ".join(f"{one.key}={one.value}" for one in self.client.cookie_jar)
        return f"Cookie: {cookies}\r\nX-CSRF-Token: {self.csrf}\r\n"

    async def ask(self, text: str, key: str) -> int:
        form = FormData({"key": key, "lang": "en"}, default_to_multipart=True)
        form.add_field("text", text)
        head = {"X-CSRF-Token": self.csrf}
        async with self.client.post(f"{self.url}/api/ask", data=form, headers=head) as response:
            return response.status

    async def until_said(self, words: str) -> list[dict[str, Any]]:  # Any: JSON
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self.client.get(f"{self.url}/api/messages") as response:
                    messages: list[dict[str, Any]] = (await response.json())["messages"]
                if any(words in one["text"] for one in messages):
                    return messages
                await asyncio.sleep(0.05)


async def ask_api(scene: Scene, text: str) -> tuple[int, dict[str, Any]]:  # Any: JSON
    body = {"model": "echo", "messages": [{"role": "user", "content": text}]}
    url = f"{scene.house.program.url}/v1/chat/completions"
    async with ClientSession() as client, client.post(url, json=body) as response:
        return response.status, await response.json()


# Row 57


@pytest.mark.row(57)
async def test_row_57_nobody_but_the_owner_stops_the_bot_by_any_door(scene: Scene) -> None:
    emulator, office, order = scene.house.emulator, scene.office, "/pause@vision_bot 60"
    twin = emulator.person("Boss", username="b0ss")
    guest = emulator.person("Guest")
    for send in STRANGERS.values():
        send(emulator, office, order)
    inline_in_private(emulator, scene.house.boss, order)
    twin.says(order)
    guest.says(order, to=office)
    said = scene.house.boss.says("the words of an order")
    scene.house.boss.edits(said, order)
    async with visitor(scene) as browser:
        assert await browser.ask("/pause 60", "an-order-by-web") == 202
        await browser.until_said("/pause")
    status, answer = await ask_api(scene, "/pause 60")

    await scene.until_denied(twin.id, guest.id)
    assert (status, answer["choices"][0]["message"]["content"]) == (200, answer_to("/pause 60"))
    await scene.is_served("is anybody there?")
    denied = scene.rows("SELECT actor FROM audit WHERE outcome = 'denied'")
    assert {actor.partition(":")[0] for (actor,) in denied} == {"telegram", "web"}
    assert scene.rows("SELECT * FROM pauses") == []

    scene.house.boss.says("/pause 60")
    await scene.until(lambda: scene.rows("SELECT * FROM pauses") != [])
    scene.house.boss.says("/resume")
    await scene.until(lambda: scene.rows("SELECT * FROM pauses") == [])


# Row 55


HOSTILE = {
    "turned round": "\u202egnp.kcirt\u202c is it?",
    "joined": "👨‍👩‍👧‍👦 who are they?",
    "zalgo": "Z" + "\u0335\u0322\u0348" * 100 + "algo?",
    "markup": "<b onmouseover=alert(1)>what</b> is <script>alert(1)</script> it?",
    "sql": "'); DROP TABLE inbox; -- is it?",
    "format": "%s%n{0}{__class__} is it?",
    "path": "../../../../etc/passwd is it?",
}


@pytest.mark.row(55)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_row_55_hostile_words_come_back_to_the_letter_by_every_door(
    scene: Scene, text: str
) -> None:
    person = scene.house.emulator.person("Li")
    person.says(text)
    async with visitor(scene) as browser:
        assert await browser.ask(text, "hostile-words") == 202
        shown = await browser.until_said(answer_to(text))
    status, answer = await ask_api(scene, text)
    await scene.house.until(lambda: scene.texts(person.chat))

    assert [one["text"] for one in shown if one["side"] == "person"] == [text]
    assert (status, answer["choices"][0]["message"]["content"]) == (200, answer_to(text))
    await scene.until(lambda: (text,) in scene.rows("SELECT text FROM turns WHERE role = 'user'"))
    assert scene.house.model.asked[text] == 3


@pytest.mark.row(55)
async def test_row_55_halves_of_characters_and_nul_are_taken_out_on_the_way(scene: Scene) -> None:
    emulator = scene.house.emulator
    person = emulator.person("Li")
    message = person.chat.add(person.user, {"text": "what is it?"})
    emulator.updates.put_raw({"message": message.payload | {"text": "a\0b \ud83d is it?"}})

    await scene.house.until(lambda: any("is it" in one for one in scene.texts(person.chat)))

    statement = "SELECT text FROM turns WHERE text LIKE 'a%is it?'"
    await scene.until(lambda: scene.rows(statement) != [])  # it is written after the answer
    ((kept,),) = scene.rows(statement)
    assert "\0" not in kept
    assert kept.encode("utf-8").endswith(b" is it?")


@pytest.mark.row(55)
async def test_row_55_what_is_much_too_long_is_told_its_limit_by_every_door(scene: Scene) -> None:
    endless = "字" * 100_000
    status, answer = await ask_api(scene, endless)
    async with visitor(scene) as browser:
        refused = await browser.ask(endless, "endless-words")

    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert 400 <= refused < 500
    assert endless not in scene.house.model.asked


# Row 58


def _head(path: str, *heads: str, kind: str = "application/json", body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", *heads]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode()


PART = b'--x\r\nContent-Disposition: form-data; name="%d"; filename="a"\r\n\r\na\r\n'
PARTS = b"".join(PART % number for number in range(20_000)) + b"--x--\r\n"
NESTED = b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 5000


@pytest.mark.row(58)
async def test_row_58_whoever_sends_slowly_is_ended_in_bounded_time_and_others_are_served(
    scene: Scene,
) -> None:
    socket = Socket(scene.house.program.url)
    heads = [socket.drips_a_head() for _ in range(60)]
    bodies = [socket.drips_a_body("/v1/chat/completions") for _ in range(20)]
    forms = [socket.drips_a_body("/api/ask", "multipart/form-data; boundary=x") for _ in range(5)]
    slow = asyncio.gather(*heads, *bodies, *forms)

    await scene.is_served("in spite of them?")
    served_before_their_end = not slow.done()
    endings: list[Ending] = await slow

    assert served_before_their_end
    assert {ending.status for ending in endings[:60]} <= {0, 408}
    assert {ending.status for ending in endings[60:80]} == {408}
    assert max(ending.after_s for ending in endings) < OUT_S + 10.0  # of a busy machine
    assert await _open_connections(scene) <= 2


async def _open_connections(scene: Scene) -> int:
    """At the program's port, as the system tells."""
    port = f":{int(scene.house.program.url.rpartition(':')[2]):04X}"
    lines = await asyncio.to_thread(Path("/proc/net/tcp").read_text, "ascii")
    rows = [line.split() for line in lines.splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


BOMB = gzip.compress(bytes(100 * MEGABYTE), 1)
FORM = "multipart/form-data; boundary=x"
COMPLETIONS, PAGE = "/v1/chat/completions", "/api/ask"
TOO_MUCH = {
    "announced": (_head(COMPLETIONS, "Content-Length: 999999999"), 413),
    "gzip bomb": (_head(COMPLETIONS, "Content-Encoding: gzip", body=BOMB) + BOMB, 413),
    "flood of chunks": (
        _head(COMPLETIONS, "Transfer-Encoding: chunked") + b"1\r\nx\r\n" * (2 * MEGABYTE),
        413,
    ),
    "flood of parts": (_head(PAGE, kind=FORM, body=PARTS) + PARTS, 400),
    "parts within parts": (_head(PAGE, kind=FORM, body=NESTED) + NESTED, 400),
    "no boundary": (_head(PAGE, kind="multipart/form-data", body=b"--") + b"--", 400),
    "a form without an end": (_head(PAGE, "Content-Length: 999999999", kind=FORM), 413),
}


@pytest.mark.row(58)
@pytest.mark.parametrize(("sent", "status"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_row_58_what_is_too_much_is_refused_and_others_are_served(
    scene: Scene, sent: bytes, status: int
) -> None:
    async with visitor(scene) as browser:
        proved = sent.replace(b"\r\n", b"\r\n" + browser.proof.encode(), 1)
        ending = await Socket(scene.house.program.url).sends(proved)

    assert ending.status == status
    assert ending.after_s < OUT_S
    await scene.house.until_ready("/health")


# Row 60


@pytest.mark.row(60)
async def test_row_60_the_program_can_leave_no_core_file(scene: Scene) -> None:
    limits = Path(f"/proc/{scene.house.program.pid}/limits")

    lines = (await asyncio.to_thread(limits.read_text, "ascii")).splitlines()

    (core,) = [line.split() for line in lines if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]


@pytest.mark.row(60)
async def test_row_60_only_its_user_reads_what_the_program_keeps(scene: Scene) -> None:
    folder = scene.house.program.data_dir

    modes = {one.name: one.stat().st_mode & 0o077 for one in (folder, *folder.rglob("*"))}

    assert modes[folder.name] == 0, modes


@pytest.mark.row(60)
async def test_row_60_after_all_that_no_line_of_its_log_has_the_token_or_what_people_wrote(
    scene: Scene,
) -> None:
    log = scene.house.program.output()

    assert scene.house.emulator.token.partition(":")[2] not in log
    assert not any(text in log for text in HOSTILE.values())
    assert "Traceback" not in log
