from __future__ import annotations

import random

import pytest

from inference.engine.words.repetition import Repetition


def noticed_after(tokens: list[int]) -> int | None:
    repetition = Repetition()
    for count, token in enumerate(tokens, 1):
        if repetition.push(token):
            return count
    return None


def numbered(rows: int, row: list[int]) -> list[int]:
    return [token for number in range(rows) for token in (1000 + number, *row)]


@pytest.mark.parametrize("period", [1, 2, 5, 30, 64])
@pytest.mark.row(39)
def test_circle_is_noticed_whatever_came_before(period: int) -> None:
    before = random.Random(period).choices(range(50), k=200)
    circle = list(range(period))

    count = noticed_after(before + circle * 2000)

    assert count is not None
    assert count <= len(before) + max(320, 20 * period) + 1


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param([7] * 300, id="three hundred of the same sign"),
        pytest.param([0, 44] * 150, id="zeros with commas"),
        pytest.param(([0, 44] * 15 + [0, 10]) * 16, id="a table of 16 by 16 zeros"),
        pytest.param(list(range(40)) * 19, id="a sentence nineteen times"),
        pytest.param(numbered(400, [5, 6, 7, 8]), id="a long numbered list of the same words"),
        pytest.param(list(range(65)) * 40, id="a verse longer than a cycle"),
        pytest.param(random.Random(1).choices(range(3), k=4000), id="noise of three tokens"),
    ],
)
def test_what_people_may_want_is_no_circle(tokens: list[int]) -> None:
    assert noticed_after(tokens) is None


def test_one_other_token_begins_the_count_anew() -> None:
    assert noticed_after(([1] * 300 + [2]) * 10) is None
