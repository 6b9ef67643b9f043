"""The operator's page's own files: every word in both languages, and none that is missing."""

from __future__ import annotations

import re
from pathlib import Path

import bot.console.site as site

PAGE = Path(site.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
WORDS = r'^  (\w+): \[\s*"(.*?)",\s*"(.*?)",?\s*\],$'


def read(name):
    return (PAGE / name).read_text("utf-8")


def words():
    return {key: (zh, en) for key, zh, en in re.findall(WORDS, read("texts.js"), re.M | re.S)}


def used():
    scripts = "".join(read(path.name) for path in SCRIPTS)
    called = re.findall(r'\btext\("(\w+)"', scripts)
    return {*called, *re.findall(r'data-(?:text|label)="(\w+)"', read("index.html"))}


def test_every_word_that_is_used_is_there():
    assert len(used()) > 100
    assert used() - words().keys() == set()


def test_both_languages_have_words_with_the_same_fields():
    for key, (zh, en) in words().items():
        assert zh, key
        assert en, key
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key
