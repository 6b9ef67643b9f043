"""Rows 3, 13 and 34 to 40 of the fault matrix, as people see them: a real engine process with a
small model that fails where it is told to, between the program and Telegram.

No GPU was there: what a device would do, as to run out of memory, the model does itself. One
program serves all of these tests, so each also shows that those before it have left nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from bot.texts import TEXTS
from tests.emulators.telegram.people import Person
from tests.faults.faulty_engine import FAULTS
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants
from tests.inference.engine.faulty_child import GATE, MARK, left, provoke
from tests.inference.engine.small_model import NAME

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]

STEP_S = 6
MOST_TOKENS = 400
ALWAYS = 500  # times; more than any answer has steps
LONG = 3000  # characters, of which each is a token
CALM = "a calm question"
FAILED = TEXTS["engine_fault"].en
WITHIN_S = 60.0


@dataclass
class Place:
    house: House
    faults: Path

    def ask(self, text: str, *, fault: str = "", times: int = ALWAYS) -> Person:
        """By somebody new, who gets what the model says to these words alone."""
        person = self.house.emulator.person()
        if fault:
            self.provoke(fault, times=times)
        person.says(f"{MARK}{fault} {text}" if fault else text)
        return person

    def provoke(self, fault: str, *, times: int) -> None:
        for file in self.faults.glob(f"{fault}.*"):
            file.unlink(missing_ok=True)
        provoke(self.faults, fault, times=times)

    async def answer(self, person: Person) -> str:
        """What is left to read for good."""
        await self.house.until(lambda: self.is_done(person), within_s=WITHIN_S)
        (message,) = self.house.emulator.said(person.chat)
        return message.text

    def is_done(self, person: Person) -> bool:
        said = self.house.emulator.said(person.chat)
        if not said:
            return False
        names = [name for name, _ in said[0].buttons]
        return "again" in names or said[0].text == FAILED

    async def health(self) -> dict[str, Any]:
        async with ClientSession() as client, client.get(self.url("/health")) as response:
            return await response.json()

    async def engine(self) -> dict[str, Any]:
        return (await self.health())["engine"]

    async def answers_nobody(self) -> bool:
        return (await self.health())["answering"] == 0

    async def counted(self, series: str) -> float:
        async with ClientSession() as client, client.get(self.url("/metrics")) as response:
            text = await response.text()
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        assert found, series
        return float(found[1])

    def url(self, path: str) -> str:
        return f"{self.house.program.url}{path}"

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not await holds():  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.02)

    async def are_in_engine(self, number: int, *, within_s: float) -> bool:
        """Whether so many questions come to be there."""

        async def are_there() -> bool:
            now = await self.engine()
            return now["running"] + now["waiting"] == number

        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.until(are_there)
                return True
        return False

    async def until_taken(self, fault: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            while left(self.faults, fault):  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.02)

    async def until_idle(self) -> dict[str, Any]:
        async def is_idle() -> bool:
            now = await self.engine()
            return (now["running"], now["waiting"], now["pages_used"]) == (0, 0, 0)

        await self.until(is_idle)
        return await self.engine()

    async def open_gate(self) -> None:
        """For who stands before it, or comes to it now."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                with suppress(OSError):  # nobody has come yet
                    os.close(os.open(self.faults / GATE, os.O_WRONLY | os.O_NONBLOCK))
                    return
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def held(self, *, number: int) -> AsyncIterator[None]:
        """So many questions of this block come to the engine in one moment, while it writes."""
        keeper = self.ask("go on", fault=GATE, times=1)
        await self.until_taken(GATE)
        yield

        async def all_are_there() -> bool:
            return (await self.health())["answering"] == number + 1

        await self.until(all_are_there)
        await self.open_gate()
        await self.answer(keeper)

    def engine_pid(self) -> int:
        (pid,) = self.house.program.engines()
        return pid


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / FAULTS).mkdir()
    os.mkfifo(folder / FAULTS / GATE)
    settings = {
        "ENGINE__KIND": "local",
        "ENGINE__BASE_URL": "",
        "ENGINE__MODEL": NAME,
        "ENGINE__STEP_TIMEOUT_S": STEP_S,
        "ENGINE__STEP_TOKENS": 64,
        "ANSWERS__MAX_TOKENS": MOST_TOKENS,
        "CACHE__ANSWERS": "false",
        "PHOTOS__TOGETHER_S": 0,
    }
    async with housed(folder, **settings) as house:
        house.program.module = "tests.faults.faulty_engine"
        await house.program.start()
        await house.until_ready()
        yield Place(house, folder / FAULTS)
        await check_invariants(house, expected="the device can no longer be used")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(place: Place) -> str:
    """What the model answers when all is well."""
    return await place.answer(place.ask(CALM))


