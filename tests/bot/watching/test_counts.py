"""What is counted: histograms, quantiles, and one question from its acceptance to its end."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.watching.counts import WAITS_S, Counts, Histogram, Histograms
from inference.request import Delta, Usage
from tests.fakes import FakeTime

VALUES = st.lists(st.floats(0, 2000), min_size=1, max_size=200)


def observed(values: list[float]) -> Histogram:
    histogram = Histogram(WAITS_S)
    for value in values:
        histogram.observe(value)
    return histogram


def bucket(value: float) -> int:
    return sum(bound < value for bound in WAITS_S)


@given(VALUES, st.floats(0.001, 1))
def test_a_quantile_lies_in_the_bucket_of_the_value_that_it_stands_for(
    values: list[float], share: float
) -> None:
    exact = sorted(values)[math.ceil(share * len(values)) - 1]

    found = observed(values).quantile(share)

    assert found is not None
    ends = (0.0, *WAITS_S, WAITS_S[-1])
    assert ends[bucket(exact)] <= found <= ends[bucket(exact) + 1]


@given(VALUES)
def test_quantiles_never_fall(values: list[float]) -> None:
    histogram = observed(values)

    found = [histogram.quantile(tenth / 10) for tenth in range(11)]

    assert found == sorted(found)


@given(VALUES, VALUES)
def test_two_histograms_together_are_that_of_all_values(
    ones: list[float], others: list[float]
) -> None:
    both = observed(ones) + observed(others)

    assert both.buckets == observed(ones + others).buckets
    assert both.sum == pytest.approx(sum(ones) + sum(others))


def test_without_values_there_is_no_quantile() -> None:
    assert Histogram(WAITS_S).quantile(0.5) is None
    assert Histograms(WAITS_S).all().quantile(0.5) is None


def test_what_lies_beyond_all_bounds_counts_as_the_last_one() -> None:
    assert observed([1e9]).quantile(0.5) == WAITS_S[-1]


def test_a_value_on_a_bound_belongs_to_what_ends_there() -> None:
    assert observed([1.0]).cumulative()[WAITS_S.index(1)] == 1
    assert observed([1.0]).cumulative()[WAITS_S.index(1) - 1] == 0


def test_a_clock_that_was_set_back_makes_no_sum_fall() -> None:
    assert observed([-5.0]).sum == 0.0


async def test_a_question_is_timed_from_its_acceptance_and_waits_from_when_it_joined() -> None:
    time = FakeTime()
    counts = Counts(clock=time.clock)

    watch = counts.ask("web", age_s=10.0)
    await time.advance(1.0)
    watch.joined()
    await time.advance(2.0)
    watch.called()
    await time.advance(4.0)
    watch.delta(Delta(reasoning="hm"))
    await time.advance(8.0)
    watch.delta(Delta("yes"))
    watch.text()
    await time.advance(16.0)
    watch.end("answered")

    assert counts.in_line_s["web"].sum == 2.0
    assert counts.first_token_s["web"].sum == 17.0
    assert counts.first_text_s["web"].sum == 25.0
    assert counts.answer_s["web"].sum == 41.0


def test_each_thing_about_a_question_is_counted_once() -> None:
    counts = Counts()
    watch = counts.ask("web")

    for _ in range(2):
        watch.called()
        watch.delta(Delta("a"))
        watch.text()
        watch.end("answered")
    watch.end("dead")

    assert counts.questions == {("web", "answered"): 1}
    times = (counts.in_line_s, counts.first_token_s, counts.first_text_s, counts.answer_s)
    assert [one.all().count for one in times] == [1, 1, 1, 1]


def test_words_before_the_engine_wrote_any_are_no_first_text() -> None:
    counts = Counts()
    watch = counts.ask("web")

    watch.text()
    watch.end("dead")

    assert counts.first_text_s.all().count == 0
    assert counts.answer_s.all().count == 0


def test_the_tokens_of_every_try_are_counted() -> None:
    counts = Counts()
    watch = counts.ask("api")

    for _ in range(2):
        watch.delta(Delta(finish="stop", usage=Usage(10, 5, 4)))

    assert counts.tokens == {("api", "prompt"): 20, ("api", "cached"): 8, ("api", "completion"): 10}


def test_a_photo_that_was_kept_took_no_time_to_decode() -> None:
    counts = Counts()

    counts.picture("decoded", 0.2)
    counts.picture("refused", 0.1)
    counts.picture("kept")

    assert counts.pictures == {"decoded": 1, "refused": 1, "kept": 1}
    assert counts.decode_s.count == 2
