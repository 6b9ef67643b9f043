"""Paragraphs to passages: long enough to say something, short enough for several in one prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from bot.documents.block import Block

LEAST = 200  # characters; a passage that has them ends with its paragraph
MOST = 400
_REST = 60  # a shorter end of a group goes with what is before it
_SENTENCE = re.compile(r".*?(?:[。！？!?；;…]+[”’」』）)\"']*|\.(?=\s)|$)\s*", re.DOTALL)


def cut(blocks: Iterable[Block]) -> list[tuple[str, str]]:
    """(place where it begins, text), in their order."""
    found: list[tuple[str, str]] = []
    for (heading, _), group in groupby(blocks, key=lambda block: (block.heading, block.group)):
        head = f"{heading}\n" if heading else ""
        found += [(place, head + text) for place, text in _passages(list(group))]
    return found


def _passages(blocks: list[Block]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, text = "", ""
    for block in blocks:
        for part in _parts(block.text):
            if text and len(text) + len(part) > MOST:
                found.append((place, text.strip()))
                text = ""
            place = place if text else block.place
            text += part
        if len(text) >= LEAST:
            found.append((place, text.strip()))
            text = ""
        elif text:
            text += "\n"
    return _with_rest(found, place, text.strip())


def _with_rest(found: list[tuple[str, str]], place: str, rest: str) -> list[tuple[str, str]]:
    if rest and len(rest) < _REST and found:
        before, text = found[-1]
        return [*found[:-1], (before, f"{text}\n{rest}")]
    return [*found, (place, rest)] if rest else found


def _parts(paragraph: str) -> Iterator[str]:
    """Its sentences; one that is too long is cut, at a space or comma if there is one."""
    for found in _SENTENCE.finditer(paragraph.strip()):
        sentence = found[0]
        while len(sentence) > MOST:
            border = max(sentence.rfind(mark, LEAST, MOST) for mark in "，,、 \n")
            end = border + 1 if border > 0 else MOST
            yield sentence[:end]
            sentence = sentence[end:]
        if sentence:
            yield sentence
