"""Markdown as models write it: as plain text with styled spans, or as HTML that holds no surprise.

Nothing in it may act on its own: no picture is loaded, nobody is called by "@", a link leads to
the web or to a mail and is what people press, not what they see.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import zip_longest
from typing import Literal
from urllib.parse import unquote

from markdown_it.tree import SyntaxTreeNode as Node

from bot.markdown import address_of, inert, language_of, parse, plain, readable

Kind = Literal["bold", "italic", "strike", "code", "pre", "link", "quote"]

_RULE = "———"
_TABLE_COLUMNS = 40  # wider than that, telephones break the lines of a table
_TAGS = {"paragraph": "p", "em": "em", "strong": "strong", "s": "del", "blockquote": "blockquote"}
_TAGS |= {"bullet_list": "ul", "list_item": "li", "table": "table", "thead": "thead"}
_TAGS |= {"tbody": "tbody", "tr": "tr", "th": "th", "td": "td"}
_LARGEST_HEADING = 3  # the largest ones are far larger than what people write
_TAG = re.compile(r"<[^>]*>")
_SPLIT_BY_CODE = ("bold", "italic", "strike")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a text, from `start` to before `end`."""

    start: int
    end: int
    kind: Kind
    value: str = ""  # pre: the language; link: an address of the web


@dataclass(frozen=True, slots=True)
class Styled:
    """Spans lie within each other or apart; code and pre hold none."""

    text: str
    spans: tuple[Span, ...] = ()


def styled(markdown: str, *, room: int = 4096) -> Styled:
    """At most `room` UTF-16 units, or no more than the Markdown itself has."""
    source = readable(markdown)
    most = max(room, _units(source))
    root = parse(source)
    for aligned in (True, False):
        found = _Writer(source, aligned=aligned).write(root) if root else Styled("")
        if found.text and _units(found.text) <= most:
            return found
    return Styled(inert(source).strip())


def html(markdown: str) -> str:
    """With the tags that Matrix's org.matrix.custom.html allows, and well-formed."""
    source = readable(markdown)
    root = parse(source)
    found = "".join(map(_html, root.children)) if root else ""
    if _TAG.sub("", found).strip() or "<hr/>" in found:
        return found
    return _escaped(inert(source).strip()).replace("\n", "<br/>")


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


@dataclass(frozen=True, slots=True, eq=False)
class _Style:
    kind: Kind
    value: str = ""


@dataclass(slots=True)
class _Writer:
    """Writes down runs of text, each with the styles it stands in."""

    source: str
    aligned: bool
    lines: list[str] = field(init=False)
    runs: list[tuple[str, tuple[_Style, ...]]] = field(default_factory=list)
    styles: tuple[_Style, ...] = ()

    def __post_init__(self) -> None:
        self.lines = self.source.split("\n")

    def write(self, root: Node) -> Styled:
        self._blocks(root.children, depth=0)
        text = "".join(words for words, _ in self.runs)
        return _trimmed(text, list(_spans(self.runs)))

    def _say(self, words: str) -> None:
        if words:
            self.runs.append((words, self.styles))

    def _within(self, style: _Style, write: Callable[[], None]) -> None:
        before = self.styles
        self.styles = (*before, style)
        write()
        self.styles = before

    def _blocks(self, nodes: list[Node], depth: int) -> None:
        for number, node in enumerate(nodes):
            if number:
                self._say("\n\n" if self._is_apart(node) else "\n")
            self._block(node, depth)

    def _is_apart(self, node: Node) -> bool:
        """An empty line stands before it."""
        return node.map is not None and not self.lines[node.map[0] - 1].strip(" \t>")

    def _block(self, node: Node, depth: int) -> None:
        match node.type:
            case "heading":
                self._within(_Style("bold"), lambda: self._inlines(node))
            case "fence" | "code_block":
                language = language_of(node) if node.type == "fence" else ""
                code = node.content.rstrip("\n")
                self._within(_Style("pre", language), lambda: self._say(code))
            case "blockquote":
                self._within(_Style("quote"), lambda: self._blocks(node.children, depth))
            case "bullet_list" | "ordered_list":
                self._list(node, depth)
            case "table":
                self._table(node)
            case "hr":
                self._say(_RULE)
            case _:
                self._inlines(node)

    def _list(self, node: Node, depth: int) -> None:
        first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for number, item in enumerate(node.children):
            if number:
                self._say("\n\n" if self._is_apart(item) else "\n")
            mark = "•" if first is None else f"{first + number}."
            self._say(f"{'  ' * depth}{mark} ")
            self._blocks(item.children, depth + 1)

    def _table(self, node: Node) -> None:
        rows = [row.children for part in node.children for row in part.children]
        lines = _columns([[plain(cell).strip() for cell in row] for row in rows])
        if self.aligned and all(_width(line) <= _TABLE_COLUMNS for line in lines):
            self._within(_Style("pre"), lambda: self._say("\n".join(lines)))
            return
        for number, row in enumerate(rows):
            self._say("\n" if number else "")
            for place, cell in enumerate(row):
                self._say(" | " if place else "")
                self._inline(cell)

    def _inlines(self, node: Node) -> None:
        for child in node.children:
            self._inline(child)

    def _inline(self, node: Node) -> None:
        match node.type:
            case "text":
                self._say(inert(node.content))
            case "code_inline":
                self._within(_Style("code"), lambda: self._say(node.content))
            case "softbreak" | "hardbreak":
                self._say("\n")
            case "image":
                self._say(inert(plain(node)))
            case "link" if address_of(node).startswith("mailto:"):
                self._mail(node)
            case "link" if address := address_of(node):
                self._within(_Style("link", address), lambda: self._inlines(node))
            case "em":
                self._within(_Style("italic"), lambda: self._inlines(node))
            case "strong" | "th":
                self._within(_Style("bold"), lambda: self._inlines(node))
            case "s":
                self._within(_Style("strike"), lambda: self._inlines(node))
            case _:
                self._inlines(node)

    def _mail(self, node: Node) -> None:
        """With its address, since chats make links to the web only."""
        self._inlines(node)
        written = address_of(node).removeprefix("mailto:").partition("?")[0]
        receiver = readable(unquote(written))
        if receiver and receiver not in plain(node):
            self._say(inert(f" ({receiver})"))


