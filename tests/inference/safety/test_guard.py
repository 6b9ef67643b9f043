"""A guard's limits and rules: thresholds, actions, time-outs, open or closed, long texts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from inference.errors import ModelUnusable
from inference.request import Picture
from inference.safety.guards.guard import Failure, Finding, Guard, GuardFailed, Guards, Rule
from inference.safety.section import SafetySection
from inference.safety.verdict import Context
from tests.fakes import settle

ASKED, ANSWERED, SHOWN = Context("question"), Context("answer"), Context("picture")
PICTURE = Picture(1, 1, bytes(3))
OPEN, CLOSED = "open", "closed"


class FakeAdapter:
    """Finds `found` in what holds `needle`; `fault` is raised instead, `gate` waited for."""

    version = "7"

    def __init__(self, *found: Finding, needle: str = "", fault: Exception | None = None) -> None:
        self.found: Sequence[Finding] = found
        self.needle, self.fault = needle, fault
        self.gate: asyncio.Event | None = None
        self.looks: list[str | Picture] = []
        self.cancelled = 0
        self.closed = 0

    async def start(self) -> None:
        if isinstance(self.fault, ModelUnusable):
            raise self.fault

    async def look(self, what: str | Picture, context: Context) -> Sequence[Finding]:
        self.looks.append(what)
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if self.fault is not None:
            raise self.fault
        return self.found if not isinstance(what, str) or self.needle in what else []

    async def close(self) -> None:
        self.closed += 1


def a_guard(adapter: FakeAdapter, *looks_at: str, looked=None, **changed) -> Guard:
    settings = {
        "name": "g",
        "looks_at": frozenset(looks_at or ("question", "answer", "picture")),
        "timeout_s": 5.0,
        "fails": OPEN,
        "action_of": SafetySection(actions={"sexual": "block", "rude": "mask"}).action_of,
    }
    return Guard(Rule(**settings | changed), adapter, looked)


async def seen(adapter: FakeAdapter, **changed) -> list[tuple[str, str]]:
    verdicts = await a_guard(adapter, **changed).check("words", ASKED)
    return [(verdict.action, verdict.category) for verdict in verdicts]


async def test_the_action_of_a_finding_is_that_of_its_category() -> None:
    (verdict,) = await a_guard(FakeAdapter(Finding("sexual", 0.9))).check(PICTURE, SHOWN)

    assert (verdict.action, verdict.category, verdict.score) == ("block", "sexual", 0.9)
    assert (verdict.detector, verdict.version) == ("g", "7")


async def test_a_category_that_is_to_be_masked_goes_to_review_as_no_place_is_known() -> None:
    assert await seen(FakeAdapter(Finding("rude"))) == [("review", "rude")]


async def test_a_finding_may_weigh_less_than_its_category() -> None:
    found = [Finding("sexual", at_most="review"), Finding("fraud", at_most="pass")]

    assert await seen(FakeAdapter(*found)) == [("review", "sexual")]


@pytest.mark.parametrize(
    ("score", "expected"), [(0.79, []), (0.8, [("block", "sexual")])], ids=["below", "at"]
)
async def test_a_score_counts_from_the_threshold_of_its_category_on(
    score: float, expected: list[tuple[str, str]]
) -> None:
    adapter = FakeAdapter(Finding("sexual", score), Finding("fraud", 0.49))

    assert await seen(adapter, thresholds={"sexual": 0.8}) == expected


async def test_it_looks_at_nothing_that_it_is_not_set_for() -> None:
    adapter = FakeAdapter(Finding("sexual"))
    guard = a_guard(adapter, "question")

    assert await guard.check("words", ANSWERED) == []
    assert await guard.check(PICTURE, SHOWN) == []
    assert adapter.looks == []


FAULTS: dict[str, Exception] = {
    "its own": GuardFailed("refused"),
    "of others": RuntimeError("no such thing"),
    "a time-out of theirs": TimeoutError(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_fails_blocks_when_closed_and_passes_when_open(fault: Exception) -> None:
    adapter = FakeAdapter(fault=fault)

    assert await seen(adapter, fails=OPEN) == []
    assert await seen(adapter, fails=CLOSED) == [("block", "unchecked")]


async def test_what_does_not_answer_in_time_is_cancelled_and_counts_as_failed() -> None:
    adapter = FakeAdapter(Finding("sexual"))
    adapter.gate = asyncio.Event()

    assert await seen(adapter, fails=CLOSED, timeout_s=0.01) == [("block", "unchecked")]
    assert adapter.cancelled == 1


async def test_who_goes_away_cancels_the_look_and_is_no_failure() -> None:
    looks: list[tuple[str, float, Failure | None]] = []
    adapter = FakeAdapter()
    adapter.gate = asyncio.Event()
    guard = a_guard(adapter, looked=lambda *look: looks.append(look))
    check = asyncio.create_task(guard.check("words", ASKED))
    await settle()

    check.cancel()

    with pytest.raises(asyncio.CancelledError):
        await check
    assert (adapter.cancelled, [failure for _, _, failure in looks]) == (1, [None])


async def test_each_look_is_told_with_its_failure() -> None:
    looks: list[tuple[str, Failure | None]] = []
    adapter = FakeAdapter()
    guard = a_guard(adapter, looked=lambda name, took_s, how: looks.append((name, how)))

    await guard.check("words", ASKED)
    adapter.fault = GuardFailed("unreachable")
    await guard.check("words", ASKED)

    assert looks == [("g", None), ("g", "unreachable")]


async def test_a_long_outage_is_one_line_in_the_log_and_its_end_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adapter = FakeAdapter(fault=GuardFailed("unreachable"))
    guard = a_guard(adapter, fails=CLOSED)

    for _ in range(3):
        await guard.check("what nobody shall read", ASKED)
    adapter.fault = None
    await guard.check("words", ASKED)

    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["unreachable" in line.getMessage() for line in lines] == [True, False]
    assert "nobody shall read" not in caplog.text


@pytest.mark.parametrize("at", [0, 3990, 3795, 20_000, 40_000 - 6])
async def test_a_phrase_is_found_anywhere_in_a_long_text(at: int) -> None:
    text = "x" * at + "needle" + "x" * (40_000 - 6 - at)
    adapter = FakeAdapter(Finding("sexual"), needle="needle")

    (verdict,) = await a_guard(adapter).check(text, ASKED)

    assert verdict.category == "sexual"
    assert max(len(look) for look in adapter.looks) == 4000


async def test_a_text_that_is_too_long_to_look_at_counts_as_failed() -> None:
    adapter = FakeAdapter()

    (verdict,) = await a_guard(adapter, fails=CLOSED).check("x" * 61_001, ASKED)

    assert (verdict.category, adapter.looks) == ("unchecked", [])


async def test_one_verdict_for_each_category_the_heaviest() -> None:
    found = [Finding("sexual", 0.6), Finding("sexual", 0.9), Finding("sexual", 1.0, "review")]

    (verdict,) = await a_guard(FakeAdapter(*found)).check("words", ASKED)

    assert (verdict.action, verdict.score) == ("block", 0.9)


async def test_a_picture_shown_again_is_not_looked_at_again_until_that_is_forgotten() -> None:
    adapter = FakeAdapter(Finding("sexual"))
    guard = a_guard(adapter, keeps=True)
    same, another = Context("picture", subject="digest"), Context("picture", subject="other")

    verdicts = [await guard.check(PICTURE, context) for context in (same, same, another)]
    looks = [len(adapter.looks)]
    Guards((guard,)).forget()
    await guard.check(PICTURE, same)
    looks.append(len(adapter.looks))

    assert [len(found) for found in verdicts] == [1, 1, 1]
    assert looks == [2, 3]


async def test_a_look_that_failed_is_not_kept() -> None:
    adapter = FakeAdapter(Finding("sexual"), fault=GuardFailed("timeout"))
    guard = a_guard(adapter, keeps=True)
    shown = Context("picture", subject="digest")
    await guard.check(PICTURE, shown)

    adapter.fault = None

    assert len(await guard.check(PICTURE, shown)) == 1


async def test_words_are_looked_at_each_time() -> None:
    adapter = FakeAdapter()
    guard = a_guard(adapter, keeps=True)

    for _ in range(2):
        await guard.check("words", Context("question", subject="digest"))

    assert len(adapter.looks) == 2


async def test_a_guard_that_cannot_start_is_named() -> None:
    well = a_guard(FakeAdapter())
    broken = a_guard(FakeAdapter(fault=ModelUnusable("there is no folder x")), name="pictures")

    with pytest.raises(ModelUnusable) as caught:
        await Guards((well, broken)).start()

    assert str(caught.value) == '[guards] "pictures": there is no folder x'


async def test_all_of_them_are_closed_and_each_stands_where_it_looks() -> None:
    adapters = [FakeAdapter(), FakeAdapter()]
    words, pictures = a_guard(adapters[0], "answer"), a_guard(adapters[1], "picture")
    guards = Guards((words, pictures))

    await guards.close()

    assert (guards.texts, guards.pictures) == ([words], [pictures])
    assert [adapter.closed for adapter in adapters] == [1, 1]
