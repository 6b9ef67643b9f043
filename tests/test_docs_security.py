"""What the threat model promises is held by tests that exist, the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = "\n".join(file.read_text("utf-8") for file in ROOT.glob("tests/**/test_*.py"))
DOCS = ["security.md", "security.zh-CN.md"]


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("name", DOCS)
def test_each_test_and_file_that_the_threat_model_names_exists(name: str) -> None:
    tests = re.findall(r"`(test_\w+)`", read(name))
    files = re.findall(r"\btests/[\w/]+(?:\.\w+)?", read(name))

    assert [one for one in tests if f"def {one}(" not in TESTS] == []
    assert [one for one in files if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("name", DOCS)
def test_each_danger_of_the_threat_model_has_its_test(name: str) -> None:
    rows = [line for line in read(name).splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 10
    assert [row for row in rows if "`test_" not in row] == []


def test_the_threat_model_fits_on_two_pages() -> None:
    words = len(read("security.md").split())

    assert words < 1500  # what is longer nobody reads
