from __future__ import annotations

import pytest

from bot.answering import quote


def test_quoted_words_stand_in_one_line_before_the_question():
    assert quote.before("a\n\n b", "why?", "en") == "(In reply to: a b)\nwhy?"
    assert quote.before("a", "为什么？", "zh") == "（回复：a）\n为什么？"


@pytest.mark.parametrize("nothing", ["", " \n"])
def test_without_quoted_words_the_question_stays_as_it_is(nothing: str):
    assert quote.before(nothing, "why?", "en") == "why?"


def test_braces_in_quoted_words_are_left_alone():
    assert "{0} {text}" in quote.before("{0} {text}", "why?", "en")


def test_long_quoted_words_are_cut():
    line = quote.before("x" * 2000, "why?", "en").split("\n")[0]

    assert line.endswith("x…)")
    assert len(line) < 530


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("The door is red.", "The **door** is\nred."),
        (
            "The door is red. And" + " so on" * 40 + " (stopped)",
            "The door is red. And" + " so on" * 40,
        ),
        ("", "anything"),
    ],
    ids=["markup", "marks at the end", "nothing"],
)
def test_words_are_known_again_however_they_are_shown(quoted: str, shown: str):
    assert quote.is_held(quoted, ["other", shown])


@pytest.mark.parametrize("shown", ["The door is green.", "", "the doo"])
def test_other_words_are_not_taken_for_the_quoted_ones(shown: str):
    assert not quote.is_held("The door is red.", [shown])
