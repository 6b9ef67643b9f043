"""An operator's rules as regular expressions, in time linear to the text, and held back in answers
for as long as one may still come to match."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import re2  # type: ignore[import-untyped]  # it has none

from inference.safety.wordlists.hit import Hit, Rule
from inference.safety.wordlists.width import widest

Side = Literal["questions", "answers"]

_MOST_MEMORY = 16 << 20  # bytes for one pattern's automaton; RE2 falls back to a slower one above
# An answer is held back by as many characters as its longest pattern may match.
MOST_HELD = 200
# One character for one, so that places stay places.
_NARROW = {0xFF00 + code: chr(0x20 + code) for code in range(1, 0x5F)} | {0x3000: " "}
_WIDE = re.compile(r"\\?([\uFF01-\uFF5E\u3000])")


class BadPattern(Exception):
    """Says what is wrong and what to do; reads on after "the pattern ... which"."""


class Pattern:
    def __init__(self, name: str, pattern: str, category: str, sides: Sequence[Side]) -> None:
        """Raises BadPattern."""
        self.name, self.category, self.sides = name, category, tuple(sides)
        folded = _WIDE.sub(_literal, pattern)
        self._compiled = _compile(folded)
        self.width = widest(folded) or 0
        if "answers" in sides and not 0 < self.width <= MOST_HELD:
            raise BadPattern(_TOO_WIDE)

    def spans(self, text: str, start: int = 0) -> list[tuple[int, int]]:
        """Left to right, one after the other; empty ones left out. Full-width characters match as
        the narrow ones that they stand for."""
        if not text.isascii():  # half a character, which UTF-8 cannot have, is none of a pattern
            text = text.translate(_NARROW).encode("utf-8", "replace").decode()
        found = (match.span() for match in self._compiled.finditer(text, start))
        return [span for span in found if span[0] < span[1]]


_TOO_WIDE = (
    "may match more characters than an answer can hold back while it is written, or none at all;"
    f' write {{1,20}} for + and {{0,20}} for *, {MOST_HELD} in all, or set where = "questions"'
)


class PatternScan:
    """An answer in pieces. A match is known only when everything that it may reach is there, so
    what comes out does not depend on how the answer was cut."""

    def __init__(self, pattern: Pattern, rule: Rule) -> None:
        self._pattern = pattern
        self._rule = rule
        self._text = ""  # from one character before what is not decided yet
        self._begins = 0  # where `_text` begins in the answer
        self._next = 0  # no match begins before this, in the answer

    @property
    def open_from(self) -> int:
        """What stands from here on may still become part of a match that holds."""
        if not self._rule.holds:
            return self._begins + len(self._text)
        return max(self._next, self._begins + len(self._text) - self._pattern.width)

    def feed(self, piece: str) -> list[Hit]:
        self._text += piece
        return self._decide(len(self._text) - self._pattern.width - 1)

    def close(self) -> list[Hit]:
        return self._decide(len(self._text))

    def _decide(self, last: int) -> list[Hit]:
        """Those that begin at `last` in the text at the latest."""
        hits = []
        if last >= 0:
            for start, end in self._pattern.spans(self._text, self._next - self._begins):
                if start > last:
                    break
                hits.append(Hit(self._begins + start, self._begins + end, self._rule))
                self._next = self._begins + end
            self._next = max(self._next, self._begins + last + 1)
            self._forget()
        return hits

    def _forget(self) -> None:
        """All but one character, by which \\b knows what came before."""
        cut = min(self._next - self._begins, len(self._text)) - 1
        if cut > 0:
            self._text = self._text[cut:]
            self._begins += cut


def _literal(wide: re.Match[str]) -> str:
    """The narrow one, which means nothing else in a pattern either."""
    narrow = wide[1].translate(_NARROW)
    return narrow if narrow.isalnum() or narrow in " _" else f"\\{narrow}"


def _compile(pattern: str) -> Any:  # Any: the package has no types
    options = re2.Options()
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise BadPattern(
            f"RE2 does not take ({said}); it has no look-around and no back references, see"
            " https://github.com/google/re2/wiki/Syntax"
        ) from None
