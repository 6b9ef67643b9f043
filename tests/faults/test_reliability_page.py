"""docs/reliability.md: made of what a run has found, and of nothing else."""

from __future__ import annotations

import pytest

from tests.faults.matrix import ROWS
from tests.faults.report import PAGE, Held, render, tally

DAY = "2026-01-01"
PASSED = {"rows": [8], "test": "tests/faults/test_a.py::test_row_08[x]", "outcome": "passed"}
FAILED = {"rows": [8, 9], "test": "tests/faults/test_a.py::test_row_08[y]", "outcome": "failed"}


def test_a_row_says_how_many_tests_of_a_file_held_it() -> None:
    held = tally([PASSED, FAILED])

    assert held == {
        8: [Held("tests/faults/test_a.py", passed=1, failed=1)],
        9: [Held("tests/faults/test_a.py", failed=1)],
    }


def test_a_row_that_no_test_names_is_shown_as_such() -> None:
    page = render([PASSED], [], day=DAY)

    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line[:1] == "|"}
    assert "1 passed" in lines["8"]
    assert "**no test**" in lines["10"]
    assert "no part yet: Discord" in lines["32"]


def test_a_failure_is_not_hidden_by_a_success() -> None:
    page = render([PASSED, FAILED], [], day=DAY)

    assert "1 passed, 1 FAILED" in page


def test_a_row_that_does_not_exist_stops_the_report() -> None:
    with pytest.raises(AssertionError, match="99"):
        render([PASSED | {"rows": [99]}], [], day=DAY)


def test_figures_stand_there_with_their_date_and_command() -> None:
    loop = {"name": "kill_loop", "date": "2026-01-01", "command": "kill", "counts": {"lost": 0}}

    page = render([PASSED], [loop], day=DAY)

    assert "date: 2026-01-01 · command: kill" in page
    assert "| lost | 0 |" in page


def test_the_page_in_the_repository_knows_all_rows() -> None:
    page = PAGE.read_text("utf-8")

    numbers = {line.split("|")[1].strip() for line in page.splitlines() if line[:1] == "|"}
    assert {str(number) for number in ROWS} <= numbers
    assert "**no test**" not in page
    assert "FAILED" not in page
