"""The doors of one running program, as those who come by them see them; its metrics, its ledger,
and the commands of whoever sits at its machine."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import openai
import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar, FormData

from bot.storage.soundness import FILE
from bot.texts import say
from tests.e2e.program import ROOT, Program
from tests.e2e.stage import TelegramPlace, TelegramStage, reads

WITHIN_S = 90.0  # torch is slow to load on a busy machine
_BUSY = (
    "line_waiting",
    "line_answering",
    "engine_running",
    "engine_waiting",
    'inbox_open{state="new"}',
    'inbox_open{state="waiting"}',
)
_TIMEOUT = ClientTimeout(total=WITHIN_S)

Body = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Paid:
    """One line of the ledger."""

    call: str | None  # of the API
    state: str
    questions: int | None
    tokens: int | None


@dataclass(frozen=True)
class Doors:
    program: Program
    folder: Path
    stage: TelegramStage
    boss: TelegramPlace  # an owner, alone with the bot
    http: ClientSession

    def api(self, key: str = "any") -> openai.AsyncOpenAI:
        """`key`: none is needed on this machine."""
        return openai.AsyncOpenAI(
            base_url=f"{self.program.url}/v1", api_key=key, max_retries=0, timeout=WITHIN_S
        )

    async def make_key(self, name: str) -> str:
        made = await self.order("keys", "create", name)
        (key,) = re.findall(r"vb-[\w-]+", made)
        return key

    async def order(self, *words: str) -> str:
        """`visionbot admin`, beside the running program."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "admin", *words, "--language", "en"),
            cwd=ROOT,
            env=os.environ | {"VISIONBOT_STORAGE__DATA_DIR": str(self.folder / "data")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def questions_today(self) -> int:
        """As the boss reads it in the chat."""
        order = await self.boss.says("/stats")
        told = await reads(self.boss, "questions today", after=order)
        (number,) = re.findall(r"questions today\W+(\d+)", told.text)
        return int(number)

    async def probe(self) -> tuple[int, str]:
        """What /readyz says."""
        async with self.http.get(f"{self.program.url}/readyz") as response:
            return response.status, (await response.json())["status"]

    async def ready(self) -> None:
        async def is_ready() -> bool:
            assert self.program.is_running(), self.program.output()[-4000:]
            with suppress(ClientError):
                return (await self.probe())[0] == 200
            return False

        async with asyncio.timeout(WITHIN_S):
            while not await is_ready():  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.1)

    async def metrics(self) -> dict[str, int]:
        """By name and labels, without "visionbot_"."""
        async with self.http.get(f"{self.program.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        told = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name.removeprefix("visionbot_"): int(float(value)) for name, _, value in told}

    async def until(self, look: Callable[[Mapping[str, int]], bool]) -> dict[str, int]:
        """The first metrics that `look` likes."""
        told: dict[str, int] = {}
        try:
            async with asyncio.timeout(WITHIN_S):
                while not look(told := await self.metrics()):  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"in vain: {told}")
        return told

    async def idle(self) -> dict[str, int]:
        """Returns when nobody waits and nothing is written any more."""
        return await self.until(lambda told: not any(told[name] for name in _BUSY))

    async def ended(self, before: Mapping[str, int], questions: int) -> dict[str, int]:
        """The same, when so many more than before have their end."""

        def look(told: Mapping[str, int]) -> bool:
            more = sum(asked_between(before, told).values())
            return more >= questions and not any(told[name] for name in _BUSY)

        return await self.until(look)

    def ledger(self) -> list[Paid]:
        file = self.folder / "data" / FILE
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT call, state, settled_questions, settled_tokens FROM ledger ORDER BY id"
            )
            return [Paid(call and call.partition("/")[2], *paid) for call, *paid in rows]


class Visitor:
    """Somebody before the page, in a browser of their own."""

    def __init__(self, url: str, client: ClientSession) -> None:
        self._url = url
        self._client = client

    async def ask(self, text: str, photo: bytes, **wishes: object) -> str:
        """The answer, when it is whole and the only one; `wishes` as in the side panel."""
        async with self._client.get(f"{self._url}/api/me") as response:
            csrf = (await response.json())["csrf"]
        form = FormData()
        fields = {"key": uuid4().hex, "lang": "en", "text": text, **wishes}
        for name, value in fields.items():
            form.add_field(name, str(value))
        form.add_field("photos", photo, filename="photo.jpg", content_type="image/jpeg")
        head = {"X-CSRF-Token": csrf}
        async with self._client.post(f"{self._url}/api/ask", data=form, headers=head) as response:
            assert response.status == 202, await response.text()
        await self._until_answered()
        async with self._client.get(f"{self._url}/api/messages") as response:
            shown = (await response.json())["messages"]
        (answer,) = [one["text"] for one in shown if one["side"] == "bot"]
        return answer

    async def _until_answered(self) -> None:
        async with self._client.get(f"{self._url}/api/events") as response:
            async for line in response.content:
                if line.startswith(b"data: "):
                    news = json.loads(line[6:])
                    messages = news.get("messages", [news])
                    if any(one["side"] == "bot" and one["final"] for one in messages):
                        return
        raise AssertionError("the page's events ended before the answer")


@asynccontextmanager
async def visitor(doors: Doors) -> AsyncIterator[Visitor]:
    jar = CookieJar(unsafe=True)  # of an address without a name
    async with ClientSession(cookie_jar=jar, timeout=_TIMEOUT) as client:
        yield Visitor(doors.program.url, client)


class Reader:
    """Reads one stream of the API, and keeps what came of it."""

    def __init__(self) -> None:
        self.id = ""
        self.pieces: list[str] = []
        self.finish: str | None = None
        self.usage: Any = None  # Any: the client's own type
        self.error: openai.APIError | None = None
        self.begun = asyncio.Event()
        self.ended_at: float | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    async def read(
        self, client: openai.AsyncOpenAI, body: Body, *, leave_after: int | None = None
    ) -> None:
        """`leave_after`: so many pieces."""
        try:
            options = {"stream": True, "stream_options": {"include_usage": True}}
            async with await client.chat.completions.create(**body, **options) as stream:
                async for chunk in stream:
                    self._take(chunk)
                    if leave_after is not None and len(self.pieces) >= leave_after:
                        return
        except openai.APIError as error:
            self.error = error
        finally:
            self.ended_at = time.monotonic()

    def _take(self, chunk: Any) -> None:  # Any: the client's own type
        self.id = chunk.id
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.finish = choice.finish_reason or self.finish
            if choice.delta.content:
                self.pieces.append(choice.delta.content)
                self.begun.set()


def asked_between(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Questions by door and outcome."""
    counted = {name: after[name] - before.get(name, 0) for name in after}
    return {name: n for name, n in counted.items() if n and name.startswith("questions_total{")}


def body_of(text: str, photo: bytes | None = None, **more: object) -> Body:
    """A question as chats ask it: with the same words of the bot's own before it."""
    content: list[Body] = [{"type": "text", "text": text}]
    if photo is not None:
        address = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
        content.insert(0, {"type": "image_url", "image_url": {"url": address}})
    system = {"role": "system", "content": say("system", "en")}
    return {"model": "demo", "messages": [system, {"role": "user", "content": content}], **more}


async def answer_of(client: openai.AsyncOpenAI, body: Body) -> str:
    answer = await client.chat.completions.create(**body)
    return str(answer.choices[0].message.content)


async def read_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Until the last of them has ended; none of them fails."""
    await asyncio.wait_for(asyncio.gather(*tasks), WITHIN_S)
