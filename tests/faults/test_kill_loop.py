"""The short form of the kill loop; the long one is run by hand, see docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill_loop import kill_loop

KILLS, QUESTIONS = 20, 50


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.row(8, 9, 10, 11, 12)
async def test_row_10_twenty_kills_among_other_faults_lose_nothing_and_repeat_nothing(
    tmp_path: Path,
) -> None:
    report = await kill_loop(tmp_path, kills=KILLS, questions=QUESTIONS, demo=0.2)

    assert (report.integrity, report.wrong) == ("ok", [])
    assert sum(report.kills.values()) == KILLS
    # the long form counts them: among other tests an id is kept late, and more of them are lost
    assert "unexplained" not in report.orphans_by_cause
