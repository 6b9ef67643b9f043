"""Rows 21 and 22: the network between the program and Telegram refuses, resets, cuts and says
nothing; and Telegram is out of reach for longer than an answer takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.e2e.drawing import photo
from tests.emulators.telegram.server import Emulator
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants
from tests.faults.tcp_proxy import Mishap, TcpProxy
from tests.faults.waits import until_logged, until_reads

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]


@dataclass
class Line:
    house: House
    proxy: TcpProxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Line]:
    folder = tmp_path_factory.mktemp("network")
    telegram = Emulator()
    await telegram.start()
    await telegram.stop()  # now it has its port
    async with (
        TcpProxy(telegram.port) as proxy,
        housed(folder, emulator=telegram, pause_s=0.02, TELEGRAM__BASE_URL=proxy.url) as house,
    ):
        house.program.module = "tests.faults.impatient"
        await house.program.start()
        await house.until_ready()
        yield Line(house, proxy)
        await check_invariants(house)


@pytest.mark.row(21)
async def test_row_21_what_was_not_sent_is_sent_when_there_is_a_connection_again(
    line: Line,
) -> None:
    """Telegram is out of reach in the middle of an answer and when a photo is to be fetched. What
    is said meanwhile is heard then, and nothing comes twice."""
    house, proxy = line.house, line.proxy
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    house.model.gate.clear()
    ann.says("are you there?")
    await until_reads(house, ann.chat, "there")

    await proxy.close()
    house.model.gate.set()
    bob.sends_photo(photo("square", "blue"), "and for me?")
    await until_logged(house, "telegram: the poll failed")
    await until_logged(house, f"chat {ann.id}: httpx.ConnectError")
    await proxy.open()

    await house.until_answered(ann, bob)
    assert [len(house.emulator.said(one.chat)) for one in (ann, bob)] == [1, 1]


@pytest.mark.row(22)
@pytest.mark.parametrize("kind", ["reset", "cut", "half_close", "refused"])
async def test_row_22_a_reply_that_breaks_off_leaves_one_answer(line: Line, kind: str) -> None:
    """At first sight of the question, at an edit, and at the poll that brings it."""
    house, proxy = line.house, line.proxy
    ann = house.emulator.person("Ann")
    proxy.arm(
        Mishap(kind, sign=b"/getUpdates", after=40),
        Mishap(kind, sign=b"/sendMessage", after=40),
        Mishap(kind, sign=b"/editMessageText", after=40),
    )
    before, question = len(proxy.happened), f"once, after a {kind}?"

    ann.says(question)

    await house.until_answered(ann)
    await house.until(lambda: len(proxy.happened) == before + 3)
    assert house.answers(ann) == 1
    assert house.model.asked[question] == 1


@pytest.mark.row(22)
@pytest.mark.parametrize("kind", ["reset", "cut", "silence"])
async def test_row_22_half_a_photo_is_no_photo(line: Line, kind: str) -> None:
    house, proxy = line.house, line.proxy
    ann = house.emulator.person("Ann")
    question = f"what is it, after a {kind}?"
    proxy.arm(Mishap(kind, sign=b"GET /file/", after=2000), Mishap(kind, sign=b"GET /file/"))
    before = len(proxy.happened)

    ann.sends_photo(photo("triangle", "green"), question)

    await house.until_answered(ann)
    assert len(proxy.happened) == before + 2
    assert house.model.photos[question] == 1