def _columns(rows: list[list[str]]) -> list[str]:
    """A table in letters of the same width, the head underlined."""
    widths = [max(map(_width, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = [
        " | ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
        )
        for row in rows
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return [line.rstrip() for line in lines]


def _width(text: str) -> int:
    """Letters of Chinese take two places."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _spans(runs: list[tuple[str, tuple[_Style, ...]]]) -> Iterator[Span]:
    open_at: dict[_Style, int] = {}
    place = 0
    for words, styles in [*runs, ("", ())]:
        shown = _shown(styles)
        for style in [style for style in open_at if style not in shown]:
            yield Span(open_at.pop(style), place, style.kind, style.value)
        for style in shown:
            open_at.setdefault(style, place)
        place += len(words)


def _shown(styles: tuple[_Style, ...]) -> tuple[_Style, ...]:
    """Chats know no quote within a quote and nothing within code; a link is no code."""
    outermost = {style.kind: style for style in reversed(styles)}
    if "link" in outermost:
        hidden: tuple[str, ...] = ("code",)
    elif outermost.keys() & {"code", "pre"}:
        hidden = _SPLIT_BY_CODE
    else:
        hidden = ()
    return tuple(style for kind, style in outermost.items() if kind not in hidden)


def _trimmed(text: str, spans: list[Span]) -> Styled:
    """Without outer empty lines, and no span begins or ends with a space that means nothing."""
    begin = len(text) - len(text.lstrip("\n"))
    tight = []
    for span in spans:
        words = text[span.start : span.end]
        indented = span.kind in ("pre", "code", "quote")
        start = span.end - len(words.lstrip("\n" if indented else None))
        end = span.start + len(words.rstrip())
        if start < end:
            tight.append(Span(start - begin, end - begin, span.kind, span.value))
    tight.sort(key=lambda span: (span.start, -span.end, span.kind not in ("quote", "link")))
    return Styled(text[begin:].rstrip(), tuple(tight))


def _html(node: Node) -> str:
    match node.type:
        case "text":
            return _escaped(inert(node.content))
        case "softbreak" | "hardbreak":
            return "<br/>"
        case "image":
            return _escaped(inert(plain(node)))
        case "code_inline":
            return f"<code>{_escaped(node.content)}</code>"
        case "fence" | "code_block":
            return _code_html(node)
        case "hr":
            return "<hr/>"
    inner = "".join(map(_html, node.children))
    match node.type:
        case "link" if address := address_of(node):
            return f'<a href="{_escaped(address)}">{inner}</a>'
        case "heading":
            level = min(max(int(node.tag[1:]), _LARGEST_HEADING), 6)
            return f"<h{level}>{inner}</h{level}>"
        case "ordered_list":
            return f'<ol start="{int(node.attrs.get("start", 1))}">{inner}</ol>'
        case "paragraph" if node.hidden:
            return inner
    tag = _TAGS.get(node.type)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _code_html(node: Node) -> str:
    language = language_of(node) if node.type == "fence" else ""
    mark = f' class="language-{_escaped(language)}"' if language else ""
    return f"<pre><code{mark}>{_escaped(node.content)}</code></pre>"


def _escaped(text: str) -> str:
    return escape(text, quote=True)
