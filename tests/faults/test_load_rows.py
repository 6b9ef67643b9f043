"""Rows 2, 6 and 7 of the fault matrix: one who sends too much, or something too large, and what
all others notice of it. Counted in turns, not in seconds, wherever that can be."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from PIL import Image

from bot.texts import TEXTS
from tests.e2e.drawing import photo
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to

pytestmark = pytest.mark.timeout(120)

FLOOD = 50  # photos
OTHERS = 6
CAP = 3
HEALTH_S = 0.2


@asynccontextmanager
async def running(folder: Path, **settings: object) -> AsyncIterator[House]:
    """One question is answered at a time, so that there is a line."""
    given = {"ENGINE__MAX_SEQUENCES": 1, "PHOTOS__TOGETHER_S": 0, "LINE__MAX_PER_PERSON": CAP}
    async with housed(folder, **(given | settings)) as house:
        await house.program.start()
        await house.until_ready()
        yield house


@pytest.mark.e2e
@pytest.mark.row(6)
async def test_row_06_who_waited_too_long_is_told_and_the_model_is_never_asked(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, LINE__MAX_WAIT_S=1) as house:
        await _expires(house)

    assert list(house.model.asked) == ["the first question"]


async def _expires(house: House) -> None:
    first, late = house.emulator.person("First"), house.emulator.person("Late")
    house.model.gate.clear()
    first.says("the first question")
    await house.until(lambda: house.emulator.said(first.chat))
    await _until(lambda: house.model.writing == 1)

    late.says("the late question")
    expired = TEXTS["expired"].en
    await house.until(lambda: expired in [one.text for one in house.emulator.said(late.chat)])
    house.model.gate.set()
    await house.until_answered(first)
    await check_invariants(house)


@pytest.mark.e2e
@pytest.mark.row(2)
async def test_row_02_who_sends_fifty_photos_has_three_places_and_the_others_their_own(
    tmp_path: Path,
) -> None:
    """How long others wait is counted in questions that the model is asked before theirs: at most
    three of the fifty."""
    async with running(tmp_path) as house:
        before = await _ahead_of_each(house, flood=0)
        after = await _ahead_of_each(house, flood=FLOOD)

    assert sorted(before) == list(range(OTHERS))  # whose photo is ready first goes first
    assert max(after) < OTHERS + CAP


async def _ahead_of_each(house: House, *, flood: int) -> list[int]:
    """Questions that came to the model before that of each of some people; the flooder's came
    before all of theirs."""
    picture, asked_before = photo("circle", "red"), len(house.model.asked)
    house.model.gate.clear()
    if flood:
        await _send_flood(house, picture, flood)
    others = [house.emulator.person() for _ in range(OTHERS)]
    for number, one in enumerate(others):
        one.sends_photo(picture, f"question {number} beside {flood}")
        await house.until(lambda one=one: house.emulator.said(one.chat))
    house.model.gate.set()
    await house.until_answered(*others)
    order = list(house.model.asked)[asked_before:]
    return [order.index(f"question {number} beside {flood}") for number in range(OTHERS)]


async def _send_flood(house: House, picture: bytes, number: int) -> None:
    """Until they have their places, and are told that they get no more."""
    flooder = house.emulator.person("Flooder")
    for one in range(number):
        flooder.sends_photo(picture, f"flood {one}")
    full = TEXTS["line_full_person"].en.format(limit=CAP)
    await house.until(lambda: full in [one.text for one in house.emulator.said(flooder.chat)][CAP:])


async def _late(house: House, more_than_s: str) -> int:
    """How often the program's own loop was later than that, since its start."""
    async with ClientSession() as client, client.get(f"{house.program.url}/metrics") as response:
        text = await response.text()
    name = "visionbot_event_loop_lag_seconds_bucket"
    counts = dict(re.findall(rf'^{name}{{le="(\S+)"}} (\S+)$', text, re.MULTILINE))
    return int(float(counts["+Inf"]) - float(counts[more_than_s]))


@asynccontextmanager
async def health(house: House) -> AsyncIterator[list[float]]:
    """Asked all the time; how long each answer took."""
    took_s: list[float] = []

    async def ask() -> None:
        async with ClientSession() as client:
            while True:
                began = time.monotonic()
                async with client.get(f"{house.program.url}/health") as response:
                    await response.read()
                took_s.append(time.monotonic() - began)
                await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    try:
        yield took_s
    finally:
        asking.cancel()


@pytest.mark.e2e
@pytest.mark.row(7)
async def test_row_07_neither_27_mb_nor_millions_of_values_nor_40_megapixels_stop_the_others(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, API__MAX_BODY_MB=40) as house:
        await _all_at_once(house)


async def _all_at_once(house: House) -> None:
    """Any of the four, done wrongly, would stop the loop for a second at least, and millions of
    wrong parts for half a minute. A busy machine makes it late too, but not so much."""
    large = _forty_megapixels()
    asks = [_asking(what) for what in (_PROMPT_27_MB, _NUMBERS_10_MB, _PARTS_10_MB)]
    li = house.emulator.person("Li")
    late = await _late(house, "0.1")

    async with health(house) as took_s:
        li.sends_photo(large, "what is it?")
        statuses = [await _post(house, body) for body in [*asks, _seen(large)]]
        await house.until_answered(li)

    assert statuses == [400, 400, 400, 200]
    looks = len(took_s)
    assert await _late(house, "0.1") - late <= max(2, looks // 10)
    assert await _late(house, "1") == 0
    assert sum(one > HEALTH_S for one in took_s) <= max(2, looks // 10) < looks
    await check_invariants(house)


_PROMPT_27_MB = b'"' + b"what is it, then? " * (27 * 2**20 // 18) + b'"'
_NUMBERS_10_MB = b"[" + b"1," * (5 * 2**20) + b"1]"
_PARTS_10_MB = b"[" + b'{"type":"text","text":"a"},' * (10 * 2**20 // 27) + b"{}]"


def _asking(content: bytes) -> bytes:
    return b'{"messages":[{"role":"user","content":' + content + b"}]}"


def _seen(picture: bytes) -> bytes:
    address = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
    parts = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": address}},
    ]
    return json.dumps({"messages": [{"role": "user", "content": parts}]}).encode()


def _forty_megapixels() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((7700, 5190)).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


async def _post(house: House, body: bytes) -> int:
    head = {"Content-Type": "application/json"}
    url = f"{house.program.url}/v1/chat/completions"
    async with (
        ClientSession() as client,
        client.post(url, data=io.BytesIO(body), headers=head) as response,
    ):
        said = await response.json()
        assert response.status != 200 or answer_to("what is it?") in json.dumps(said)
        return response.status


async def _until(holds) -> None:
    async with asyncio.timeout(40):
        while not holds():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.05)