async def fails_alone(place: Place, calm: str, fault: str) -> None:
    """The question is told that it failed; who was in the same step is answered as if alone, and
    so is the next one; the process is the same, and holds nothing more than before."""
    before = await place.until_idle()
    dead = 'visionbot_questions_total{door="telegram",outcome="dead"}'
    failures = await place.counted(dead)
    memory = _memory(place.engine_pid())

    async with place.held(number=2):
        poor = place.ask("please", fault=fault)
        mate = place.ask(CALM)
    ends = [await place.answer(poor), await place.answer(mate)]
    after = await place.until_idle()

    assert ends == [FAILED, calm]
    assert await place.answer(place.ask(CALM)) == calm
    assert after["restarts"] == before["restarts"]
    assert await place.counted(dead) == failures + 1
    assert _memory(place.engine_pid()) - memory < 16 << 20


@pytest.mark.row(3)
async def test_row_03_a_short_question_has_its_answer_begun_before_a_long_prompt_is_read(
    place: Place, calm: str
) -> None:
    await place.until_idle()
    before = len(place.house.program.output())
    long = place.ask("x" * LONG, fault=GATE)  # which is held at each part of its prompt
    await place.until(lambda: _is(left(place.faults, GATE) < ALWAYS))
    short = place.ask(CALM)

    while not await place.are_in_engine(2, within_s=0.5):  # it is measured between two parts
        await place.open_gate()
    place.provoke(GATE, times=0)
    await place.open_gate()
    answers = [await place.answer(short), await place.answer(long)]

    log = place.house.program.output()[before:]
    assert answers[0] == calm
    assert _began(log, tokens=len(CALM)) < _began(log, tokens=LONG + len(f"{MARK}{GATE} "))


def _began(log: str, *, tokens: int) -> int:
    """Where its first token stands in the log."""
    (number,) = re.findall(rf"request (\d+): {tokens} tokens of prompt", log)
    return log.index(f"request {number}: first token")


@pytest.mark.row(34)
async def test_row_34_memory_runs_out_over_one_question_and_the_others_are_answered(
    place: Place, calm: str
) -> None:
    await fails_alone(place, calm, "memory")


@pytest.mark.row(34)
async def test_row_34_a_prompt_that_memory_ran_out_over_is_computed_smaller_and_answered(
    place: Place,
) -> None:
    before = await place.until_idle()

    first = await place.answer(place.ask("please", fault="moment", times=1))
    taken = left(place.faults, "moment") == 0
    second = await place.answer(place.ask("please", fault="moment", times=0))

    assert taken
    assert first == second
    assert (await place.until_idle())["restarts"] == before["restarts"]


@pytest.mark.row(35)
async def test_row_35_an_exception_over_one_question_ends_that_one_alone(
    place: Place, calm: str
) -> None:
    await fails_alone(place, calm, "other")


@pytest.mark.row(36)
@pytest.mark.parametrize("fault", ["numbers", "endless_number"])
async def test_row_36_an_answer_of_what_is_no_number_fails_and_shows_no_letter_of_it(
    place: Place, calm: str, fault: str
) -> None:
    await fails_alone(place, calm, fault)


@pytest.mark.row(37)
async def test_row_37_a_step_that_never_returns_is_ended_with_its_stacks_and_all_are_answered(
    place: Place, calm: str
) -> None:
    before = await place.until_idle()

    async with place.held(number=2):
        slow = place.ask("please", fault="hang", times=1)
        mate = place.ask(CALM)
    answer = await place.answer(slow)

    assert await place.answer(mate) == calm
    assert answer == await place.answer(place.ask("please", fault="hang", times=0))
    assert (await place.until_idle())["restarts"] == before["restarts"] + 1
    assert f"Timeout (0:00:0{STEP_S})!" in place.house.program.output()
    assert "in hang" in place.house.program.output()


