from __future__ import annotations

from html.parser import HTMLParser
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.markup import Span, Styled, html, styled


def pieces(markdown):
    """What is styled, how."""
    found = styled(markdown)
    return [(span.kind, found.text[span.start : span.end], span.value) for span in found.spans]


@pytest.mark.parametrize(
    ("markdown", "text", "spans"),
    [
        ("**bold** word", "bold word", [Span(0, 4, "bold")]),
        ("a *b* ~~c~~", "a b c", [Span(2, 3, "italic"), Span(4, 5, "strike")]),
        ("`x = 1`", "x = 1", [Span(0, 5, "code")]),
        ("```py\nx\n```", "x", [Span(0, 1, "pre", "py")]),
        ("# Head\ntext", "Head\ntext", [Span(0, 4, "bold")]),
        ("> said\n\nmore", "said\n\nmore", [Span(0, 4, "quote")]),
        ("- a\n- b\n  - c", "• a\n• b\n  • c", []),
        ("3. a\n4. b", "3. a\n4. b", []),
        ("[here](https://a.b/c)", "here", [Span(0, 4, "link", "https://a.b/c")]),
        ("[write](mailto:a@b.c?subject=x)", "write (a@b.c)", []),
        ("<a@b.c>", "a@b.c", []),
        ("![a dog](https://a.b/c.png)", "a dog", []),
        ("one\ntwo", "one\ntwo", []),
        ("a\n\n---\n\nb", "a\n\n———\n\nb", []),
        ("<b>x</b> &lt;", "<b>x</b> <", []),
        ("👨‍👩‍👧 **x**", "👨‍👩‍👧 x", [Span(6, 7, "bold")]),
    ],
    ids=[
        "bold",
        "italic strike",
        "code",
        "fence",
        "heading",
        "quote",
        "list",
        "numbers",
        "link",
        "mail",
        "mail alone",
        "image",
        "line",
        "rule",
        "tags",
        "emoji",
    ],
)
def test_markdown_is_shown_as_it_is_meant(markdown, text, spans):
    assert styled(markdown) == Styled(text, tuple(spans))


def test_text_without_markup_is_left_as_it_is():
    text = "2 * 3 = 6, snake_case_name, a < b\n\n100 % #1 (see below)"

    assert styled(text) == Styled(text)


def test_narrow_table_stands_in_columns():
    table = "|name|price|\n|-|-|\n|苹果|3|\n|pear|**12**|"

    assert pieces(table) == [
        ("pre", "name | price\n-----+------\n苹果 | 3\npear | 12", ""),
    ]


def test_wide_table_stands_in_rows():
    wide = "word " * 8
    table = f"|{wide}|b|\n|-|-|\n|1|**2**|"

    assert styled(table).text == f"{wide.strip()} | b\n1 | 2"
    assert ("bold", "2", "") in pieces(table)


def test_code_keeps_its_indentation():
    assert pieces("word\n\n```\n    deep\nflat\n```") == [("pre", "    deep\nflat", "")]


def test_code_holds_no_other_style_and_a_link_is_no_code():
    assert pieces("**a `b` c**") == [("bold", "a", ""), ("code", "b", ""), ("bold", "c", "")]
    assert pieces("[`b`](https://a.b)") == [("link", "b", "https://a.b")]


def test_quote_within_a_quote_is_one_quote():
    assert pieces("> a\n> > b") == [("quote", "a\nb", "")]


@pytest.mark.parametrize(
    "address",
    ["tg://user?id=1", "javascript:alert(1)", "data:text/html,x", "//a.b", "/c", "https://", "x:y"],
)
@pytest.mark.row(56)
def test_link_that_leads_elsewhere_is_no_link(address):
    markdown = f"[press]({address})"

    assert styled(markdown).spans == ()
    assert "href" not in html(markdown)


@pytest.mark.parametrize(
    "call",
    ["@everyone", "hi @room!", "(@ann_b)", "@所有人", "@[bob](https://a.b)", "![@bob](c.png)"],
)
@pytest.mark.row(56)
def test_nobody_is_called_by_the_text(call):
    assert "@" not in styled(call).text
    assert "@" not in html(call)


@pytest.mark.parametrize("word", ["ann@b.org", "https://a.b/@ann", "`@property`", "a @ b"])
def test_at_that_calls_nobody_is_kept(word):
    assert "@" in styled(word).text


@pytest.mark.row(56)
def test_address_that_opens_a_program_is_broken():
    assert "tg://" not in styled("see tg://resolve?domain=x").text
    assert "https://a.b" in styled("see https://a.b").text


