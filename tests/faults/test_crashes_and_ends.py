"""Rows 13 to 16 and 50: what kills the program each time, what ends it in order, a start with much
to do, a part that fails, and two programs on the same data."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

from bot.texts import say
from tests.e2e.drawing import photo
from tests.emulators.telegram.people import Person
from tests.faults.crashing import POISON, WHERE_TOLD
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants, unanswered
from tests.faults.model import SLOWLY, answer_to

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

GIVEN_UP, EXPIRED = say("given_up", "en"), say("expired", "en")
PENDING, IN_TIME, EACH = 500, 60, 5
AN_HOUR_S = 3600
LET_GO_S = 30.0
INTERRUPTED = 130


def texts(house: House, person: Person) -> list[str]:
    return [one.text for one in house.emulator.said(person.chat)]


@asynccontextmanager
async def supervised(house: House) -> AsyncIterator[list[int]]:
    """Started again whenever it dies, as systemd does; how it died each time."""
    deaths: list[int] = []

    async def supervise() -> None:
        while True:
            await house.program.start(crash_at="poison")
            deaths.append(await house.program.ended(within_s=LET_GO_S * 4))

    task = asyncio.ensure_future(supervise())
    try:
        yield deaths
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.row(13)
async def test_row_13_a_message_that_kills_the_program_is_given_up_and_the_others_are_answered(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path, pause_s=0.15) as house:
        eve, *others = (house.emulator.person(name) for name in ("Eve", "Ann", "Bob"))
        others[0].says("Where is it?")  # it is being answered whenever the program dies
        eve.sends_photo(photo("circle", "red"), POISON)
        others[1].says("And where is this?")

        async with supervised(house) as deaths:
            await house.until(lambda: GIVEN_UP in texts(house, eve), within_s=90)
            await house.until_answered(*others, within_s=90)
            eve.says("What else?")
            await house.until_answered(eve)

            assert deaths == [-9, -9, -9]
            assert house.program.is_running()
            await check_invariants(house, stops=False)


async def half_answered(house: House, person: Person) -> None:
    """The answer grows, and its last word is kept back."""
    house.model.gate.clear()
    person.sends_photo(photo("circle", "red"), "What is it?")
    half = answer_to("What is it?").rpartition(" ")[0]
    await house.until(lambda: half in texts(house, person))


async def readiness(house: House) -> list[int]:
    """What /readyz says until nobody is there any more."""
    told = []
    async with ClientSession(timeout=ClientTimeout(5.0)) as client:
        while house.program.is_running():
            try:
                async with client.get(f"{house.program.url}/readyz") as response:
                    told.append(response.status)
            except ClientConnectionError:
                break
            await asyncio.sleep(0.02)
    return told


@pytest.mark.row(14)
async def test_row_14_told_to_end_it_is_not_ready_lets_go_of_the_answer_and_goes_on_with_it_later(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path) as house, ClientSession() as client:
        await house.program.start()
        ann = house.emulator.person("Ann")
        await half_answered(house, ann)
        body = {"model": "echo", "messages": [{"role": "user", "content": "And?"}], "stream": True}
        stream = await client.post(f"{house.program.url}/v1/chat/completions", json=body)

        os.kill(house.program.pid, signal.SIGTERM)  # while somebody reads, it has to wait a moment
        told = await readiness(house)
        assert await house.program.ended(within_s=LET_GO_S) == 0
        stream.close()
        house.model.gate.set()
        await house.restart()

        await house.until_answered(ann)
        assert 503 in told
        assert 200 not in told[told.index(503) :]
        assert len(texts(house, ann)) == 1
        await check_invariants(house)


@pytest.mark.row(14)
async def test_row_14_told_twice_it_ends_at_once_and_loses_nothing(tmp_path: Path) -> None:
    async with housed(tmp_path) as house, ClientSession() as client:
        await house.program.start()
        ann = house.emulator.person("Ann")
        await half_answered(house, ann)
        body = {"model": "echo", "messages": [{"role": "user", "content": "And?"}], "stream": True}
        stream = await client.post(f"{house.program.url}/v1/chat/completions", json=body)

        os.kill(house.program.pid, signal.SIGTERM)
        async with client.get(f"{house.program.url}/readyz") as response:
            assert response.status == 503  # the first one was heard
        os.kill(house.program.pid, signal.SIGTERM)
        assert await house.program.ended(within_s=1.9) == INTERRUPTED
        stream.close()
        house.model.gate.set()
        await house.restart()

        await house.until_answered(ann)
        assert len(texts(house, ann)) == 1
        await check_invariants(house)


@pytest.mark.row(15)
async def test_row_15_with_500_to_answer_it_keeps_order_and_pace_and_tells_who_waited_too_long(
    tmp_path: Path,
) -> None:
    more = {"LINE__MAX_WAITING": PENDING, "LINE__MAX_PER_PERSON": EACH}
    async with housed(tmp_path, **more) as house:
        late = [house.emulator.person(f"Late {number}") for number in range(PENDING - IN_TIME)]
        for person in late:
            person.says("Is anybody there?")
        for update in house.emulator.updates.waiting():
            update["message"]["date"] -= AN_HOUR_S
        people = [house.emulator.person(f"Person {n}") for n in range(IN_TIME // EACH)]
        for number in range(EACH):
            for person in people:
                person.says(f"Question {number}?")
        await house.program.start()
        await house.until(lambda: EXPIRED in texts(house, late[50]))
        await house.restart()

        await house.until_answered(*people, within_s=120)
        await house.until(lambda: all(EXPIRED in texts(house, one) for one in late), within_s=120)
        expected = [answer_to(f"Question {number}?") for number in range(EACH)]
        for person in people:
            assert [one for one in texts(house, person) if one in expected] == expected
        assert all(set(texts(house, one)) == {EXPIRED} for one in late)
        assert [call for call in house.emulator.calls if call.status == 429] == []
        await check_invariants(house)


@pytest.mark.row(16)
@pytest.mark.parametrize("part", ["dispatcher", "postman"])
async def test_row_16_a_part_that_fails_ends_the_program_and_the_next_start_goes_on(
    tmp_path: Path, part: str
) -> None:
    async with housed(tmp_path) as house:
        await house.program.start(crash_at=WHERE_TOLD)
        await house.until_ready()

        house.program.crash_at(f"raise {part}")
        ann = house.emulator.person("Ann")
        ann.says("What is it?")
        assert await house.program.ended() == 1
        with pytest.raises(ClientConnectionError):
            async with ClientSession() as client, client.get(f"{house.program.url}/health"):
                pass
        await house.restart()

        await house.until_answered(ann)
        await check_invariants(house, expected="the program ends with an error")


@pytest.mark.row(50)
async def test_row_50_a_second_program_refuses_until_the_first_is_dead_and_nothing_comes_twice(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path / "first") as house:
        first = house.program
        await first.start()
        await house.until_ready()
        people = [house.emulator.person(f"Person {number}") for number in range(6)]
        second = house.beside(tmp_path / "second")
        try:
            for person in people[:3]:
                person.sends_photo(photo("circle", "red"), f"What is it? Say it {SLOWLY}.")
            await second.start()
            assert await second.ended() == 1
            assert str(first.pid) in second.output()  # who holds it, in one line
            assert "Traceback" not in second.output()
            await first.kill()
            for person in people[3:]:
                person.says("And this?")
            await second.start()

            await house.until_answered(*people)
            house.program = second
            assert unanswered(house) == []
            await check_invariants(house)
        finally:
            await second.clean_up()
