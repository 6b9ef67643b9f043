"""The page's own files: every word in both languages, and nothing that could run what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bot.platforms.web.files as files

PAGE = Path(files.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
# What makes markup or code of words, or what a strict Content-Security-Policy would refuse.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc"
    r"|\beval\(|new Function|setAttribute\(\"style\"|\bstyle=|\son\w+=|https?://(?!www\.w3\.org)"
)


def words(language: str) -> dict[str, str]:
    table = re.search(rf"^  {language}: {{\n(.*?)^  }},$", read("texts.js"), re.M | re.S)
    assert table is not None
    return dict(re.findall(r'^    (\w+): "(.*)",$', table[1], re.M))


def read(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


def used() -> set[str]:
    scripts = "".join(read(path.name) for path in SCRIPTS)
    called = re.findall(r'\btext\("(\w+)"', scripts)
    return {*called, *re.findall(r'data-(?:text|label|hint)="(\w+)"', read("index.html"))}


def test_both_languages_have_the_same_words_with_the_same_fields() -> None:
    zh, en = words("zh"), words("en")

    assert zh.keys() == en.keys()
    for key in zh:
        assert set(re.findall(r"{\w+}", zh[key])) == set(re.findall(r"{\w+}", en[key])), key


def test_every_word_that_is_used_is_there() -> None:
    assert used() - words("zh").keys() == set()


@pytest.mark.parametrize("path", [*SCRIPTS, PAGE / "index.html"], ids=lambda path: path.name)
def test_no_file_of_the_page_makes_markup_or_code_of_words(path: Path) -> None:
    assert FORBIDDEN.findall(path.read_text("utf-8")) == []
