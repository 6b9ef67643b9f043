"""People and groups as operators write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access.names import Name, parse_chat, parse_name, parse_person
from bot.access.quota import Misread

NAMES = {
    ("telegram:12345", ""): Name("telegram", "12345", "person"),
    ("telegram:-10012345", ""): Name("telegram", "-10012345", "group"),
    ("12345", "telegram"): Name("telegram", "12345", "person"),
    ("-10012345", "telegram"): Name("telegram", "-10012345", "group"),
    ("matrix:@ann:example.org", ""): Name("matrix", "@ann:example.org", "person"),
    ("@ann:example.org", "matrix"): Name("matrix", "@ann:example.org", "person"),
    ("!room:example.org", "matrix"): Name("matrix", "!room:example.org", "group"),
    ("１２３４５", "telegram"): Name("telegram", "12345", "person"),
    ("telegram：１２３４５", ""): Name("telegram", "12345", "person"),
    ("web:a1b2", ""): Name("web", "a1b2"),
    (" test:ann ", "test"): Name("test", "ann"),
}


@pytest.mark.parametrize(("given", "name"), NAMES.items(), ids=[text for text, _ in NAMES])
def test_a_name_is_read(given: tuple[str, str], name: Name):
    text, here = given

    assert parse_name(text, here=here) == name


FAULTS = {
    ("12345", ""): "name_no_platform",
    ("ann", "telegram"): "name_malformed",
    ("", "telegram"): "name_malformed",
    ("telegram:", ""): "name_malformed",
    ("telegram:@ann", ""): "name_telegram",
    ("@ann", "telegram"): "name_telegram",
    ("telegram:007", ""): "name_telegram",
    ("telegram:1087968824", ""): "name_nobody",
    ("777000", "telegram"): "name_nobody",
    ("telegarm:12345", ""): "name_platform",
    ("matrix:ann", ""): "name_matrix",
    ("matrix:@ann", ""): "name_matrix",
    ("test:an n", ""): "name_malformed",
    ("test:" + "x" * 600, ""): "name_malformed",
}


@pytest.mark.parametrize(("given", "key"), FAULTS.items(), ids=[text[:20] for text, _ in FAULTS])
def test_what_is_no_name_is_told_why(given: tuple[str, str], key: str):
    text, here = given

    with pytest.raises(Misread) as caught:
        parse_name(text, here=here)

    assert caught.value.key == key


def test_a_group_is_no_person_and_a_person_no_group():
    with pytest.raises(Misread, match="name_is_a_group"):
        parse_person("telegram:-10012345")
    with pytest.raises(Misread, match="name_is_a_person"):
        parse_chat("matrix:@ann:example.org")


@given(st.text(max_size=50), st.sampled_from(["", "telegram", "matrix", "test"]))
def test_no_text_raises_anything_but_a_misread_and_names_read_back(text: str, here: str):
    try:
        name = parse_name(text, here=here)
    except Misread:
        return

    assert parse_name(str(name), here=here) == name