@pytest.mark.row(56)
def test_pictures_of_others_are_never_shown():
    assert "e.com" not in html("![x](http://e.com/?q=secret)") + html("![](http://e.com/x.png)x")


def test_text_that_would_be_nothing_is_shown_as_it_is():
    assert styled("![](http://a.b)").text == "![](http://a.b)"
    assert html("![](http://a.b)") == "![](http://a.b)"


def test_table_that_would_not_fit_in_columns_gives_them_up():
    table = "|aaaaaaaa|b|\n|-|-|\n" + "|a|b|\n" * 20

    assert len(styled(table, room=200).text) <= 200
    assert "-+-" in styled(table, room=400).text


@pytest.mark.parametrize("depth", [30, 120, 3000])
def test_words_that_stand_very_deep_are_not_lost(depth):
    for mark in ("> ", "- ", ">", "1. "):
        assert styled(mark * depth + "word").text.endswith("word")
        assert "word" in html(mark * depth + "word")


def test_html_says_the_same():
    assert html(
        "# A\n\n1. **b**\n2. `c<`\n\n```py\nx & y\n```\n\n> [d](https://e.f/?g=1&h=2)\nj"
    ) == (
        '<h3>A</h3><ol start="1"><li><strong>b</strong></li><li><code>c&lt;</code></li></ol>'
        '<pre><code class="language-py">x &amp; y\n</code></pre>'
        '<blockquote><p><a href="https://e.f/?g=1&amp;h=2">d</a><br/>j</p></blockquote>'
    )


MARKS = ["**", "*", "_", "~~", "`", "```", "\n", "\n\n", "> ", "- ", "1. ", "# ", "|", "|-|-|\n"]
MARKS += [
    "[",
    "](https://a.b)",
    "](tg://x)",
    "![",
    "<b>",
    "&lt;",
    "\\",
    " ",
    "    ",
    "\t",
    "@",
    "\r",
]
MARKS += [
    "---",
    "<https://c.d>",
    "\x00",
    "\ud800",
    "\u2028",
    "👨‍👩‍👧",
    "一二",
    "word",
    "x",
    '"',
    "'",
]
marked = st.lists(st.sampled_from(MARKS), max_size=40).map("".join) | st.text(max_size=200)


@given(marked)
@example("**a `b` c** `d **e` f**")
@example("> ```\n>   x\n> ```\n> **b**")
@example("*a **b* c**")
def test_spans_lie_in_the_text_within_each_other_or_apart(markdown):
    found = styled(markdown)

    for span in found.spans:
        assert 0 <= span.start < span.end <= len(found.text)
        assert found.text[span.start : span.end].strip()
    for one, other in combinations(found.spans, 2):
        apart = one.end <= other.start or other.end <= one.start
        inside = one.start <= other.start and other.end <= one.end
        around = other.start <= one.start and one.end <= other.end
        assert apart or inside or around
        assert apart or one.kind != other.kind
        assert (
            apart
            or not {"code", "pre"} & {one.kind, other.kind} - {"quote"}
            or ("quote" in (one.kind, other.kind))
        )


@given(marked, st.integers(0, 60))
def test_shown_text_is_never_longer_than_allowed(markdown, room):
    def units(text):
        return len(text.encode("utf-16-le", "replace")) // 2

    assert units(styled(markdown, room=room).text) <= max(room, units(markdown))


@given(st.lists(st.sampled_from([mark for mark in MARKS if "a.b" not in mark]), max_size=30))
def test_no_word_is_lost(marks):
    markdown = "".join(marks) + "\n\nthe end"

    assert "end" in styled(markdown).text
    assert "end" in html(markdown)


ALLOWED = {
    **dict.fromkeys(["p", "br", "strong", "em", "del", "pre", "blockquote", "ul", "li"], ()),
    **dict.fromkeys(["table", "thead", "tbody", "tr", "th", "td"], ()),
    **dict.fromkeys(["hr", "h3", "h4", "h5", "h6"], ()),
    "a": ("href",),
    "code": ("class",),
    "ol": ("start",),
}


class Looker(HTMLParser):
    def handle_starttag(self, tag, attrs):
        assert all(name in ALLOWED[tag] for name, _ in attrs)
        for name, value in attrs:
            if name == "href":
                assert value.startswith(("http://", "https://", "mailto:"))


@given(marked)
@example('[x](https://a.b/"onclick=) `<script>`')
@example('```py"><script>\nx\n```')
@pytest.mark.row(56)
def test_html_is_well_formed_and_holds_allowed_tags_alone(markdown):
    found = html(markdown)

    ElementTree.fromstring(f"<all>{found}</all>")
    Looker().feed(found)
