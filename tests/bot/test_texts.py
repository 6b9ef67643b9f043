"""Every text in both languages, and the language a person is answered in."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import TEXTS, Key, Language, Text, language_of, picture_fault, say
from inference.errors import PictureFault

ROOT = Path(__file__).parents[2]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def has_words(text: Text) -> bool:
    """Is there more to it than fields and marks around them?"""
    literal = "".join(part for part, _, _, _ in string.Formatter().parse(text.en))
    return any(letter.isalpha() for letter in literal)


def spoken_of() -> set[str]:
    """Every word that the program's own files hold between quotation marks, but for the tables."""
    files = [*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")]
    return {
        node.value
        for file in files
        if file.parent.name != "wording"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_key_has_a_text_and_every_text_a_key():
    keys = [key for table in get_args(Key) for key in get_args(table)]

    assert sorted(TEXTS) == sorted(keys)  # none of them in two tables


def test_no_text_is_there_for_nothing():
    assert set(TEXTS) - spoken_of() == set()


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_name_the_same_fields(key: Key):
    assert fields(TEXTS[key].zh) == fields(TEXTS[key].en)


@pytest.mark.parametrize("key", TEXTS)
def test_each_language_has_its_own_words(key: Key):
    text: Text = TEXTS[key]

    assert text.zh.strip()
    assert text.en.strip()
    assert text.zh != text.en


@pytest.mark.parametrize("key", [key for key, text in TEXTS.items() if has_words(text)])
def test_each_language_is_written_in_its_own_letters(key: Key):
    text: Text = TEXTS[key]

    assert language_of(text.zh, "", "en") == "zh"
    assert language_of(text.en, "", "zh") == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_are_put_into_the_text(language: Language):
    text = say("position_minutes", language, ahead=12, minutes=34)

    assert "12" in text
    assert "34" in text
    assert "{" not in text


def test_a_value_with_braces_is_shown_as_it_is():
    assert "{0.__class__}" in say("unknown_command", "en", command="{0.__class__}")


def test_a_missing_value_is_an_error_and_not_a_hole():
    with pytest.raises(KeyError):
        say("position", "en")


@pytest.mark.parametrize("reason", get_args(PictureFault))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_to_refuse_a_photo_has_its_own_sentence(reason: str, language: Language):
    sentence = picture_fault(reason, 3, 2, language)

    others = {picture_fault(r, 3, 2, language) for r in get_args(PictureFault) if r != reason}
    assert sentence not in others
    assert language_of(sentence, "", "en") == language


@pytest.mark.parametrize(
    ("reason", "value", "limit", "shown", "allowed"),
    [
        ("too_small", 12, 28, "12 pixels", "at least 28"),
        ("too_large", 31.46 * 2**20, 20 * 2**20, "31.5 MB", "at most 20 MB"),
        ("too_large", 20 * 2**20 + 1, 20 * 2**20, "20.1 MB", "at most 20 MB"),
        ("too_many_pixels", 169_000_000, 40_000_000, "169 million", "at most 40 million"),
        ("too_many_pixels", 10**12, 40_000_000, "1000000 million", "at most 40 million"),
        ("too_narrow", 100.04, 100, "100.1 times", "at most 100 times"),
    ],
)
def test_a_refused_photo_is_told_its_number_and_the_limit(
    reason: str, value: float, limit: float, shown: str, allowed: str
):
    sentence = picture_fault(reason, value, limit, "en")

    assert shown in sentence
    assert allowed in sentence


def test_pixels_are_counted_in_ten_thousands_in_chinese():
    sentence = picture_fault("too_many_pixels", 54_000_000, 40_000_000, "zh")

    assert "5400 万" in sentence
    assert "最多 4000 万" in sentence


def test_a_slow_photo_is_told_how_long_we_wait():
    assert "5 seconds" in picture_fault("timeout", 5.0, 5.0, "en")
    assert "0.1 秒" in picture_fault("timeout", 0.1, 0.1, "zh")


@given(st.floats(0.001, 1e9), st.floats(0.1, 1e6).map(lambda x: round(x, 1)))
def test_a_refused_number_never_looks_allowed(value: float, limit: float):
    sentence = picture_fault("too_narrow", value, limit, "zh")
    shown = sentence.split("短边的 ")[1].split(" 倍")[0]

    assert float(shown) > limit if value > limit else float(shown) <= limit


@pytest.mark.parametrize(
    ("text", "platform", "default", "language"),
    [
        ("这是什么？", "en", "en", "zh"),
        ("what is 猫?", "en", "en", "zh"),
        ("𠮷", "", "en", "zh"),
        ("how many?", "zh-hans", "zh", "en"),
        ("Où?", "", "zh", "en"),
        ("", "zh-hans", "en", "zh"),
        ("", "zh_TW", "en", "zh"),
        ("123 🙂", "en-GB", "zh", "en"),
        ("？？", "de", "zh", "en"),
        ("", "yue", "en", "zh"),
        ("", "", "zh", "zh"),
        ("🙂", "", "en", "en"),
        ("×÷", "", "zh", "zh"),
    ],
)
def test_the_language_follows_the_text_then_the_platform_then_the_default(
    text: str, platform: str, default: Language, language: Language
):
    assert language_of(text, platform, default) == language
