"""Writes docs/reliability.md: `python -m tests.faults.report build/reliability`.

The folder holds rows.json of `pytest --rows`, and what the kill loop, bench.load and bench.soak
left there by `--out`. Nothing on that page is written by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tests.faults.matrix import INVARIANTS, ROWS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
ROWS_FILE = "rows.json"


@dataclass(frozen=True, slots=True)
class _Words:
    """Of the page, in one language."""

    head: str
    invariants: str
    faults: str
    columns: str
    figures: str
    none_yet: str
    no_test: str
    no_part: str


_ENGLISH = _Words(
    head="""\
# Nothing lost, nothing twice

[中文](reliability.zh-CN.md) · Which faults were provoked, by which test, with which result. The
tables are written by `make reliability`, not by hand. How each fault is told to people and
operators: [who is told what](operators.md). What is defended against whom: [security](security.md).
""",
    invariants="""\
## What holds after every fault

`tests/faults/invariants.py` asks the database, the log and what each person sees after each fault.
I6, I8 and I9 cannot be seen from there: tests of the parts hold them.
""",
    faults="## The faults\n\nRun of {day} (UTC).\n",
    columns="| # | what goes wrong | what must happen | tests | result |",
    figures="## Figures of the long runs\n",
    none_yet="None yet.",
    no_test="**no test**",
    no_part="no part yet: {part}",
)
_CHINESE = _Words(
    head="""\
# 不丢失，不重复

[English](reliability.md) · 制造了哪些故障、由哪个测试制造、结果如何。
表格由 `make reliability` 生成，不是手写的。发生故障时告诉谁什么：[告诉谁什么](operators.zh-CN.md)。
防谁、怎么防：[安全](security.zh-CN.md)。
""",
    invariants="""\
## 每次故障之后都成立的事

每次故障之后，`tests/faults/invariants.py` 都查数据库、日志和每个人看到的内容。
I6、I8、I9 从那里看不到，由各部分自己的测试保证。
""",
    faults="## 故障\n\n运行日期 {day}（UTC）。\n",
    columns="| # | 出了什么错 | 必须怎样 | 测试 | 结果 |",
    figures="## 长时间运行的数字\n",
    none_yet="还没有。",
    no_test="**没有测试**",
    no_part="还没有这一部分：{part}",
)


@dataclass(frozen=True, slots=True)
class Held:
    """What one test file says of one row."""

    file: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def result(self) -> str:
        parts = [(self.passed, "passed"), (self.failed, "FAILED"), (self.skipped, "skipped")]
        return ", ".join(f"{number} {word}" for number, word in parts if number)


def render(
    results: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    *,
    day: str,
    language: Literal["en", "zh"] = "en",
) -> str:
    """`results` as tests/rows.py writes them."""
    words = _CHINESE if language == "zh" else _ENGLISH
    lines = [words.head, words.invariants]
    lines += [f"- **{name}** {getattr(said, language)}" for name, said in INVARIANTS.items()]
    lines += ["", words.faults.format(day=day), *_rows(results, words, language)]
    lines += [words.figures, *(_figures(figures) if figures else [words.none_yet])]
    return "\n".join(lines).rstrip() + "\n"


def tally(results: Sequence[Mapping[str, Any]]) -> dict[int, list[Held]]:
    """Row -> its test files, in the order of their names."""
    counts: defaultdict[tuple[int, str], defaultdict[str, int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for one in results:
        for row in one["rows"]:
            counts[row, one["test"].partition("::")[0]][one["outcome"]] += 1
    held: defaultdict[int, list[Held]] = defaultdict(list)
    for (row, file), found in sorted(counts.items()):
        held[row].append(Held(file, **found))
    return dict(held)


def _rows(results: Sequence[Mapping[str, Any]], words: _Words, language: str) -> Iterator[str]:
    held = tally(results)
    unknown = held.keys() - ROWS.keys()
    assert not unknown, f"tests name rows that do not exist: {unknown}"
    yield words.columns
    yield "|--:|---|---|---|---|"
    for number, row in ROWS.items():
        tests = [f"[{Path(one.file).name}](../{one.file})" for one in held.get(number, ())]
        outcomes = [one.result for one in held.get(number, ())]
        if not tests:
            tests = ["-"]
            outcomes = [words.no_part.format(part=row.without) if row.without else words.no_test]
        said = getattr(row.fault, language), getattr(row.expected, language)
        cells = *said, "<br>".join(tests), "<br>".join(outcomes)
        yield f"| {number} | " + " | ".join(cells) + " |"
    yield ""


def _figures(figures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in figures:
        yield f"### {one['name']}\n"
        told = [f"{key}: {one[key]}" for key in ("date", "commit", "command") if one.get(key)]
        yield " · ".join(told) + "\n"
        yield "| figure | value |"
        yield "|---|--:|"
        for name, value in _flat(one):
            yield f"| {name} | {value} |"
        yield ""


def _flat(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("storage", "questions", "with_photos", "seconds", "integrity"):
        if name in one:
            yield name, _shown(one[name])
    for group in ("about", "kills", "counts", "orphans_by_cause", "figures", "ratios", "targets"):
        for name, value in (one.get(group) or {}).items():
            if not (words := _shown(value)):
                continue  # a figure that has no target
            yield f"{name} (target)" if group == "targets" else name, words


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_shown(one)}" for key, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _read(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    results = json.loads((folder / ROWS_FILE).read_text("utf-8"))
    files = sorted(file for file in folder.glob("**/*.json") if file.name != ROWS_FILE)
    return results, [_figure(file, folder) for file in files]


def _figure(file: Path, folder: Path) -> dict[str, Any]:
    name = file.relative_to(folder).with_suffix("").as_posix()
    return {**json.loads(file.read_text("utf-8")), "name": name}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="with rows.json and what --out left")
    folder = parser.parse_args().folder
    results, figures = _read(folder)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    PAGE.write_text(render(results, figures, day=day), "utf-8")
    in_chinese = PAGE.with_name("reliability.zh-CN.md")
    in_chinese.write_text(render(results, figures, day=day, language="zh"), "utf-8")
    missing = [str(n) for n, row in ROWS.items() if n not in tally(results) and not row.without]
    sys.stdout.write(f"{PAGE}: rows without a test: {', '.join(missing) or 'none'}\n")
    failed = any(one["outcome"] == "failed" for one in results)
    return 1 if missing or failed else 0


if __name__ == "__main__":
    sys.exit(main())
