"""Row 46: the program is killed at each step of an upgrade of its database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.program import ROOT


@pytest.mark.e2e
@pytest.mark.timeout(120)
@pytest.mark.row(46)
@pytest.mark.parametrize(("revision", "step"), [("0001", 4), ("0010", 1)])
async def test_row_46_a_program_killed_in_an_upgrade_leaves_the_database_as_it_was(
    tmp_path: Path, revision: str, step: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.migrating", str(tmp_path / "data"), revision),
        str(step),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    said, faults = await process.communicate()

    assert process.returncode == 0, faults.decode()
    assert int(said) >= 10
