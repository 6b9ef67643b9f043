"""Rows 17, 18 and 33: Telegram makes us wait for seconds and for hours, and a day has passed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.texts import say
from tests.e2e.drawing import photo
from tests.faults.house import housed
from tests.faults.impatient import A_DAY_S, LATER
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to
from tests.faults.waits import calls_to, until_ended, until_logged, until_reads

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.row(17)
async def test_row_17_a_chat_that_must_wait_hears_nothing_before_and_then_all(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path, pause_s=0.02) as house:
        await house.program.start()
        ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
        house.model.gate.clear()
        ann.says("is **this** bold?")
        await until_reads(house, ann.chat, "this")

        house.emulator.flood.ban(ann.id, 8)
        house.model.gate.set()
        bob.says("and me?")
        await house.until_answered(bob)

        answer = answer_to("is this bold?")
        assert [one.text for one in house.emulator.said(ann.chat)] != [answer]
        (message,) = await house.until(
            lambda: [one for one in house.emulator.said(ann.chat) if one.text == answer]
        )
        assert message.entities == (("bold", "this"),)
        assert house.emulator.flood.early == [ann.id]  # the one that was told to wait
        await check_invariants(house)


@pytest.mark.row(18)
async def test_row_18_a_wait_of_hours_parks_the_answer_and_the_owners_are_told_once(
    tmp_path: Path,
) -> None:
    """Also over restarts, of which an orderly one counts as no try."""
    async with housed(tmp_path, pause_s=0.02) as house:
        await house.program.start()
        ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
        house.boss.says("hello?")
        await house.until_answered(house.boss)
        house.model.gate.clear()
        ann.says("when will it come?")
        await until_reads(house, ann.chat, "when")
        house.emulator.flood.ban(ann.id, 13_938)
        house.model.gate.set()

        await until_reads(house, house.boss.chat, "makes me wait 3 h 52 min")
        early = len(house.emulator.flood.early)
        bob.says("and me?")
        await house.until_answered(bob)
        assert len(house.emulator.flood.early) == early == 1
        calls = calls_to(house, ann.chat)
        for _ in range(3):  # as many as there are tries
            written = house.program.output().count(" tokens in ")
            await house.program.stop()
            await house.program.start()
            await until_logged(house, " tokens in ", times=written + 1)
            await house.until_ready("/readyz")
        bob.says("still there?")
        await house.until_answered(bob)
        assert calls_to(house, ann.chat) <= calls + 3  # each start asks once

        house.emulator.flood.ban(ann.id, 0)
        await house.restart()
        await house.until_answered(ann)
        told = [one.text for one in house.emulator.said(house.boss.chat) if "wait" in one.text]
        assert len(told) == 1
        await check_invariants(house)


@pytest.mark.row(33)
async def test_row_33_after_a_day_nobody_gets_an_answer_but_everybody_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was being answered when it ended, and who asked while it was away. Who asks now is
    answered as ever."""
    async with housed(tmp_path) as house:
        house.program.module = "tests.faults.impatient"
        await house.program.start()
        ann, bob, cara = (house.emulator.person(name) for name in ("Ann", "Bob", "Cara"))
        house.model.gate.clear()
        ann.says("in the middle?")
        await until_reads(house, ann.chat, "middle")
        await house.program.kill()
        bob.sends_photo(photo("circle", "red"), "while away?")

        (tmp_path / LATER).touch()
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + A_DAY_S)  # of the emulator
        house.model.gate.set()
        await house.program.start()

        late = say("expired", "en")
        for person in (ann, bob):
            await until_reads(house, person.chat, late)
            await until_ended(house, person, "expired")
            assert [one.text for one in house.emulator.said(person.chat)] == [late]
        cara.says("and now?")
        await house.until_answered(cara)
        await check_invariants(house, photos=False)
