"""Row 47: a backup made while people are answered, looked at, and put in the place of data that is
lost; what they read of it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.storage.soundness import FILE
from bot.wording.copies import COPIES
from tests.e2e.drawing import photo
from tests.e2e.program import ROOT
from tests.faults import disks
from tests.faults.house import House, housed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LETTER = COPIES["restored_letter"].en.partition("{")[0]


@dataclass(frozen=True)
class Said:
    code: int
    text: str


async def admin(house: House, *words: str | Path) -> Said:
    """`visionbot admin WORDS`, as somebody types it beside the bot."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VISIONBOT_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "admin", *map(str, words), "--language", "en"),
        cwd=ROOT,
        env=clean | {"VISIONBOT_STORAGE__DATA_DIR": str(house.program.data_dir)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, said.decode())


@pytest.mark.row(47)
async def test_row_47_a_backup_of_a_busy_bot_is_whole_and_a_restore_answers_nothing_twice(
    tmp_path: Path,
) -> None:
    backup = tmp_path / "backups" / "monday"
    async with housed(tmp_path) as house:
        await house.program.start()
        await house.until_ready()
        early, open_, later = map(house.emulator.person, ("Early", "Open", "Later"))
        early.sends_photo(photo("circle", "red"), "what is it?")
        await house.until_answered(early)
        crowd = [house.emulator.person(f"P{number}") for number in range(4)]
        house.model.gate.clear()
        open_.says("open in the backup")
        await house.until(lambda: house.model.asked["open in the backup"] == 1)
        for person in crowd:
            person.says(f"question of {person.id}")

        made = await admin(house, "backup", backup)

        house.model.gate.set()
        later.says("after the backup")
        await house.until_answered(open_, later, *crowd)
        looked = await admin(house, "verify", backup)
        refused = await admin(house, "restore", backup, "--yes")
        assert (made.code, looked.code, refused.code) == (0, 0, 1), made.text + looked.text
        assert "All is well." in looked.text
        assert "Photos: 1, all whole." in looked.text
        assert "another visionbot" in refused.text
        await house.program.stop()
        disks.overwrite(house.program.data_dir / FILE, 1, 20)

        done = await admin(house, "restore", backup, "--yes")

        assert done.code == 0, done.text
        assert "before-" in done.text
        before = {person.id: house.answers(person) for person in [early, open_, later, *crowd]}
        await house.program.start()
        await house.until(lambda: any(one.startswith(LETTER) for one in texts(house, open_)))
        early.says("and is it round?")
        await house.until_answered(early)
        assert house.model.asked["open in the backup"] == 1
        for person in (open_, later, *crowd):
            assert house.answers(person) == before[person.id] == 1
            assert sum(one.startswith(LETTER) for one in texts(house, person)) <= 1
        live = disks.verify(house.program.data_dir)
        assert live.is_sound
        assert live.photos == 1
        assert await house.program.stop() == 0


def texts(house: House, person: object) -> list[str]:
    return [one.text for one in house.emulator.said(person.chat)]
