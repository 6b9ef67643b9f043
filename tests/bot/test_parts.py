from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parts import cut, units
from bot.platforms.base import Limits

FAMILY = "👨‍👩‍👧"  # 8 units of UTF-16 in 5 code points


def utf16(text_units: int) -> Limits:
    return Limits(text_units, "utf-16")


def test_text_that_fits_is_one_message():
    assert cut("hello\n\nthere", utf16(12)) == ["hello\n\nthere"]


def test_nothing_visible_is_no_message():
    assert cut(" \n ", utf16(10)) == []


def test_length_is_counted_in_the_platforms_unit():
    assert units(FAMILY, utf16(1)) == 8
    assert cut(FAMILY * 512, utf16(4096)) == [FAMILY * 512]
    assert cut(FAMILY * 513, utf16(4096)) == [FAMILY * 512, FAMILY]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("aaa aaa.\n\nbbb. ccc ddd", ["aaa aaa.", "bbb. ccc ddd"]),
        ("aaa aaa.\nbbb. ccc ddd", ["aaa aaa.", "bbb. ccc ddd"]),
        ("aaa aaa. bbb ccc ddd", ["aaa aaa.", "bbb ccc ddd"]),
        ("aaa aaa 3.5 bbb ccc", ["aaa aaa 3.5", "bbb ccc"]),
        ("一二三四五六七。八九十一二三四", ["一二三四五六七。", "八九十一二三四"]),
        ("aaaaaaaaaaaaaaaaaa", ["aaaaaaaaaaaa", "aaaaaa"]),
    ],
    ids=["paragraph", "line", "sentence", "word", "chinese", "hard"],
)
def test_cut_is_made_at_the_best_border(text, parts):
    assert cut(text, utf16(12)) == parts


def test_indentation_of_the_next_line_is_kept():
    assert cut("def one():\n    return 1", utf16(14)) == ["def one():", "    return 1"]


@pytest.mark.parametrize(
    "letter",
    [FAMILY, "e\u0301", "👍🏽", "🇨🇳", "☂\ufe0f"],
    ids=["family", "accent", "skin", "flag", "style"],
)
def test_visible_characters_are_not_torn_apart(letter):
    for size in range(units(letter, utf16(1)) * 2, 40):
        assert all(set(part.split(letter)) == {""} for part in cut(letter * 30, utf16(size)))


texts = st.text(st.sampled_from("ab .。\n👨\u200d👩\U0001f1e8\U0001f1f3é\u0301，"), max_size=300)


@given(texts, st.integers(2, 40))
def test_no_word_is_lost_or_doubled_and_no_part_is_too_long(text, size):
    parts = cut(text, utf16(size))

    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < units(part, utf16(size)) <= size for part in parts)


@given(texts, st.integers(2, 40))
def test_full_parts_stay_as_they_are_while_the_text_grows(text, size):
    whole = cut(text, utf16(size))

    for length in range(len(text)):
        grown = cut(text[:length], utf16(size))
        assert grown[:-2] == whole[: max(0, len(grown) - 2)]
