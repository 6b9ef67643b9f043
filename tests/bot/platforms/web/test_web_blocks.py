"""Whatever a model writes becomes a tree of what the page knows, with all its words."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.web.blocks import render_blocks

BLOCKS = {"p", "h", "code", "ul", "ol", "quote", "table", "hr"}
INLINES = {"text", "code", "br", "strong", "em", "del", "link"}
PIECES = [
    *("# ", "## ", "- ", "1. ", "> ", "* ", "```", "```python\n", "`", "**", "*", "_", "~~", "---"),
    *("| a | b |\n|---|:-:|\n| 1 | 2 |\n", "[x](https://a.b)", "[y](javascript:alert(1))"),
    *("![p](http://evil/x.png)", "<script>", "</div>", "<https://a.b>", "[z](data:text/html,x)"),
    *("\n", "\n\n", "    ", "\t", " ", "word", "你好", "\\", "&lt;", "&#106;", "\u202e", "\ud800"),
    *("[t](tg://resolve?domain=x)", "[m](mailto:a@b.c)", "[v](vbscript:x)", "[e]( https://a b )"),
]


def text(words):
    return {"t": "text", "text": words}


def paragraph(*inlines):
    return {"t": "p", "c": list(inlines)}


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        pytest.param("hello", [paragraph(text("hello"))], id="plain"),
        pytest.param("", [], id="nothing"),
        pytest.param(
            "a **b *c*** `d` ~~e~~",
            [
                paragraph(
                    text("a "),
                    {"t": "strong", "c": [text("b "), {"t": "em", "c": [text("c")]}]},
                    text(" "),
                    {"t": "code", "text": "d"},
                    text(" "),
                    {"t": "del", "c": [text("e")]},
                )
            ],
            id="styles",
        ),
        pytest.param("a\nb", [paragraph(text("a"), {"t": "br"}, text("b"))], id="line break"),
        pytest.param("## Title", [{"t": "h", "level": 2, "c": [text("Title")]}], id="heading"),
        pytest.param(
            "```python\nprint(1)\n```",
            [{"t": "code", "lang": "python", "text": "print(1)"}],
            id="code",
        ),
        pytest.param(
            "```python\nprint(",
            [{"t": "code", "lang": "python", "text": "print("}],
            id="code still being written",
        ),
        pytest.param(
            "3. a\n4. b\n   - c",
            [
                {
                    "t": "ol",
                    "start": 3,
                    "c": [
                        [paragraph(text("a"))],
                        [paragraph(text("b")), {"t": "ul", "c": [[paragraph(text("c"))]]}],
                    ],
                }
            ],
            id="lists",
        ),
        pytest.param("> a", [{"t": "quote", "c": [paragraph(text("a"))]}], id="quote"),
        pytest.param("a\n\n---", [paragraph(text("a")), {"t": "hr"}], id="rule"),
        pytest.param(
            "| a | b |\n|:--|--:|\n| 1 | **2** |",
            [
                {
                    "t": "table",
                    "align": ["left", "right"],
                    "head": [[text("a")], [text("b")]],
                    "rows": [[[text("1")], [{"t": "strong", "c": [text("2")]}]]],
                }
            ],
            id="table",
        ),
        pytest.param(
            "| a |\n|---|",
            [{"t": "table", "align": [""], "head": [[text("a")]], "rows": []}],
            id="head of a table alone",
        ),
        pytest.param("<b>x</b>", [paragraph(text("<b>x</b>"))], id="HTML is text"),
        pytest.param(
            "<script>alert(1)</script>",
            [paragraph(text("<script>alert(1)</script>"))],
            id="script is text",
        ),
        pytest.param(
            "![a cat](https://evil.example/c.png?who=me)",
            [paragraph(text("a cat (https://evil.example/c.png?who=me)"))],
            id="picture is its words and address",
        ),
        pytest.param(
            "[x](https://a.b/c)",
            [paragraph({"t": "link", "href": "https://a.b/c", "c": [text("x")]})],
            id="link",
        ),
        pytest.param(
            "[](https://a.b)",
            [paragraph({"t": "link", "href": "https://a.b", "c": [text("https://a.b")]})],
            id="link without words",
        ),
        pytest.param(
            "[x](tg://resolve)", [paragraph(text("x (tg://resolve)"))], id="link to a program"
        ),
        pytest.param(
            "[x](javascript:alert(1))",
            [paragraph(text("[x](javascript:alert(1))"))],
            id="script as address",
        ),
        pytest.param("[x](//a.b)", [paragraph(text("x (//a.b)"))], id="no scheme"),
    ],
)
def test_markdown_becomes_blocks(markdown, blocks):
    assert render_blocks(markdown) == blocks


@pytest.mark.parametrize(
    "markdown",
    ["x" * 20_000, "> " * 200 + "x", "- " * 500, "[" * 3000],
    ids=["long", "deep quotes", "deep lists", "brackets"],
)
def test_what_is_too_much_is_left_as_text_or_flat(markdown):
    blocks = render_blocks(markdown)

    assert blocks is None or depth_of(blocks) < 60


def test_line_that_looks_like_the_address_of_a_footnote_is_not_swallowed():
    assert render_blocks("[备注]: 红色") == [
        {"t": "p", "c": [{"t": "text", "text": "[备注]: 红色"}]}
    ]


def test_all_that_stands_deeper_than_the_page_draws_is_there_as_words():
    blocks = render_blocks("\n".join(f"{'  ' * n}- word{n}" for n in range(40)))

    assert all(f"word{n}" in json.dumps(blocks) for n in range(40))


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join))
def test_any_text_becomes_a_tree_of_known_blocks_that_can_be_sent(markdown):
    blocks = render_blocks(markdown)

    for block in blocks or []:
        check_block(block)
    json.dumps(blocks).encode()


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join))
def test_no_address_leads_elsewhere_than_to_the_web_or_a_mail(markdown):
    links = re.findall(r'"href": "([^"]*)"', json.dumps(render_blocks(markdown)))

    assert all(link.lower().startswith(("http://", "https://", "mailto:")) for link in links)


@given(st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=1, max_size=20), st.data())
def test_no_word_is_lost_whatever_markup_stands_around_it(words, data):
    markup = st.sampled_from(["", "**", "# ", "> ", "- ", "1. ", "\n", "\n\n", "*", "`", "<b>"])
    markdown = "".join(f"{data.draw(markup)}{word} " for word in words)

    seen = words_of(render_blocks(markdown))

    assert [word for word in words if word not in seen] == []


def check_block(block):
    assert block["t"] in BLOCKS
    match block["t"]:
        case "p" | "h":
            assert block.keys() <= {"t", "c", "level"}
            assert 1 <= block.get("level", 1) <= 6
            check_inlines(block["c"])
        case "code":
            assert block.keys() == {"t", "lang", "text"}
        case "ul" | "ol":
            assert isinstance(block.get("start", 0), int)
            for item in block["c"]:
                for inner in item:
                    check_block(inner)
        case "quote":
            for inner in block["c"]:
                check_block(inner)
        case "table":
            assert len(block["align"]) == len(block["head"])
            for cell in [*block["head"], *(cell for row in block["rows"] for cell in row)]:
                check_inlines(cell)


def check_inlines(inlines):
    for piece in inlines:
        assert piece["t"] in INLINES
        if piece["t"] in ("text", "code"):
            assert piece["text"]
        check_inlines(piece.get("c", []))


def words_of(tree):
    match tree:
        case dict():
            return words_of(list(tree.values()))
        case list():
            return " ".join(words_of(one) for one in tree)
    return str(tree)


def depth_of(tree):
    match tree:
        case dict():
            return depth_of(list(tree.values()))
        case list():
            return 1 + max((depth_of(one) for one in tree), default=0)
    return 0
