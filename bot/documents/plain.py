"""Texts without and with Markdown headings, in the encodings that Chinese files come in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from bot.documents.block import BadDocument, Block, tidy

_MARKS = (  # the longer ones first: the mark of UTF-16 is the beginning of UTF-32's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\0-\x08\x0e-\x1f]")
_MOST_CONTROL = 0.01  # of all characters; more, and it is no text
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_GAP = re.compile(r"\n\s*\n")


def decode(data: bytes) -> str:
    """Raises BadDocument."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data, (encoding,))
    return _decode(data, ("utf-8", "gb18030"))


def read_text(text: str) -> list[Block]:
    """Paragraphs stand apart by an empty line; if none do, each line is one."""
    text = tidy(text)
    parts = _GAP.split(text) if _GAP.search(text.strip()) else text.split("\n")
    paragraphs = (part.strip() for part in parts)
    return [
        Block(f"¶ {number}", paragraph)
        for number, paragraph in enumerate(filter(None, paragraphs), 1)
    ]


def read_markdown(text: str) -> list[Block]:
    blocks: list[Block] = []
    for heading, body in _sections(tidy(text)):
        paragraphs = filter(None, (part.strip() for part in _GAP.split(body)))
        for paragraph in paragraphs:
            place = heading or f"¶ {len(blocks) + 1}"
            blocks.append(Block(place, paragraph, heading))
    return blocks


def _decode(data: bytes, encodings: tuple[str, ...]) -> str:
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(_CONTROL.findall(text)) <= _MOST_CONTROL * len(text):
            return text
    raise BadDocument("broken")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(the headings above it, what stands below); a # within a code fence is no heading."""
    path: list[tuple[int, str]] = []
    body: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if mark := _FENCE.match(line):
            fence = "" if mark[1] == fence else fence or mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading is None:
            body.append(line)
            continue
        yield trail(path), "\n".join(body)
        body = []
        path = [*above(path, len(heading[1])), (len(heading[1]), heading[2])]
    yield trail(path), "\n".join(body)


def above(path: list[tuple[int, str]], level: int) -> list[tuple[int, str]]:
    """The headings that a new one of this level stands below."""
    return [one for one in path if one[0] < level]


def trail(path: list[tuple[int, str]]) -> str:
    return " › ".join(name for _, name in path)
