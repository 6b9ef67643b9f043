"""Rows 8 to 12 at the other doors: the program is killed at each named point of the web page's way
and the API's, and started again. Both know a repetition by its key, so nothing stands behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, CookieJar, FormData

from tests.e2e.drawing import photo
from tests.faults.crashing import WHERE_TOLD
from tests.faults.house import WITHIN_S, House, housed
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to
from tests.faults.records import records

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

PAGE = [
    "before_page_question",
    "after_page_question",
    "after_page_answer",
    "before_page_final",
    "after_page_final",
]
API = [
    "after_reserve_call",
    "before_settle_call",
    "after_settle_call",
    "before_keeping_answer",
    "after_keeping_answer",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with housed(tmp_path_factory.mktemp("doors")) as house:
        await house.program.start(crash_at=WHERE_TOLD)
        yield house
        await check_invariants(house)


class Window:
    """A page that tries again under the same key, as the real one does."""

    def __init__(self, house: House, client: ClientSession, key: str) -> None:
        self._url, self._client, self._key = house.program.url, client, key

    async def asks(self, text: str) -> None:
        async with self._client.get(f"{self._url}/api/me") as response:
            csrf = (await response.json())["csrf"]
        form = FormData({"key": self._key, "lang": "en", "text": text})
        form.add_field("photos", photo("circle", "red"), filename="photo.jpg")
        head = {"X-CSRF-Token": csrf}
        async with self._client.post(f"{self._url}/api/ask", data=form, headers=head) as response:
            assert response.status in (200, 202), await response.text()

    async def until_whole(self) -> list[tuple[str, str]]:
        """Side and text of all messages, once the bot's are whole."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self._client.get(f"{self._url}/api/messages") as response:
                    shown = (await response.json())["messages"]
                if any(one["side"] == "bot" for one in shown) and all(
                    one["final"] for one in shown
                ):
                    return [(one["side"], one["text"]) for one in shown]
                await asyncio.sleep(0.1)


async def restarted(house: House) -> None:
    assert await house.program.ended() == -9
    await house.program.start(crash_at=WHERE_TOLD)
    await house.until_ready()


@pytest.mark.row(8, 10, 12)
@pytest.mark.parametrize("point", PAGE)
async def test_row_10_a_question_on_the_page_is_shown_and_answered_once(
    house: House, point: str
) -> None:
    await house.until_ready()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        window = Window(house, client, key=f"key-{point}")
        house.program.crash_at(point)
        words = f"What is it, {point}?"
        try:
            await window.asks(words)
        except ClientError:  # it died before it took the question
            await restarted(house)
            await window.asks(words)
        else:
            await restarted(house)

        assert await window.until_whole() == [("person", words), ("bot", answer_to(words))]
        await check_invariants(house, stops=False)


@pytest.mark.row(8, 10, 12)
@pytest.mark.parametrize("point", API)
async def test_row_10_a_call_is_repeated_under_its_key_and_paid_once(
    house: House, point: str
) -> None:
    await house.until_ready()
    words = f"What is it, {point}?"
    body = {"model": "echo", "messages": [{"role": "user", "content": words}]}
    before = await paid(house)
    async with ClientSession(headers={"Idempotency-Key": f"key-{point}"}) as client:

        async def call() -> str:
            async with client.post(f"{house.program.url}/v1/chat/completions", json=body) as found:
                return (await found.json())["choices"][0]["message"]["content"]

        house.program.crash_at(point)
        with pytest.raises(ClientError):
            await call()
        await restarted(house)

        assert await call() == await call() == answer_to(words)
    await check_invariants(house, stops=False)
    # settled before the caller had it: that answer was written, and is paid for
    assert await paid(house) - before == (1 if point in API[:2] or point == API[4] else 2)


async def paid(house: House) -> int:
    async with records(house) as ask:
        [(questions,)] = await ask("SELECT COALESCE(SUM(settled_questions), 0) FROM ledger")
    return int(questions)
