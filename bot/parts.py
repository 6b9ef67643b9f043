"""A long text as the messages it takes: cut where it hurts least, in the platform's own unit.

A growing text is cut the same way at every length, so parts that are full never change again.
"""

from __future__ import annotations

import re
import unicodedata

from bot.platforms.base import Limits

# From the best border to the worst; a cut leaves at least half of a message filled.
_BORDERS = (
    re.compile(r"\n[ \t]*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？；…][”’」』）]?|[.!?;][\"')\]]?(?=\s)"),
    re.compile(r"[，、]|,(?=\s)|\s"),
)
_JOINER = "\u200d"
_MODIFIERS = ("\U0001f3fb", "\U0001f3ff")  # skin tones
_TAGS = ("\U000e0020", "\U000e007f")  # of flags such as Scotland's
_REGIONAL = ("\U0001f1e6", "\U0001f1ff")  # two of them make a flag


def cut(text: str, limits: Limits) -> list[str]:
    """The text without outer spaces, in messages; no message is empty, so none for no text."""
    parts = []
    rest = text.strip()
    while rest:
        end = _end(rest, limits)
        if part := rest[:end].rstrip():
            parts.append(part)
        line_is_over = rest[end - 1] == "\n"  # then spaces are the indentation of the next one
        rest = rest[end:].lstrip("\n" if line_is_over else None)
    return parts


def units(text: str, limits: Limits) -> int:
    if limits.unit == "character":
        return len(text)
    return len(text) + sum(letter > "\uffff" for letter in text)


def _end(text: str, limits: Limits) -> int:
    """How much of the text's beginning is one message."""
    room = _room(text, limits)
    if room == len(text):
        return room
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(text, 0, room + 1)]
        good = [end for end in ends if room // 2 < end <= room]
        if good:
            return good[-1]
    return _hard_border(text, room)


def _room(text: str, limits: Limits) -> int:
    """How many characters fit."""
    if limits.unit == "character":
        return min(len(text), limits.text_units)
    used = 0
    for place, letter in enumerate(text[: limits.text_units]):
        used += 2 if letter > "\uffff" else 1
        if used > limits.text_units:
            return place
    return min(len(text), limits.text_units)


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
