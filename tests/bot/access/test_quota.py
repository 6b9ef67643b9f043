"""Limits as people write them: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access.quota import Amount, Limit, Misread, parse_amount, parse_limit, shown

LIMITS = {
    "20 questions/day": Limit(20, "questions", "day"),
    "20 question / day": Limit(20, "questions", "day"),
    "20questions/day": Limit(20, "questions", "day"),
    "20 questions per month": Limit(20, "questions", "month"),
    "20 questions a day": Limit(20, "questions", "day"),
    "50000 tokens/month": Limit(50_000, "tokens", "month"),
    "50,000 tokens/month": Limit(50_000, "tokens", "month"),
    "50k tokens/month": Limit(50_000, "tokens", "month"),
    "1.5k tokens/day": Limit(1500, "tokens", "day"),
    "2m tokens/month": Limit(2_000_000, "tokens", "month"),
    "0 questions/day": Limit(0, "questions", "day"),
    "20 问题/天": Limit(20, "questions", "day"),
    "20次/天": Limit(20, "questions", "day"),
    "20 个问题每天": Limit(20, "questions", "day"),
    "5万 token/月": Limit(50_000, "tokens", "month"),
    "２０　Questions／Day": Limit(20, "questions", "day"),
    "unlimited questions/day": Limit(None, "questions", "day"),
    "不限 问题/天": Limit(None, "questions", "day"),
}


@pytest.mark.parametrize(("text", "limit"), LIMITS.items(), ids=LIMITS)
def test_a_limit_is_read(text: str, limit: Limit):
    assert parse_limit(text) == limit


FAULTS = {
    "": ("quota_amount", {}),
    "questions/day": ("quota_amount", {"given": "questions/day"}),
    "20": ("quota_no_unit", {"given": "20"}),
    "20/day": ("quota_no_unit", {"given": "20/day"}),
    "20 questions": ("quota_no_period", {"given": "20 questions"}),
    "20 qestions": ("quota_unit", {"given": "qestions", "known": "questions"}),
    "20 qestions/day": ("quota_unit", {"given": "qestions", "known": "questions"}),
    "20 questions/dya": ("quota_period", {"given": "dya", "known": "day"}),
    "20 questions/year": ("quota_period", {"given": "year"}),
    "-3 questions/day": ("quota_amount_range", {"given": "-3"}),
    "1.5 questions/day": ("quota_amount_range", {"given": "1.5"}),
    "9999999999999999 tokens/day": ("quota_amount_range", {}),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items(), ids=FAULTS)
def test_what_is_no_limit_is_named_with_the_part_that_is_wrong(text: str, fault: tuple):
    key, values = fault

    with pytest.raises(Misread) as caught:
        parse_limit(text)

    assert caught.value.key == key
    assert values.items() <= caught.value.values.items()


def test_a_word_that_is_like_none_is_told_all_there_are():
    with pytest.raises(Misread) as caught:
        parse_limit("20 questions/zzz")

    assert "day" in caught.value.values["known"]
    assert "month" in caught.value.values["known"]


@pytest.mark.parametrize("text", ["20 questions", "20个问题", "20 q"])
def test_a_gift_has_no_period(text: str):
    assert parse_amount(text) == Amount(20, "questions")


@pytest.mark.parametrize("text", ["0 questions", "unlimited questions"])
def test_nothing_and_everything_cannot_be_given(text: str):
    with pytest.raises(Misread, match="quota_gift_of_nothing"):
        parse_amount(text)


@given(st.text(max_size=300) | st.from_regex(r"[0-9]+ ?[a-z个问题]+/[a-z天月]+"))
def test_no_text_raises_anything_but_a_misread(text: str):
    for parse in (parse_limit, parse_amount):
        with suppress(Misread):
            parse(text)


@given(
    st.integers(0, 10**15),
    st.sampled_from(["questions", "tokens"]),
    st.sampled_from(["day", "month"]),
)
def test_a_limit_as_it_is_shown_is_read_back(amount: int, unit: str, period: str):
    assert parse_limit(f"{amount} {unit}/{period}") == Limit(amount, unit, period)


@given(st.text())
def test_repeated_words_are_short_and_on_one_line(text: str):
    assert len(shown(text)) <= 40
    assert len(shown(text).splitlines()) <= 1
