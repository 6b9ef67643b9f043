"""How many characters a regular expression of RE2 matches at most.

It reads patterns that RE2 has taken already, so it looks for no mistakes.
"""

from __future__ import annotations

import re

# One thing that matches one character, or none, and is no group.
_ATOM = re.compile(
    r"""
      \\Q(?P<literal>.*?)(?:\\E|$)
    | (?P<nothing> \\[AzbB] | [\^$] )
    | (?P<one>
          \\[pP](?:\{[^}]*\}|.)            # a class of Unicode
        | \\x(?:\{[0-9a-fA-F]+\}|[0-9a-fA-F]{2})
        | \\[0-7]{1,3}
        | \\.
        | \[\^?\]?(?:\[:\^?\w+:\]|\\[pPx]\{[^}]*\}|\\.|[^\]\\])*\]
        | [^|()\\\[^$]
      )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*:))?", re.ASCII)
_FLAGS = re.compile(r"\(\?[imsU-]+\)")
_TIMES = re.compile(r"(?:(?P<sign>[*+?])|\{\d+(?P<open>,)?(?P<most>\d+)?\})\??")


def widest(pattern: str) -> int | None:
    """None: there is no limit."""
    width, end = _alternatives(pattern, 0)
    assert end == len(pattern), "RE2 takes no pattern with a group that is closed twice"
    return width


def _alternatives(pattern: str, at: int) -> tuple[int | None, int]:
    """Up to the end of the group that `at` is in, and where that is."""
    best: int | None = 0
    while True:
        width, at = _sequence(pattern, at)
        best = None if best is None or width is None else max(best, width)
        if at == len(pattern) or pattern[at] == ")":
            return best, at
        at += 1  # over the bar


def _sequence(pattern: str, at: int) -> tuple[int | None, int]:
    total: int | None = 0
    while at < len(pattern) and pattern[at] not in "|)":
        width, at = _piece(pattern, at)
        while times := _TIMES.match(pattern, at):
            width, at = _repeated(width, times), times.end()
        total = None if total is None or width is None else total + width
    return total, at


def _piece(pattern: str, at: int) -> tuple[int | None, int]:
    if flags := _FLAGS.match(pattern, at):
        return 0, flags.end()
    if opening := _OPENING.match(pattern, at):
        width, at = _alternatives(pattern, opening.end())
        return width, at + 1
    atom = _ATOM.match(pattern, at)
    assert atom is not None, "RE2 takes no pattern that does not consist of these"
    if (literal := atom["literal"]) is not None:
        return len(literal), atom.end()
    return int(atom["one"] is not None), atom.end()


def _repeated(width: int | None, times: re.Match[str]) -> int | None:
    if width == 0 or times["sign"] == "?":
        return width
    if times["sign"] or (times["open"] and not times["most"]):
        return None
    most = times["most"] if times["open"] else re.findall(r"\d+", times[0])[0]
    return None if width is None else width * int(most)
