"""Forty contracts on one template: each gets its own answer, though most of them look the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import combinations
from pathlib import Path

import pytest

from bot.storage.answers import EarlierAnswers
from bot.storage.db import Database
from inference.earlier.answers import SIMILAR_BITS, Answers, CacheSection
from inference.engine.base import EngineStats
from inference.images.alike import distance
from inference.images.likeness import likeness_of
from inference.request import ChatRequest, Delta, Picture, Turn, Usage
from inference.safety.incoming.known import LOOKS_SAME_BITS
from inference.service import Service
from tests.fakes import FakeDecoder
from tests.inference.contracts import COUNT, amount, contract, picture_of, scanned_again

QUESTION = "合同金额是多少？"


class Reader:
    """An engine that reads right: what stands in the picture it is shown."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}  # by the digest of the picture
        self.asked = 0

    async def start(self) -> None: ...

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.asked += 1
        yield Delta(self.texts[request.turns[-1].pictures[0].digest])
        yield Delta(finish="stop", usage=Usage(100, 10))

    async def measure(self, turn: Turn) -> int:
        return 1

    async def forget(self) -> None: ...

    def stats(self) -> EngineStats:
        return EngineStats("reader", 8192)

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
def pages() -> list[Picture]:
    return [picture_of(contract(number)) for number in range(COUNT)]


@pytest.fixture(scope="module")
def scans() -> list[Picture]:
    return [picture_of(scanned_again(contract(number))) for number in range(COUNT)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EarlierAnswers]:
    db = await Database.open(tmp_path)
    yield EarlierAnswers(db)
    await db.close()


def written(number: int, kind: str = "page") -> str:
    return f"{kind} {number}: {amount(number)}"


async def ask(service: Service, picture: Picture) -> Delta:
    turns = (Turn("system", "Look."), Turn("user", QUESTION, (picture,)))
    whole = Delta()
    async with aclosing(service.stream(ChatRequest(turns, owner="test:ann"))) as deltas:
        async for delta in deltas:
            whole += delta
    return whole


async def test_each_of_forty_contracts_gets_its_own_answer_and_a_new_scan_of_it_a_new_one(
    store: EarlierAnswers, pages: list[Picture], scans: list[Picture]
) -> None:
    reader = Reader()
    for number, (page, scan) in enumerate(zip(pages, scans, strict=True)):
        reader.texts |= {page.digest: written(number), scan.digest: written(number, "scan")}
    service = Service(reader, FakeDecoder(), answers=Answers(CacheSection(), store))
    first = [await ask(service, page) for page in pages]
    await store.write()

    scanned = [await ask(service, scan) for scan in scans]
    again = [await ask(service, page) for page in pages]

    assert [one.text for one in again] == [written(number) for number in range(COUNT)]
    assert [one.text for one in scanned] == [written(number, "scan") for number in range(COUNT)]
    assert {one.cached for one in again} == {True}
    assert {one.cached for one in first + scanned} == {False}
    assert reader.asked == 2 * COUNT


def test_by_their_looks_more_than_300_of_780_pairs_of_contracts_would_have_been_one(
    pages: list[Picture], scans: list[Picture]
) -> None:
    """Within the bound that it takes to know a new scan again."""
    looks = [likeness_of(page) for page in pages]
    apart = [distance(one, other) for one, other in combinations(looks, 2)]
    rescanned = [distance(likeness_of(scan), look) for scan, look in zip(scans, looks, strict=True)]

    assert len(apart) == 780
    assert SIMILAR_BITS < max(rescanned) <= LOOKS_SAME_BITS
    assert sum(bits <= max(rescanned) for bits in apart) > 300
    assert sum(bits <= 1 for bits in apart) > 0


def test_five_thousand_become_nine_thousand_looks_the_same(pages: list[Picture]) -> None:
    five, nine = pages[0], pages[1]

    assert (amount(0), amount(1)) == ("伍仟元整", "玖仟元整")
    assert five.digest != nine.digest
    assert distance(likeness_of(five), likeness_of(nine)) <= SIMILAR_BITS
