"""A few words that call a person or complain, and the many that only hold the same letters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules import ServiceSection
from bot.service.phrases import contains, is_call, is_complaint

SECTION = ServiceSection()
CALLS = SECTION.call_words
COMPLAINTS = SECTION.dissatisfied_words


@pytest.mark.parametrize(
    "text",
    [
        "人工",
        "转人工！",
        "我要转人工客服。",
        "请帮我转人工，谢谢",
        "你好，找个真人",
        "可以叫工作人员来吗？",
        "ＨＵＭＡＮ",
        "human",
        "A person, please",
        "Can I talk to a HUMAN, please?",
        "I'd like to speak with customer  service",
        "agent!!!",
    ],
)
def test_who_asks_for_a_person_and_nothing_else_calls_one(text: str):
    assert is_call(text, CALLS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!!",
        "人工智能是什么？",
        "这张图里的客服电话是多少",
        "这是人工种的吗",
        "is this a human?",
        "how many people, and is one person a woman?",
        "humans",
        "superhuman",
        "which agent is on the photo?",
        "please " * 60 + "human",
    ],
)
def test_who_only_uses_the_word_calls_nobody(text: str):
    assert not is_call(text, CALLS)


@pytest.mark.parametrize(
    "text",
    [
        "没用",
        "这个回答没用！",
        "你说的不对",
        "太没用了",
        "That's wrong!",
        "NOT helpful",
        "Useless, this is wrong.",
    ],
)
def test_who_says_that_the_answer_is_no_good_complains(text: str):
    assert is_complaint(text, COMPLAINTS)


@pytest.mark.parametrize(
    "text", ["这个不对称的图形是什么", "what is wrong with this car?", "没用过的邮票值多少钱"]
)
def test_who_asks_about_something_wrong_does_not_complain(text: str):
    assert not is_complaint(text, COMPLAINTS)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("I'm sorry, I don't know that.", True),
        ("抱歉，我不知道这是什么。", True),
        ("I know.", False),
        ("他说：我知道。", False),
        ("i do not knowingly lie", False),
    ],
)
def test_an_answer_that_does_not_know_is_found_anywhere_in_it(answer: str, found: bool):
    assert contains(answer, SECTION.unsure_words) == found


def test_without_phrases_nothing_matches():
    assert not is_call("human", [])
    assert not contains("human", ["", "!"])


def test_words_made_of_words_are_decided_at_once():
    """They could be cut in 2 ** 90 ways; the test's own limit would end that."""
    assert not is_call("给我" * 90 + "人工x", CALLS)
    assert not is_complaint("对我说" * 60, COMPLAINTS)


@given(st.sampled_from(CALLS), st.sampled_from(["{}", "请{}", "{}!", "please, {}", "  {}\n"]))
def test_every_phrase_calls_in_any_width_and_case(phrase: str, pattern: str):
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in phrase)
    assert unicodedata.normalize("NFKC", wide) == phrase

    for shape in (phrase, phrase.upper(), wide):
        assert is_call(pattern.format(shape), CALLS)


@given(st.text(max_size=60))
def test_any_text_is_decided(text: str):
    assert is_call(text, CALLS) in (True, False)
    assert contains(text, CALLS) in (True, False)
