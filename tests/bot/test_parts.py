from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

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


def test_character_that_came_in_two_halves_is_whole_again_and_a_single_half_stands_for_itself():
    assert cut("a \ud83d\ude00 b \ud83d", Limits(100)) == ["a 😀 b \ufffd"]


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


CODE = "```\none\ntwo\nthree\n```"


def test_code_that_is_cut_is_closed_and_opened_again():
    code = "```py\none = 1\ntwo = 2\nthree = 3\nfour = 4\n```\n\nthe end"

    assert cut(code, utf16(36)) == [
        "```py\none = 1\ntwo = 2\nthree = 3\n```",
        "```py\nfour = 4\n```\n\nthe end",
    ]


def test_code_of_which_only_the_end_is_left_is_not_opened_again():
    code = "```py\none = 1\ntwo = 2\nthree = 3\n```\nthe end of it"

    assert cut(code, utf16(35)) == ["```py\none = 1\ntwo = 2\nthree = 3\n```", "the end of it"]


def test_code_is_cut_at_an_empty_line_where_there_is_one():
    code = "```\none\ntwo\nthree\n\nfour\nfive\nsix\n```"

    assert cut(code, utf16(32)) == ["```\none\ntwo\nthree\n```", "```\nfour\nfive\nsix\n```"]


def test_indented_fence_does_not_end_the_code_around_it():
    code = "```\n" + "one two\n" * 4 + "    ```\n" + "one two\n" * 8

    assert all(part.startswith("```\n") for part in cut(code, utf16(48)))


def test_code_that_is_opened_again_leaves_room_for_that():
    code = "~~~python\n" + "x\n" * 500 + "~~~"

    parts = cut(code, utf16(50))

    assert all(part.startswith("~~~python\nx") and part.endswith("x\n~~~") for part in parts)
    assert {len(part) for part in parts[:-1]} == {49}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("before it all.\n```\none\ntwo\nthree\n```", ["before it all.", CODE]),
        ("```\none\ntwo\n```\nafter it all. yes.", ["```\none\ntwo\n```", "after it all. yes."]),
        ("```\none\ntwo\n```\nafter.\nyes yes yes", ["```\none\ntwo\n```", "after.\nyes yes yes"]),
        ("one two three.\n- a b\n  c d e\n- f g h", ["one two three.\n- a b\n  c d e", "- f g h"]),
        ("all of the prices\n|a|b|\n|1|2|\n|3|4|", ["all of the prices", "|a|b|\n|1|2|\n|3|4|"]),
        ("and the list, then:\n\n- one\n\n  two", ["and the list, then:", "- one\n\n  two"]),
    ],
    ids=["before code", "after code", "lines after code", "list item", "table", "loose list item"],
)  # fmt: skip
def test_what_belongs_together_stays_together_where_it_can(text, parts):
    assert cut(text, utf16(30)) == parts


def test_block_that_is_mostly_fence_is_cut_as_it_is():
    fence = "`" * 20

    assert cut(f"{fence}\none two three four five", utf16(30)) == [
        fence,
        "one two three four five",
    ]


texts = st.text(st.sampled_from("ab .。\n👨\u200d👩\U0001f1e8\U0001f1f3é\u0301，"), max_size=300)


@given(texts, st.integers(2, 40))
def test_no_word_is_lost_or_doubled_and_no_part_is_too_long(text, size):
    parts = cut(text, utf16(size))

    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < units(part, utf16(size)) <= size for part in parts)


lines = [
    "word one two.",
    "一二三，四五六。",
    "| a | b |",
    "",
    "x = f(y)",
    "long " * 6,
    "👨‍👩‍👧" * 3,
]
fences = ["```py", "```", "````", "~~~", "   ~~~ c", "    ```"]
marked = st.lists(st.sampled_from([*fences, *lines]), max_size=30).map(lambda some: ["x", *some])


def code_words(markdown):
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [word for token in tokens if token.type == "fence" for word in token.content.split()]


def words(text):
    return [word for word in text.split() if word[:3] not in ("```", "~~~") and word != "c"]


@given(marked.map("\n".join), st.integers(50, 120))
def test_code_stays_code_and_words_stay_words_in_whatever_part_they_come(text, size):
    parts = cut(text, utf16(size))

    assert all(0 < units(part, utf16(size)) <= size for part in parts)
    assert "".join(words("\n".join(parts))) == "".join(words(text))
    assert "".join(chain(*map(code_words, parts))) == "".join(code_words(text))


@given(texts | marked.map("\n".join), st.integers(2, 40))
@example("para a one\n\nb twoo\n```py\nx = 1\ny = 2\nz = 3", 20)
def test_full_parts_stay_as_they_are_while_the_text_grows(text, size):
    whole = cut(text, utf16(size))

    for length in range(len(text)):
        grown = cut(text[:length], utf16(size))
        assert grown[:-1] == whole[: max(0, len(grown) - 1)]
