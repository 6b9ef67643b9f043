"""Numbers and addresses of people in texts: where they stand, covered up, also while a text still
streams. Names of people and addresses of houses are not known here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from inference.safety.personal.numbers import Found, Kind
from inference.safety.personal.scan import LOOK_BACK, open_from, scan

__all__ = ["Found", "Kind", "PersonalStage", "find", "mask"]

COVER = "*"

# One character for one: what is wide, of no width or another dash, and could stand in a number.
_FOLDED = (
    {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B))}
    | {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF41, 0xFF5B), 0xFF20, 0xFF0B, 0xFF0E)}
    | {chr(code): chr(code - 0xFEE0) for code in (0xFF08, 0xFF09, 0xFF0D, 0xFF3F, 0xFF05)}
    | dict.fromkeys("\u00a0\u3000\u202f" + "".join(map(chr, range(0x2000, 0x200B))), " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63", "-")
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", "\u200b")
)
_FOLDABLE = re.compile("[" + re.escape("".join(_FOLDED)) + "]")


def find(text: str, kinds: Collection[Kind], never: Sequence[str] = ()) -> list[Found]:
    """What is to be covered, in its order; no two of them overlap. `never`: as for `mask`."""
    folded = _fold(text)
    found = _without(scan(folded, kinds), folded, never)
    return [one for one in found if one.cover[0] < one.cover[1]]


def mask(text: str, kinds: Collection[Kind], never: Sequence[str] = ()) -> str:
    """Of the same length: 138****5678, l***@qq.com. Masking twice changes nothing. `never`: the
    organisation's own numbers and addresses; "@example.org" stands for all of that domain."""
    if not kinds:
        return text
    folded = _fold(text)
    return _cover(text, _without(scan(folded, kinds), folded, never))


class PersonalStage:
    """The same for a text in pieces: what comes out, put together, is what `mask` makes of all of
    it. It holds back the number or the word that the text ends with for now."""

    def __init__(self, kinds: Collection[Kind], never: Sequence[str] = ()) -> None:
        self._kinds, self._never = kinds, never
        self._before = ""  # shown already, and looked back at
        self._held = ""

    def feed(self, text: str) -> str:
        return self._show(text, is_end=False)

    def close(self) -> str:
        return self._show("", is_end=True)

    def _show(self, text: str, *, is_end: bool) -> str:
        text = self._before + self._held + text
        folded, begin = _fold(text), len(self._before)
        found = list(scan(folded, self._kinds, begin))
        end = len(text) if is_end else open_from(folded, begin)
        for one in found:
            if one.start < end < one.end:
                end = one.start
        shown = _cover(text, _without((f for f in found if f.end <= end), folded, self._never))
        self._before, self._held = text[max(end - LOOK_BACK, 0) : end], text[end:]
        return shown[begin:end]


def _fold(text: str) -> str:
    return _FOLDABLE.sub(lambda character: _FOLDED[character[0]], text)


def _cover(text: str, found: Iterable[Found]) -> str:
    pieces, at = [], 0
    for one in found:
        begin, end = one.cover
        pieces += [text[at:begin], COVER * (end - begin)]
        at = end
    return "".join([*pieces, text[at:]])


def _without(found: Iterable[Found], folded: str, never: Sequence[str]) -> Iterable[Found]:
    if not never:
        return found
    own = {_plain(one) for one in never}
    return (one for one in found if not _is_own(folded[one.start : one.end], own))


def _is_own(text: str, own: Collection[str]) -> bool:
    plain = _plain(text)
    return plain in own or ("@" in plain and plain[plain.index("@") :] in own)


def _plain(text: str) -> str:
    """An address in small letters; of a number the digits alone, without the country's 86."""
    folded = _fold(text).strip().lower()
    if "@" in folded:
        return folded
    digits = "".join(re.findall("[0-9a-z]", folded))
    home = re.fullmatch("(?:0086|86)(1[0-9]{10})", digits)
    return home[1] if home is not None else digits
