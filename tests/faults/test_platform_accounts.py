"""Rows 26 and 27: Telegram does not accept our token any more, or somebody else uses it too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.e2e.program import Program
from tests.e2e.stage import matrix_stage, reads
from tests.emulators.matrix.server import Synapse
from tests.faults.house import housed
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to
from tests.faults.waits import until_logged, until_reads

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

NEW_TOKEN = "424242:BBH-this_is_another_token_of_the_emulator"


async def asked_by_http(url: str, question: str) -> str:
    body = {"model": "echo", "messages": [{"role": "user", "content": question}]}
    async with ClientSession() as client, client.post(f"{url}/v1/chat/completions", json=body) as r:
        answer = await r.json()
    return str(answer["choices"][0]["message"]["content"])


async def troubles(url: str) -> list[tuple[str, str]]:
    async with ClientSession() as client, client.get(f"{url}/health") as response:
        told = await response.json()
    return [(one["what"], one["where"]) for one in told["troubles"]]


@pytest.mark.row(26)
async def test_row_26_without_telegram_the_others_live_and_its_owner_is_told_elsewhere(
    tmp_path: Path, synapse: Synapse
) -> None:
    """Also: Telegram is asked seldom, goes on when the token is good again, and both the fault and
    its end are told once."""
    async with matrix_stage(synapse) as matrix:
        owner = await matrix.private("Owner")
        owners = json.dumps([owner.person])
        settings = {"ACCESS__OWNERS": owners, "ALARMS__AFTER_S": 1} | matrix.settings
        async with housed(tmp_path, **settings) as house:
            house.program.module = "tests.faults.impatient"
            await house.program.start()
            ann = house.emulator.person("Ann")
            await owner.says("hello?")
            await reads(owner, answer_to("hello?"))
            house.model.gate.clear()
            ann.says("when?")
            await until_reads(house, ann.chat, "when")

            house.emulator.revoked = True
            house.model.gate.set()
            await reads(owner, "Telegram does not accept my token")
            assert await troubles(house.program.url) == [("revoked", "telegram")]
            asked = await asked_by_http(house.program.url, "by HTTP?")
            await owner.says("and here?")
            await reads(owner, answer_to("and here?"))
            refused = [call.at for call in house.emulator.calls if call.status == 401]
            passed_s = refused[-1] - refused[0]
            house.emulator.revoked = False

            await house.until_answered(ann)
            await reads(owner, "Telegram works again")
            told = [one.text for one in await owner.sees() if "⚠" in one.text or "✅" in one.text]
            assert asked == answer_to("by HTTP?")
            assert len(refused) <= 3 + 2.5 * passed_s  # each way once a second, in this hurry
            assert len(told) == 2
            await check_invariants(house)


@pytest.mark.row(26)
async def test_row_26_after_a_restart_with_a_new_token_all_is_answered(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        house.program.module = "tests.faults.impatient"
        await house.program.start()
        ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
        house.model.gate.clear()
        ann.says("when?")
        await until_reads(house, ann.chat, "when")

        house.emulator.token = NEW_TOKEN
        house.model.gate.set()
        await until_logged(house, "the token is not accepted any more")
        bob.says("and me?")
        assert house.program.is_running()
        assert await house.program.stop() == 0
        await house.program.start(settings={"TELEGRAM__TOKEN": NEW_TOKEN})

        await house.until_answered(ann, bob)
        await check_invariants(house)


@pytest.mark.row(27)
async def test_row_27_a_second_program_with_our_token_is_told_of_and_survived(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path / "first", ALARMS__AFTER_S=1) as house:
        house.program.module = "tests.faults.impatient"
        await house.program.start()
        house.boss.says("hello?")
        await house.until_answered(house.boss)
        given = {"TELEGRAM__TOKEN": house.emulator.token, "TELEGRAM__BASE_URL": house.emulator.url}
        second = Program(tmp_path / "second", **(given | house.model.settings))
        try:
            await second.start()
            await until_reads(house, house.boss.chat, "Another program receives messages")
        finally:
            await second.clean_up()

        ann = house.emulator.person("Ann")
        ann.says("and now?")
        await house.until_answered(ann)
        assert house.program.is_running()
        told = [one.text for one in house.emulator.said(house.boss.chat) if "Another" in one.text]
        assert len(told) == 1
        await check_invariants(house)
