"""What a command answers: a sentence, or a sentence with rows for a chat or a terminal. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[str]

# What moves a terminal's cursor, or turns the order of letters round.
_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    rows: Sequence[Row] = ()

    def as_message(self) -> str:
        """Chats have letters of many widths, so no columns."""
        return "\n".join([self.title, *(" · ".join(filter(None, row)) for row in self.rows)])

    def as_table(self) -> str:
        return "\n".join([self.title, *self.lines()])

    def lines(self) -> list[str]:
        """Its rows in columns."""
        widths = [max(map(_width, column)) for column in zip(*self.rows, strict=True)]
        return [
            "  ".join(_wide(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in self.rows
        ]


def visible(text: str) -> str:
    """For a terminal, which takes some characters in strangers' words for orders."""
    return _UNSEEN.sub("\ufffd", text)


def _wide(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """In a terminal, where a Chinese character takes two places."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
