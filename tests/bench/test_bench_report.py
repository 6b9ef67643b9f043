"""What a bench gives out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.report import Options, Report, options


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return Report("trial", Options(tmp_path, quick=True), threads=2)


def content(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "trial.json").read_text("utf-8"))
    return found


def test_ratios_are_flat_and_stand_beside_machine_date_and_versions(
    report: Report, tmp_path: Path
) -> None:
    report.ratio("speed_16", 5.5, at_least=5.0)

    report.finish({"raw": [1, 2]})

    found = content(tmp_path)
    assert found["ratios"] == {"speed_16": 5.5}
    assert found["targets"] == {"speed_16": {"at_least": 5.0}}
    assert found["measured"] == {"raw": [1, 2]}
    assert found["quick"] is True
    assert found["about"] == {"threads": 2}
    assert {"date", "machine", "versions"} <= found.keys()


def test_counts_stand_beside_the_ratios(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.count("finals_lost", 2, at_most=0)

    report.finish({})

    assert content(tmp_path)["counts"] == {"finals_lost": 2}
    assert "- `finals_lost` = 2 (target at most 0: missed)" in capsys.readouterr().out


def test_figures_with_a_unit_and_the_command_stand_in_the_file(
    report: Report, tmp_path: Path
) -> None:
    report.figure("told_max_s", 1.5, at_most=2.0)

    report.finish({})

    found = content(tmp_path)
    assert found["figures"] == {"told_max_s": 1.5}
    assert {"commit", "command"} <= found.keys()


def test_what_missed_its_target_is_named(report: Report) -> None:
    report.figure("told_max_s", 2.5, at_most=2.0)
    report.count("lost", 0, at_most=0)
    report.ratio("speed", 9.0)

    assert report.missed() == ["told_max_s"]


@pytest.mark.parametrize(
    ("value", "goal", "word"),
    [
        pytest.param(4.9, {"at_least": 5.0}, "missed", id="below the least"),
        pytest.param(5.0, {"at_least": 5.0}, "met", id="the least"),
        pytest.param(1.2, {"at_most": 1.1}, "missed", id="above the most"),
        pytest.param(1.1, {"at_most": 1.1}, "met", id="the most"),
    ],
)
def test_the_screen_says_whether_a_target_is_met(
    report: Report,
    capsys: pytest.CaptureFixture[str],
    value: float,
    goal: dict[str, float],
    word: str,
) -> None:
    report.ratio("speed", value, **goal)

    report.finish({})

    assert f": {word})" in capsys.readouterr().out


def test_a_bench_fails_that_has_not_measured_what_it_is_for(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    report.ratio("speed", 4.9, at_least=5.0)

    assert report.exit_code(["speed"]) == 0
    assert report.exit_code(["speed", "memory"]) == 1
    assert "memory" in capsys.readouterr().err


def test_a_table_is_markdown_with_a_dash_for_what_is_missing(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    report.table(("who", "speed"), [("ours", 123.4), ("theirs", None)])

    lines = capsys.readouterr().out.split("\n")
    assert lines[1:-1] == [
        "|    who | speed |",
        "|-------:|------:|",
        "|   ours |   123 |",
        "| theirs |     - |",
    ]


def test_the_screens_text_is_kept_beside_the_figures(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.note("what it means")

    report.finish({})

    assert (tmp_path / "trial.md").read_text("utf-8") == capsys.readouterr().out


def test_a_plot_is_drawn(report: Report, tmp_path: Path) -> None:
    report.finish({}, lambda figure: figure.subplots().plot([1, 2], [3, 4]))

    assert (tmp_path / "trial.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    Report("trial", options("", [])).finish({}, lambda figure: None)

    assert list(tmp_path.iterdir()) == []
