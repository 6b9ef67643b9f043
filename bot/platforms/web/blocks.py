"""Turns an answer's Markdown into a tree of blocks, from which the page builds its nodes.

A block:   {"t": "p", "c": [inline]}
           {"t": "h", "level": 1-6, "c": [inline]}
           {"t": "code", "lang": "python", "text": "..."}       lang may be ""
           {"t": "ul", "c": [[block], ...]}                      one list of blocks an item
           {"t": "ol", "start": 1, "c": [[block], ...]}
           {"t": "quote", "c": [block]}
           {"t": "table", "align": ["", "left", "center", "right"], "head": [[inline], ...],
            "rows": [[[inline], ...], ...]}
           {"t": "hr"}
An inline: {"t": "text", "text": "..."}   {"t": "code", "text": "..."}   {"t": "br"}
           {"t": "strong" | "em" | "del", "c": [inline]}
           {"t": "link", "href": "https://...", "c": [inline]}   http, https, mailto alone
A picture is a text node of its words and address; HTML is text; nothing else ever comes through.
A message whose text is meant as it stands has "blocks": null, and the page shows "text".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from markdown_it.tree import SyntaxTreeNode as Node

from bot.markdown import address_of, language_of, parse, plain, readable

Tree = list[dict[str, Any]]  # Any: text, numbers and further trees, as described above

_DEEPEST = 24  # deeper than anybody writes; what stands below is shown as its words
_STYLES = {"strong": "strong", "em": "em", "s": "del"}
_SIDES = {"text-align:left": "left", "text-align:center": "center", "text-align:right": "right"}
_MOST_START = 999_999_999


def render_blocks(markdown: str) -> Tree | None:
    """None: too long or too deep to be read as Markdown."""
    root = parse(readable(markdown))
    return None if root is None else _blocks(root.children, _DEEPEST)


def _blocks(nodes: Iterable[Node], room: int) -> Tree:
    return [_block(node, room) for node in nodes]


def _block(node: Node, room: int) -> dict[str, Any]:  # Any: see Tree
    if room == 0:
        return {"t": "p", "c": [_text(plain(node))]}
    match node.type:
        case "heading":
            return {"t": "h", "level": int(node.tag[1:]), "c": _inlines(node, room)}
        case "fence" | "code_block":
            language = language_of(node) if node.type == "fence" else ""
            return {"t": "code", "lang": language, "text": node.content.rstrip("\n")}
        case "bullet_list":
            return {"t": "ul", "c": _items(node, room)}
        case "ordered_list":
            start = min(int(node.attrs.get("start", 1)), _MOST_START)
            return {"t": "ol", "start": start, "c": _items(node, room)}
        case "blockquote":
            return {"t": "quote", "c": _blocks(node.children, room - 1)}
        case "table":
            return _table(node, room)
        case "hr":
            return {"t": "hr"}
        case _:
            return {"t": "p", "c": _inlines(node, room)}


def _items(node: Node, room: int) -> list[Tree]:
    return [_blocks(item.children, room - 1) for item in node.children]


def _table(node: Node, room: int) -> dict[str, Any]:  # Any: see Tree
    head, *rows = (row.children for part in node.children for row in part.children)
    return {
        "t": "table",
        "align": [_SIDES.get(str(cell.attrs.get("style", "")), "") for cell in head],
        "head": [_inlines(cell, room) for cell in head],
        "rows": [[_inlines(cell, room) for cell in row] for row in rows],
    }


def _inlines(node: Node, room: int) -> Tree:
    """Texts that follow each other become one."""
    tree: Tree = []
    for piece in _pieces(node.children, room):
        if piece["t"] == "text" and tree and tree[-1]["t"] == "text":
            tree[-1]["text"] += piece["text"]
        elif piece.get("text") != "":
            tree.append(piece)
    return tree


def _pieces(nodes: Iterable[Node], room: int) -> Iterator[dict[str, Any]]:  # Any: see Tree
    for node in nodes:
        if room == 0:
            yield _text(plain(node))
            continue
        match node.type:
            case "inline":
                yield from _pieces(node.children, room)
            case "text":
                yield _text(node.content)
            case "code_inline":
                yield {"t": "code", "text": node.content}
            case "softbreak" | "hardbreak":  # people who write to a chat mean each line
                yield {"t": "br"}
            case "image":
                yield _text(_picture(node))
            case "link":
                yield from _link(node, room)
            case kind if kind in _STYLES:
                yield {"t": _STYLES[kind], "c": _inlines(node, room - 1)}
            case _:
                yield _text(plain(node))


def _link(node: Node, room: int) -> Iterator[dict[str, Any]]:  # Any: see Tree
    inner = _inlines(node, room - 1)
    if address := address_of(node):
        yield {"t": "link", "href": address, "c": inner or [_text(address)]}
    else:
        yield from inner
        yield _text(f" ({node.attrs.get('href', '')})")


def _picture(node: Node) -> str:
    """As words: nothing is loaded."""
    words, address = plain(node), str(node.attrs.get("src", ""))
    return f"{words} ({address})" if words and address else words or address


def _text(words: str) -> dict[str, Any]:  # Any: see Tree
    return {"t": "text", "text": words}
