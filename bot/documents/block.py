"""What the readers of all kinds give: paragraphs in their order; and why a file is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

DocumentFault = Literal[
    "kind",
    "empty",
    "no_text",
    "locked",
    "broken",
    "too_large",
    "too_long",
    "too_many_pages",
    "too_many_rows",
    "timeout",
    "unreachable",
]

# What has no shape or turns the order of letters round; line ends and tabs stay.
_UNSEEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\u202a-\u202e\u2066-\u2069]"
)


class BadDocument(Exception):
    """The numbers: bytes for too_large, characters for too_long, else pages, rows, seconds."""

    def __init__(self, reason: DocumentFault, *, value: float = 0, limit: float = 0) -> None:
        super().__init__(f"document refused: {reason} (value {value:g}, limit {limit:g})")
        self.reason, self.value, self.limit = reason, value, limit


@dataclass(frozen=True, slots=True)
class Block:
    place: str
    text: str
    heading: str = ""  # it stands at the head of every passage below it
    group: str = ""  # a page, a sheet: no passage reaches from one into the next


def tidy(text: str) -> str:
    """Without characters that nobody sees; line ends are all the same."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
