"""A long text as the messages it takes: cut where it hurts least, in the platform's own unit.

A growing text is cut the same way at every length, so parts that are full never change again. A
block of code that must be cut is closed in its part and opened again in the next one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bot.markdown import readable
from bot.platforms.base import Limits

# How much a cut hurts; a cut leaves at least half of a message filled.
_PARAGRAPH, _LINE, _MIDST, _CODE, _SENTENCE, _WORD = range(6)
_WITHIN_LINES = (
    (_SENTENCE, re.compile(r"[。！？；…][”’」』）]?|[.!?;][\"')\]]?(?=\s)")),
    (_WORD, re.compile(r"[，、]|,(?=\s)|\s")),
)
_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^\s`]{0,32})")
_ITEM = re.compile(r"[ \t]*([-*+]|\d{1,9}[.)])[ \t]")
_JOINER = "\u200d"
_MODIFIERS = ("\U0001f3fb", "\U0001f3ff")  # skin tones
_TAGS = ("\U000e0020", "\U000e007f")  # of flags such as Scotland's
_REGIONAL = ("\U0001f1e6", "\U0001f1ff")  # two of them make a flag


@dataclass(frozen=True, slots=True)
class _Fence:
    """How a block of code began."""

    closing: str  # the line that ends it
    language: str

    @property
    def opening(self) -> str:
        return self.closing + self.language

    def ends_with(self, line: str) -> bool:
        marks, bare = self.closing.strip(), line.strip()
        indented = len(line) - len(line.lstrip(" ")) > 3
        return not indented and bare.startswith(marks) and not bare.strip(marks[0])


def cut(text: str, limits: Limits) -> list[str]:
    """The text without outer spaces, in messages; no message is empty, so none for no text."""
    parts = []
    rest, fence = readable(text).strip(), None
    while rest:
        head = f"{fence.opening}\n" if fence else ""
        end, after = _end(rest, fence, limits)
        if part := rest[:end].rstrip():
            foot = f"\n{after.closing}" if after else ""
            parts.append(f"{head}{part}{foot}")
        line_is_over = rest[end - 1] == "\n"  # then spaces are the indentation of the next one
        rest = rest[end:].lstrip("\n" if line_is_over else None)
        rest, fence = _without_end(rest, after)
    return parts


def units(text: str, limits: Limits) -> int:
    if limits.unit == "character":
        return len(text)
    return len(text) + sum(letter > "\uffff" for letter in text)


def _end(text: str, fence: _Fence | None, limits: Limits) -> tuple[int, _Fence | None]:
    """How much of the text's beginning is one message, and the block of code that is cut there."""
    most = limits.text_units - (units(fence.opening, limits) + 1 if fence else 0)
    foot = 0
    while True:
        room = _room(text, most - foot, limits)
        if room == len(text):
            return room, None
        end = _best_border(text, room, fence)
        after = _fence_after(text[:end], fence, limits)
        line_breaks = text[end - 1] == "\n"  # or the end of the code needs one more
        needed = units(after.closing, limits) + (not line_breaks) if after else 0
        if needed <= foot:
            return end, after
        foot = needed


def _without_end(rest: str, fence: _Fence | None) -> tuple[str, _Fence | None]:
    """A block of code of which only the end is left needs not be opened again."""
    line, _, more = rest.partition("\n")
    if fence and fence.ends_with(line):
        return more.lstrip("\n"), None
    return rest, fence


def _fence_after(text: str, fence: _Fence | None, limits: Limits) -> _Fence | None:
    """The block of code that is open behind the text; one that takes much room is no such block."""
    for line in text.split("\n"):
        fence = _next_fence(line, fence)
    if fence and 2 * units(fence.opening + fence.closing, limits) + 4 > limits.text_units:
        return None
    return fence


def _next_fence(line: str, fence: _Fence | None) -> _Fence | None:
    if fence:
        return None if fence.ends_with(line) else fence
    found = _FENCE.match(line)
    return _Fence(found[1] + found[2], found[3]) if found else None


def _room(text: str, most: int, limits: Limits) -> int:
    """How many characters fit."""
    if limits.unit == "character":
        return min(len(text), most)
    used = 0
    for place, letter in enumerate(text[:most]):
        used += 2 if letter > "\uffff" else 1
        if used > most:
            return place
    return min(len(text), most)


def _best_border(text: str, room: int, fence: _Fence | None) -> int:
    seen = text[: room + 1]  # what comes later must make no difference
    borders = [(hurts, -end) for hurts, end in _borders(seen, fence) if room // 2 < end <= room]
    return -min(borders)[1] if borders else _hard_border(text, room)


def _borders(text: str, fence: _Fence | None) -> Iterator[tuple[int, int]]:
    """How much a cut there would hurt, and where it is."""
    lines = text.split("\n")
    end = 0
    for before, after in pairwise(lines):
        end += len(before) + 1
        was, fence = fence, _next_fence(before, fence)
        yield _hurt(before, after, code_before=was is not None, code=fence is not None), end
    for hurts, border in _WITHIN_LINES:
        for found in border.finditer(text):
            yield hurts, found.end()


def _hurt(before: str, after: str, *, code_before: bool, code: bool) -> int:
    """Of a cut between two lines; `code`: they stand in one block of code."""
    if code:
        return _CODE if before.strip() else _MIDST
    if code_before or _FENCE.match(after):
        return _PARAGRAPH
    if after[:1] in (" ", "\t") and not _ITEM.match(after):
        return _MIDST
    if "|" in before and "|" in after:
        return _MIDST
    return _LINE if before.strip() else _PARAGRAPH


def _hard_border(text: str, room: int) -> int:
    """The last place that tears no visible character apart, if there is one."""
    for place in range(room, room // 2, -1):
        if not _belong_together(text, place):
            return place
    return room


def _belong_together(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if before == _JOINER or after == _JOINER:
        return True
    if unicodedata.category(after) in ("Mn", "Me", "Mc"):  # accents, variation selectors
        return True
    if _within(after, _MODIFIERS) or _within(after, _TAGS) or (before, after) == ("\r", "\n"):
        return True
    return _within(after, _REGIONAL) and _flags_before(text, place) % 2 == 1


def _flags_before(text: str, place: int) -> int:
    number = 0
    while number < place and _within(text[place - 1 - number], _REGIONAL):
        number += 1
    return number


def _within(letter: str, ends: tuple[str, str]) -> bool:
    return ends[0] <= letter <= ends[1]
