"""Reads Markdown as models write it, and takes out of it what could act on its own.

No picture is loaded, nobody is called by "@", a link leads to the web or to a mail.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode as Node

_MOST_CHARACTERS = 16_384  # longer texts take the parser too long; they stay as they are
_MOST_NESTED = 100  # beyond that the parser drops text, so deeper texts stay as they are
_TOO_DEEP = re.compile(r"^[ \t>*+\-0-9.)]{90}", re.MULTILINE)
_SCHEMES = frozenset({"http", "https", "mailto"})
# What no text needs and some receivers refuse: controls, what is no character.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_ACTIVE = re.compile(r"(?P<web>https?://\S+)|(?<!\w)@(?=\w|\Z)|(?<=\btg):(?=//)|(?<=\bton):(?=//)")
_INERT = {"@": "＠", ":": "："}


def parse(source: str) -> Node | None:
    """None: better left alone."""
    if len(source) > _MOST_CHARACTERS or _TOO_DEEP.search(source):
        return None
    return Node(_parser().parse(source))


def readable(text: str) -> str:
    """As any receiver takes it. Halves of pairs that a model wrote in two pieces are joined; Python
    keeps them apart, and a single one cannot even be encoded."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWANTED.sub("", joined.replace("\r\n", "\n").replace("\r", "\n"))


def inert(text: str) -> str:
    """Of the same length, and nothing in it calls people or opens a program."""
    return _ACTIVE.sub(lambda found: found["web"] or _INERT[found[0]], text)


def address_of(link: Node) -> str:
    """Empty where it leads anywhere but to the web or a mail."""
    address = str(link.attrs.get("href", ""))
    try:
        parts = urlsplit(address)
        known = parts.scheme in _SCHEMES and bool(parts.hostname or parts.scheme == "mailto")
    except ValueError:
        return ""
    return address if known else ""


def language_of(fence: Node) -> str:
    return "".join(re.findall(r"^[\w+#.-]{1,32}", fence.info.strip()))


def plain(node: Node) -> str:
    """What is read of it, without any style."""
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak" | "hardbreak":
            return " "
        case _:
            return "".join(map(plain, node.children))


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "maxNesting": _MOST_NESTED}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    return parser.disable("reference")  # it swallows lines such as "[note]: red"