@pytest.mark.row(37)
async def test_row_37_an_engine_that_stands_still_as_a_whole_is_replaced(
    place: Place, calm: str
) -> None:
    before = await place.until_idle()
    os.kill(place.engine_pid(), signal.SIGSTOP)

    person = place.ask(CALM)

    assert await place.answer(person) == calm
    assert (await place.until_idle())["restarts"] == before["restarts"] + 1


@pytest.mark.row(38)
async def test_row_38_a_device_that_is_lost_ends_the_process_and_the_next_one_answers(
    place: Place, calm: str
) -> None:
    before = await place.until_idle()

    unlucky = await place.answer(place.ask("please", fault="device", times=1))

    assert unlucky == await place.answer(place.ask("please", fault="device", times=0))
    assert await place.answer(place.ask(CALM)) == calm
    assert (await place.until_idle())["restarts"] == before["restarts"] + 1
    assert place.house.program.output().count("ended with code 70") == 1


@pytest.mark.row(13, 38)
async def test_row_13_a_question_that_kills_the_engine_is_told_after_three_deaths(
    place: Place, calm: str
) -> None:
    before = await place.until_idle()

    poison = place.ask("please", fault="abort")
    mates = [place.ask(CALM) for _ in range(3)]
    ends = [await place.answer(one) for one in (poison, *mates)]

    assert ends == [FAILED, calm, calm, calm]
    assert ALWAYS - left(place.faults, "abort") == 3
    assert (await place.until_idle())["restarts"] == before["restarts"] + 3
    assert await place.answer(place.ask(CALM)) == calm


@pytest.mark.row(39)
async def test_row_39_an_answer_that_goes_round_in_circles_ends_and_says_so(place: Place) -> None:
    text = await place.answer(place.ask("please", fault="circle"))

    said, _, mark = text.partition("\n\n")
    assert mark == TEXTS["repetition_mark"].en
    assert set(said) == {"a"}
    assert len(said) < MOST_TOKENS


@pytest.mark.row(39)
async def test_row_39_an_answer_without_end_is_cut_at_its_most_tokens(place: Place) -> None:
    text = await place.answer(place.ask("tell me all"))

    said, _, mark = text.partition("\n\n")
    assert mark == TEXTS["length_mark"].en
    assert len(said) == MOST_TOKENS


async def held_in_a_step(place: Place) -> int:
    """Steps made so far; an answer has begun, and the next step is under way."""
    await place.until(lambda: _is(left(place.faults, GATE) == 1))
    await place.open_gate()
    await place.until_taken(GATE)
    return (await place.engine())["steps"]


@pytest.mark.row(40)
@pytest.mark.parametrize("how", ["the command", "the button"])
async def test_row_40_a_stopped_answer_costs_no_more_steps_and_its_part_is_marked(
    place: Place, how: str
) -> None:
    await place.until_idle()
    person = place.ask("please", fault=GATE, times=2)
    steps = await held_in_a_step(place)
    (message,) = place.house.emulator.said(person.chat)

    if how == "the command":
        person.says("/stop")
    else:
        person.presses(message, "stop")
    stopped = TEXTS["stopped_mark"].en
    await place.house.until(lambda: stopped in place.house.emulator.said(person.chat)[0].text)
    await place.open_gate()

    after = await place.until_idle()
    assert after["steps"] - steps < 20  # and not as many as an answer has


@pytest.mark.row(40)
async def test_row_40_a_program_that_hangs_up_has_its_answer_ended_and_its_pages_freed(
    place: Place,
) -> None:
    before = await place.until_idle()
    body = {"messages": [{"role": "user", "content": f"{MARK}{GATE} please"}], "stream": True}
    place.provoke(GATE, times=2)
    async with ClientSession() as client:
        asking = asyncio.create_task(client.post(place.url("/v1/chat/completions"), json=body))
        steps = await held_in_a_step(place)
        (await asking).close()

    await place.until(place.answers_nobody)
    await place.open_gate()

    after = await place.until_idle()
    assert after["steps"] - steps < 20
    assert after["restarts"] == before["restarts"]


async def _is(it: bool) -> bool:
    return it


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) << 10
