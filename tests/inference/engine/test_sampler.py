from __future__ import annotations

from collections import Counter

import pytest
import torch

from inference.engine.sampler import Draws, Sampler
from inference.engine.sequence import Prompt, Sequence
from inference.errors import EngineFault
from inference.request import Sampling

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0])


def a_sequence(id: int = 1, *, written: list[int] | None = None, **sampling: float) -> Sequence:
    seed = int(sampling.pop("seed", 0))
    return Sequence(id, Prompt((0,)), Sampling(**sampling), seed, written or [])  # type: ignore[arg-type]


def draw(count: int, **sampling: float) -> list[int]:
    sampler, sequence = Sampler(), a_sequence(**sampling)
    for _ in range(count):
        (token,) = sampler.pick([sequence], LOGITS[None])
        assert isinstance(token, int)
        sequence.tokens.append(token)
    return sequence.written


def test_temperature_zero_takes_the_likeliest() -> None:
    assert set(draw(20)) == {0}


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        pytest.param({"top_k": 2}, {0, 1}, id="top_k"),
        pytest.param({"top_p": 0.8}, {0, 1}, id="top_p"),
        pytest.param({"top_p": 0.01}, {0}, id="tiny top_p"),
        pytest.param({"top_k": 3, "top_p": 0.7}, {0, 1}, id="both"),
        pytest.param({}, {0, 1, 2, 3, 4}, id="neither"),
    ],
)
def test_only_the_likely_ones_are_drawn(sampling: dict[str, float], possible: set[int]) -> None:
    assert set(draw(400, temperature=1.0, **sampling)) == possible


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    count = 4000

    drawn = Counter(draw(count, temperature=1.0))

    for token, share in enumerate(LOGITS.softmax(-1).tolist()):
        assert drawn[token] / count == pytest.approx(share, abs=0.03)


def test_seed_decides() -> None:
    first, again, other = (draw(50, temperature=1.0, seed=seed) for seed in (1, 1, 2))

    assert first == again != other


def test_drawing_goes_on_behind_what_is_written() -> None:
    whole = draw(30, temperature=1.0, seed=5)
    rest = a_sequence(temperature=1.0, seed=5, written=whole[:12])
    sampler = Sampler()
    while len(rest.written) < 30:
        rest.tokens.append(*sampler.pick([rest], LOGITS[None]))  # type: ignore[arg-type]

    assert rest.written == whole


def test_numbers_depend_on_the_place_alone() -> None:
    every = Draws(3)
    numbers = [every.at(index) for index in range(5)]

    assert Draws(3).at(4) == numbers[4]


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_row_that_is_no_number_fails_alone(poison: float) -> None:
    rows = torch.stack([LOGITS, torch.full_like(LOGITS, poison), LOGITS])
    sequences = [a_sequence(1), a_sequence(2, temperature=1.0), a_sequence(3)]

    first, second, third = Sampler().pick(sequences, rows)

    assert (first, third) == (0, 0)
    assert isinstance(second, EngineFault)
