"""Regular expressions of operators: what they find in an answer does not depend on its pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from inference.safety.section import SafetySection
from inference.safety.wordlists.hit import Hit, Rule
from inference.safety.wordlists.patterns import MOST_HELD, BadPattern, Pattern, PatternScan
from inference.safety.wordlists.width import widest

BLOCK = Rule("internal", "block", "patterns")
ANSWERS = ("answers",)


@pytest.mark.parametrize(
    ("pattern", "width"),
    [
        ("abc", 3),
        ("a|bcd|", 3),
        ("(?i)a{2,5}b?", 6),
        ("(?:ab){3}c", 7),
        (r"[^]a]{1,4}[[:alpha:]]", 5),
        (r"\bPO-\d{8}\b", 11),
        (r"\p{Han}{2}\pL", 3),
        (r"\x{4e00}\x41\101\.", 4),
        (r"(?P<n>a(b|cd)){2}", 6),
        (r"[\]x]y", 2),
        (r"a\(b", 3),
        (r"a{0}(?i:b)", 1),
        (r"\Qa.b\Ec", 4),
        ("^$", 0),
        ("a+", None),
        ("a{2,}", None),
        ("(ab*c)", None),
        ("a.*b|c", None),
    ],
)
def test_the_longest_that_a_pattern_matches_is_known(pattern: str, width: int | None) -> None:
    Pattern("one", pattern, "internal", ("questions",))  # RE2 takes it

    assert widest(pattern) == width


PIECES = st.recursive(
    st.sampled_from(
        ["a", "ａ", "（", "[（０-９]", "b", "[ab]", "[^a]", ".", r"\d", "1", "炸", r"\b"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})?"),
        inner.map(lambda one: f"(?:{one}){{1,3}}"),
    ),
    max_leaves=6,
)
TEXTS = st.text("ab1ａ１（炸 \n", max_size=30)


@given(PIECES, TEXTS)
@settings(max_examples=600, deadline=None)
def test_no_match_is_longer_than_the_width(pattern: str, text: str) -> None:
    width = widest(pattern)

    spans = Pattern("one", pattern, "internal", ("questions",)).spans(text)

    assert all(end - start <= (width or 0) for start, end in spans)


@given(PIECES, TEXTS, st.lists(st.integers(0, 30), max_size=6))
@settings(max_examples=1000, deadline=None)
def test_what_is_found_in_pieces_is_what_is_found_in_the_whole_and_it_is_held_until_then(
    pattern: str, text: str, cuts: list[int]
) -> None:
    if not widest(pattern):
        return
    rule = Pattern("one", pattern, "internal", ANSWERS)
    scan, open_from, hits = PatternScan(rule, BLOCK), 0, []
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})

    for begin, end in pairwise(places):
        new = scan.feed(text[begin:end])
        assert all(hit.start >= open_from for hit in new)  # nothing of it was let out
        hits += new
        open_from = scan.open_from
        assert end - open_from <= rule.width
    new = scan.close()

    assert all(hit.start >= open_from for hit in new)
    assert hits + new == [Hit(start, end, BLOCK) for start, end in rule.spans(text)]


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [("(?=a)", "no look-around"), ("(a", "missing"), (r"(a)\1", "no back references")],
)
def test_a_pattern_that_re2_does_not_take_is_named_with_the_remedy(
    pattern: str, remedy: str
) -> None:
    one = {"name": "orders", "pattern": pattern, "category": "internal"}

    with pytest.raises(ValidationError, match="pattern 'orders', which RE2 does not take") as error:
        SafetySection.model_validate({"patterns": [one]})

    assert remedy in str(error.value)


@pytest.mark.parametrize("pattern", ["a+", "a{1,300}", f"[ab]{{{MOST_HELD + 1}}}", "^"])
def test_in_answers_a_pattern_must_end_somewhere(pattern: str) -> None:
    with pytest.raises(BadPattern, match=r"write \{1,20\} for \+"):
        Pattern("orders", pattern, "internal", ANSWERS)


def test_in_questions_a_pattern_may_go_on_for_ever() -> None:
    assert Pattern("orders", "a+", "internal", ("questions",)).spans("b" + "a" * 500) == [(1, 501)]


def test_a_pattern_on_which_python_would_hang_ends() -> None:
    hostile = "a" * 50_000 + "!"

    assert Pattern("hang", "(a+)+$", "internal", ("questions",)).spans(hostile) == []


def test_half_a_character_does_no_harm() -> None:
    assert Pattern("one", "ab", "internal", ANSWERS).spans("\ud800ab") == [(1, 3)]


@pytest.mark.parametrize(
    ("pattern", "text", "span"),
    [
        ("PO-[0-9]{4}", "see PO-１２３４", (4, 11)),
        ("PO-[0-9]{4}", "单号ＰＯ－１２３４。", (2, 9)),
        ("（内部）", "这是(内部)的", (2, 6)),
        (r"\（内部\）", "这是（内部）的", (2, 6)),
        ("ＰＯ　[０-９]{2}", "PO 12", (0, 5)),
        ("[！？＿－]{4}", "!?_-", (0, 4)),
        ("(?i)po", "ＰＯ", (0, 2)),
    ],
)
def test_the_width_of_characters_does_not_matter(
    pattern: str, text: str, span: tuple[int, int]
) -> None:
    one = Pattern("one", pattern, "internal", ("questions", "answers"))
    scan = PatternScan(one, BLOCK)

    hits = [hit for letter in text for hit in scan.feed(letter)] + scan.close()

    assert one.spans(text) == [span]
    assert hits == [Hit(*span, BLOCK)]


def test_case_is_the_patterns_own_matter() -> None:
    assert Pattern("one", "PO", "internal", ANSWERS).spans("ｐｏ po") == []
