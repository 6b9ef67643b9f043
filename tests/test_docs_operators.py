"""Whatever the operators are told of faults is held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = "\n".join(file.read_text("utf-8") for file in ROOT.glob("tests/**/test_*.py"))
DOCS = ["operators.md", "operators.zh-CN.md"]


def named(name: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text("utf-8")
    return re.findall(r"`(test_\w+)…?`", text)


@pytest.mark.parametrize("name", DOCS)
def test_each_test_that_is_named_exists(name: str) -> None:
    assert named(name)
    assert [one for one in named(name) if f"def {one}" not in TESTS] == []


def test_each_line_of_the_table_names_its_test() -> None:
    for name in DOCS:
        lines = (ROOT / "docs" / name).read_text("utf-8").splitlines()
        rows = [line for line in lines if line.startswith("| ")][1:]
        assert [line for line in rows if "`test_" not in line] == []


def test_both_languages_name_the_same_tests() -> None:
    assert named(DOCS[0]) == named(DOCS[1])
