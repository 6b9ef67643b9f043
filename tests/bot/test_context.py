"""The window: it fits, keeps exchanges whole and the newest of them, and its beginning rests."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.context import WindowSection, window


@dataclass(frozen=True, slots=True)
class Said:
    role: str
    tokens: int
    number: int  # of its exchange


def talk(*exchanges: tuple[int, int]) -> list[Said]:
    """Exchanges as (tokens of the question, tokens of the answer)."""
    return [
        Said(role, tokens, number)
        for number, both in enumerate(exchanges)
        for role, tokens in zip(("user", "assistant"), both, strict=True)
    ]


def kept(history: list[Said], question: int, *, max_tokens: int = 100, drop_to: float = 0.5):
    """The numbers of the exchanges that go with the question."""
    turns = window(history, question, max_tokens=max_tokens, drop_to=drop_to)
    return [turn.number for turn in turns if turn.role == "user"]


TALKS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=40).map(
    lambda exchanges: talk(*exchanges)
)
QUESTIONS = st.integers(1, 130)
SHARES = st.floats(0, 0.99)


def test_nothing_was_said_yet():
    assert window([], 10, max_tokens=100, drop_to=0.5) == []


def test_everything_goes_while_there_is_room():
    assert kept(talk((30, 10), (20, 20)), 20) == [0, 1]


def test_one_token_too_many_drops_down_to_the_share():
    assert kept(talk((10, 10), (10, 10), (10, 10), (10, 10)), 20) == [0, 1, 2, 3]
    assert kept(talk((10, 10), (10, 10), (10, 10), (10, 10)), 21) == [2, 3]


def test_the_cut_rests_while_the_rest_grows_again():
    windows = [kept(talk(*[(10, 10)] * count), 10) for count in range(4, 9)]

    assert windows == [[0, 1, 2, 3], [3, 4], [3, 4, 5], [3, 4, 5, 6], [6, 7]]


def test_the_newest_exchange_stays_beyond_the_share_if_it_fits():
    assert kept(talk((10, 10), (70, 10)), 15) == [1]
    assert kept(talk((10, 10), (70, 10)), 21) == []


def test_a_question_that_fills_everything_goes_alone():
    assert kept(talk((10, 10)), 100) == []
    assert kept(talk((10, 10)), 5000) == []


@given(TALKS, QUESTIONS, SHARES)
def test_window_and_question_always_fit(history: list[Said], question: int, share: float):
    turns = window(history, question, max_tokens=100, drop_to=share)

    assert not turns or sum(turn.tokens for turn in turns) + question <= 100


@given(TALKS, QUESTIONS, SHARES)
def test_the_window_is_an_unbroken_end_that_begins_with_a_question(
    history: list[Said], question: int, share: float
):
    turns = window(history, question, max_tokens=100, drop_to=share)

    assert turns == history[len(history) - len(turns) :]
    assert not turns or turns[0].role == "user"


@given(TALKS, QUESTIONS, SHARES)
def test_the_newest_exchange_is_there_whenever_it_fits(
    history: list[Said], question: int, share: float
):
    turns = window(history, question, max_tokens=100, drop_to=share)
    newest = sum(turn.tokens for turn in history[-2:])

    past_fits = all(turn.tokens <= 100 for turn in history)
    if history and past_fits:
        assert bool(turns) == (newest + question <= 100)


@given(TALKS, SHARES)
def test_the_beginning_never_moves_back(history: list[Said], share: float):
    firsts = []
    for asked in range(0, len(history), 2):
        turns = window(history[:asked], history[asked].tokens, max_tokens=100, drop_to=share)
        firsts.append(len(history[:asked]) - len(turns))

    assert firsts == sorted(firsts)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=20, max_size=200),
    st.sampled_from([0.0, 0.25, 0.5, 0.75]),
)
def test_the_beginning_moves_only_after_the_freed_room_was_used_up(
    exchanges: list[tuple[int, int]], share: float
):
    history = talk(*exchanges)
    moves, before = 0, 0
    for asked in range(0, len(history), 2):
        turns = window(history[:asked], history[asked].tokens, max_tokens=1000, drop_to=share)
        first = asked - len(turns)
        moves, before = moves + (first != before), first

    # between two moves at least the freed share grows again, but for one exchange at either end
    grown = sum(turn.tokens for turn in history)
    assert moves <= grown / ((1 - share) * 1000 - 160) + 1


@given(TALKS, QUESTIONS, SHARES)
def test_the_answer_to_a_question_does_not_move_what_stood_before_it(
    history: list[Said], question: int, share: float
):
    before = window(history, question, max_tokens=100, drop_to=share)
    follow_up = [*history, Said("user", question, -1), Said("assistant", 0, -1)]

    after = window(follow_up, 0, max_tokens=100, drop_to=share)

    if question <= 100:
        assert after[: len(before)] == before


def test_a_list_that_begins_with_an_answer_is_cut_there_first():
    history = [Said("assistant", 60, -1), *talk((20, 10))]

    assert window(history, 20, max_tokens=100, drop_to=0.5) == history[1:]


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"drop_to": 1.0}, {"drop_to": -0.1}])
def test_settings_without_sense_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError):
        WindowSection.model_validate(wrong)


NOTES = st.integers(0, 40)


@given(TALKS, QUESTIONS, SHARES, NOTES)
def test_the_note_counts_once_something_has_left(
    history: list[Said], question: int, share: float, note: int
):
    turns = window(history, question, max_tokens=100, drop_to=share, note_tokens=note)

    told = note if len(turns) < len(history) else 0
    assert not turns or sum(turn.tokens for turn in turns) + question + told <= 100


@given(TALKS, SHARES, NOTES)
def test_what_stands_before_the_question_only_grows_between_two_moves(
    history: list[Said], share: float, note: int
):
    prompts = []
    for asked in range(0, len(history), 2):
        question = history[asked].tokens
        turns = window(history[:asked], question, max_tokens=100, drop_to=share, note_tokens=note)
        prompts.append((asked - len(turns), [*turns, history[asked]]))

    for (left, before), (left_then, after) in pairwise(prompts):
        assert left_then >= left
        assert left_then > left or after[: len(before)] == before
