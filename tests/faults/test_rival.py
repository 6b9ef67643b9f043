"""The harness is red on a bot as people usually write one: what it cannot find there, it would not
find in ours. Each fault is survived by ours in the rows that the docstrings name."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.drawing import photo
from tests.e2e.program import Program
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.server import Emulator
from tests.faults.house import House
from tests.faults.invariants import unanswered
from tests.faults.model import SLOWLY, EchoModel

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]


class Rival(Program):
    """The other bot as a process that can be killed."""

    def command(self, crash_at: str) -> list[str]:
        return [sys.executable, "-m", "tests.faults.echo_bot"]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    model = EchoModel()
    await model.start()
    async with Emulator() as emulator:
        monkeypatch.setenv("TELEGRAM_URL", emulator.url)
        monkeypatch.setenv("TELEGRAM_TOKEN", emulator.token)
        monkeypatch.setenv("MODEL_URL", f"http://127.0.0.1:{model.port}/v1/chat/completions")
        rival = Rival(tmp_path)
        house = House(emulator, model, rival, emulator.person("Boss"))
        try:
            await rival.start()
            yield house
        finally:
            await rival.clean_up()
            await model.stop()


async def test_without_a_fault_the_other_bot_answers_everybody_once(house: House) -> None:
    people = [house.emulator.person(f"Person {number}") for number in range(3)]
    for number, person in enumerate(people):
        person.sends_photo(photo("circle", "red"), f"What is {number}?")

    await house.until_answered(*people)

    assert unanswered(house) == []


async def test_the_harness_sees_the_other_bot_lose_a_question_when_it_is_killed_in_mid_answer(
    house: House,
) -> None:
    """Row 10."""
    ann = house.emulator.person("Ann")
    ann.says(f"What is it? Say it {SLOWLY}.")
    await house.until(lambda: any(one.is_edited for one in house.emulator.said(ann.chat)))

    await house.restart()
    bob = house.emulator.person("Bob")
    bob.says("Are you back?")
    await house.until_answered(bob)

    assert unanswered(house) == [f"lost: Ann, 'What is it? Say it {SLOWLY}.'"]


async def test_the_harness_sees_the_other_bot_lose_a_question_with_a_lost_reply(
    house: House,
) -> None:
    """Row 20."""
    house.emulator.faults.plan("sendMessage", Fault("lost"))
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    ann.says("What is it?")
    await house.until(lambda: house.emulator.said(ann.chat))
    bob.says("And this?")
    await house.until_answered(bob)

    assert unanswered(house) == ["lost: Ann, 'What is it?'"]


async def test_the_harness_sees_the_other_bot_lose_the_end_of_an_answer_to_a_flood_error(
    house: House,
) -> None:
    """Row 17."""
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    ann.says(f"What is it? Say it {SLOWLY}.")
    await house.until(lambda: any(one.is_edited for one in house.emulator.said(ann.chat)))
    house.emulator.flood.ban(ann.chat.id, 35)
    bob.says(f"And this? Say it {SLOWLY}.")
    await house.until_answered(bob)

    assert unanswered(house) == [f"lost: Ann, 'What is it? Say it {SLOWLY}.'"]
