"""Row 41 of the fault matrix: the program is started with a model that cannot be used.

No GPU was there: the card that is gone is one that this machine never had.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.texts import TEXTS
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.row(41)]

DEMO = Path(__file__).parents[2] / "inference" / "demo" / "weights"
FAILED = 1
QUESTION = "What colour is the circle?"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Of a model of its own, which may be damaged."""
    folder = Path(shutil.copytree(DEMO, tmp_path / "model"))
    settings = {
        "ENGINE__KIND": "local",
        "ENGINE__BASE_URL": "",
        "ENGINE__MODEL": folder,
        "FALLBACK__AFTER_S": 0.2,
    }
    async with housed(tmp_path, **settings) as house:
        yield house


def last_line(house: House) -> str:
    return house.program.output().strip().splitlines()[-1]


async def test_row_41_without_its_model_the_program_says_so_and_takes_no_questions(
    house: House, tmp_path: Path
) -> None:
    nowhere = tmp_path / "model" / "nowhere"
    li = house.emulator.person("Li")
    li.says(QUESTION)

    await house.program.start(settings={"ENGINE__MODEL": nowhere})
    code = await house.program.ended()

    assert code == FAILED
    assert last_line(house) == (
        f"visionbot: there is no folder {nowhere}; [engine] model must name one, or a hub id"
    )
    assert house.emulator.said(li.chat) == []  # Telegram keeps it for the next start


async def test_row_41_people_who_ask_while_damaged_weights_load_are_promised_an_answer_and_get_it(
    house: House, tmp_path: Path
) -> None:
    weights = tmp_path / "model" / "model.safetensors"
    whole = weights.read_bytes()
    sums = f"{hashlib.sha256(whole).hexdigest()}  {weights.name}\n"
    (tmp_path / "model" / "SHA256SUMS").write_text(sums)
    weights.write_bytes(whole[:-4] + b"\0\1\2\3")
    li = house.emulator.person("Li")

    await house.program.start()
    li.says(QUESTION)
    promise = TEXTS["later"].en
    await house.until(lambda: any(promise in one.text for one in house.emulator.said(li.chat)))
    code = await house.program.ended()
    complaint = last_line(house)
    weights.write_bytes(whole)
    await house.program.start()
    await house.until(lambda: _is_answered(house, li.chat))

    assert code == FAILED
    assert complaint.startswith(f"visionbot: {weights} is damaged or another file: its SHA-256")
    assert complaint.endswith("download that file again")
    assert len(house.emulator.said(li.chat)) == 1
    await check_invariants(house)


async def test_row_41_without_its_card_the_program_says_so(house: House) -> None:
    await house.program.start(settings={"ENGINE__DEVICE": "cuda:7"})
    code = await house.program.ended()

    assert code == FAILED
    assert "[engine] device" in last_line(house)
    assert "cuda:7" in last_line(house)


def _is_answered(house: House, chat) -> bool:
    return any("again" in [name for name, _ in one.buttons] for one in house.emulator.said(chat))
