"""The bench of the API, over records that are made up; and what it reads from /metrics."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bench import api, soak
from bench.clients import Crowd, Heard, photos
from bench.report import Options, Report
from bench.scrape import Buckets


def heard(client: int, *, first: float, ended: float, status: int = 200) -> Heard:
    return Heard(client, 0, status, 0.0, first if status == 200 else None, ended, "红色")


def run(who: str, *, first: float, ended: float, tokens: int, status: int = 200) -> api.Run:
    answers = [heard(0, first=first, ended=ended), heard(1, first=first, ended=ended)]
    refused = [heard(2, first=0, ended=0.1, status=status)] if status != 200 else []
    return api.Run(who, 16, (*answers, *refused), tokens, 100.0)


def give_out(folder: Path, *runs: api.Run) -> dict[str, object]:
    lag = Buckets({0.01: 98.0, 0.1: 99.0, float("inf"): 100.0})
    api.give_out(Report("api", Options(folder, quick=True)), runs, lag)
    return json.loads((folder / "api.json").read_text("utf-8"))


def test_ratios_compare_the_runs_with_as_many_clients(tmp_path: Path) -> None:
    ours = run("visionbot", first=1.0, ended=2.0, tokens=100)
    load = run("visionbot", first=9.0, ended=9.0, tokens=1)
    theirs = run("transformers serve", first=5.0, ended=20.0, tokens=100)

    found = give_out(tmp_path, ours, load, theirs)

    assert found["ratios"]["tokens_per_s_vs_serve_16"] == pytest.approx(10.0)
    assert found["ratios"]["ttft_p95_vs_serve_16"] == pytest.approx(0.2)
    assert found["ratios"]["loop_lag_p99_ms"] == pytest.approx(100.0)


def test_an_answer_that_was_refused_is_lost_and_has_no_part_in_the_times(tmp_path: Path) -> None:
    ours = run("visionbot", first=1.0, ended=2.0, tokens=100, status=429)

    found = give_out(tmp_path, ours)

    assert found["counts"]["answers_lost"] == 1
    assert "tokens_per_s_vs_serve_16" not in found["ratios"]
    assert ours.first(0.95) == 1.0


def test_photos_are_of_twelve_megapixels_and_differ() -> None:

    first, second = photos(Crowd(2, 1, 1, "name"))

    assert Image.open(BytesIO(first)).size == (4000, 3000)
    assert first != second
    assert photos(Crowd(1, 1, 1, "name")) == [first]


def test_the_difference_of_two_looks_is_what_came_between() -> None:
    earlier = Buckets({0.01: 90.0, 1.0: 100.0})
    later = Buckets({0.01: 91.0, 1.0: 110.0})

    between = later - earlier

    assert between.counts == {0.01: 1.0, 1.0: 10.0}
    assert between.quantile(0.05) == 0.01
    assert between.quantile(0.5) == 1.0


def samples(*memory: float, tasks: int = 0) -> list[soak.Sample]:
    return [
        soak.Sample(60.0 * minute, mb, mb / 2, 40, 20 + minute * tasks)
        for minute, mb in enumerate(memory)
    ]


def test_a_soak_tells_the_slope_of_what_is_counted(tmp_path: Path) -> None:
    report = Report("soak", Options(tmp_path, quick=True))

    soak.give_out(report, samples(1.0, 300.0, 500.0, 500.0, 501.0, 502.0, 503.0, 504.0), 10)

    assert report.ratios["mb_per_hour"] == pytest.approx(60.0)
    assert report.counts["more_tasks"] == 0


def test_a_soak_tells_of_tasks_that_become_more(tmp_path: Path) -> None:
    report = Report("soak", Options(tmp_path, quick=True))

    soak.give_out(report, samples(*([500.0] * 20), tasks=3), 10)

    assert report.counts["more_tasks"] > 5
