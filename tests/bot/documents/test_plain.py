from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.block import BadDocument, Block, tidy
from bot.documents.plain import decode, read_markdown, read_text

WORDS = "入馆须知：请保持安静。Café — 10 €，㐂"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_a_text_is_read_in_the_encoding_it_came_in(encoding: str):
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}

    assert decode(marks.get(encoding, b"") + WORDS.encode(encoding)) == WORDS


@pytest.mark.parametrize(
    "data",
    [b"\0\1\2\3" * 50, b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 4, b"\xef\xbb\xbf\xff"],
)
def test_what_is_no_text_is_refused(data: bytes):
    with pytest.raises(BadDocument) as caught:
        decode(data)

    assert caught.value.reason == "broken"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text_or_refused(data: bytes):
    try:
        text = decode(data)
    except BadDocument:
        return
    tidy(text).encode("utf-8")  # no lone surrogates


def test_paragraphs_stand_apart_by_an_empty_line():
    assert read_text("一\n二\r\n\r\n三\n\n\n") == [Block("¶ 1", "一\n二"), Block("¶ 2", "三")]


def test_without_empty_lines_each_line_is_a_paragraph():
    assert [block.text for block in read_text("one\ntwo\n")] == ["one", "two"]


def test_unseen_characters_do_not_come_through():
    (block,) = read_text("退\u202e票\0的\ufeff钱\ud800")

    assert block.text == "退票的钱"


def test_headings_stand_above_what_is_below_them():
    blocks = read_markdown("before\n# A\none\n## B ##\ntwo\n\nthree\n# C\nfour")

    assert [(block.heading, block.text) for block in blocks] == [
        ("", "before"),
        ("A", "one"),
        ("A › B", "two"),
        ("A › B", "three"),
        ("C", "four"),
    ]


def test_a_place_is_the_heading_or_else_the_paragraph():
    assert [block.place for block in read_markdown("x\n\ny\n# A\nz")] == ["¶ 1", "¶ 2", "A"]


def test_a_number_sign_within_a_code_fence_is_no_heading():
    (block,) = read_markdown("# A\n```sh\n# comment\n```")

    assert block.text == "```sh\n# comment\n```"
