"""Half an hour of numbers: bounded, numbered, and told each once."""

from __future__ import annotations

import pytest

from bot.console.samples import Samples


@pytest.fixture
def samples():
    samples = Samples(["at", "waiting"], most=3)
    for number in range(1, 6):
        samples.add({"at": float(number), "waiting": None})
    return samples


def test_only_the_newest_are_kept(samples):
    assert [row[0] for row in samples.after(samples.run, 0)] == [3.0, 4.0, 5.0]
    assert samples.number == 5


@pytest.mark.parametrize(
    ("seen", "told"),
    [(5, []), (4, [5.0]), (2, [3.0, 4.0, 5.0]), (1, [3.0, 4.0, 5.0]), (6, [3.0, 4.0, 5.0])],
)
def test_those_after_the_last_one_seen_are_told(samples, seen, told):
    assert [row[0] for row in samples.after(samples.run, seen)] == told


def test_another_runs_numbers_mean_nothing(samples):
    assert len(samples.after(Samples([], most=1).run, 4)) == 3


def test_column_without_a_value_is_empty():
    samples = Samples(["at", "waiting"], most=3)
    samples.add({"at": 1.0})

    assert samples.after("", 0) == [(1.0, None)]
