"""What the load bench makes of what it saw."""

from __future__ import annotations

import pytest

from bench.crowd import Seen, Told, ideal, jain
from bench.streams import Received


def seen(*, told: float | None = 1.0, answered: bool, end: str) -> Seen:
    return Seen(0.0, 0.5, told, told, answered, end)


def test_waits_are_fair_when_all_are_alike_and_unfair_when_one_alone_waits() -> None:
    assert jain([3.0, 3.0, 3.0, 3.0]) == 1.0
    assert jain([12.0, 0.0, 0.0, 0.0]) == 0.25


def test_nobody_is_told_before_the_platform_has_room() -> None:
    asked = [0.0, 0.1, 0.2, 0.3, 5.0]

    assert ideal(asked, 2.0) == pytest.approx([0.0, 0.1, 1.0, 1.1, 5.0])


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(seen(answered=True, end="answered"), False, id="answered"),
        pytest.param(seen(answered=False, end="refused"), False, id="refused and told"),
        pytest.param(seen(answered=False, end="answered"), True, id="an answer nobody saw"),
        pytest.param(seen(answered=True, end="refused"), True, id="refused and answered"),
        pytest.param(seen(answered=False, end="waiting"), True, id="no end"),
        pytest.param(seen(told=None, answered=False, end="refused"), True, id="not told"),
    ],
)
def test_who_did_not_get_what_the_program_believes_is_lost(one: Seen, *, expected: bool) -> None:
    assert one.is_lost == expected


@pytest.mark.parametrize(
    ("status", "has_retry_after", "expected"),
    [
        (200, False, True),
        (503, True, True),
        (429, True, True),
        (503, False, False),
        (500, True, False),
        (0, False, False),
        (1, False, False),
    ],
)
def test_a_stream_is_received_politely_or_not(
    status: int, *, has_retry_after: bool, expected: bool
) -> None:
    assert Received(status, has_retry_after, 0.1).is_polite == expected


def test_a_refusal_without_a_word_when_to_come_again_is_bare() -> None:
    assert Told(429, None, 0.1).is_bare
    assert not Told(429, "3", 0.1).is_bare
    assert not Told(200, None, 0.1).is_bare
