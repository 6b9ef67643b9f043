"""Characters as the lists see them: one writing for width, case, marks and both Chinese scripts.

A text becomes a row of symbols. Letters and figures are symbols; what joins or decorates them is
none. Words of scripts that put spaces between them stand between two edges, so that "pen is" and
"penis" differ, and "b-o-m-b" is four words of one letter. A break keeps together what may match.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import opencc

EDGE = "\x01"  # where a word begins or ends
BREAK = "\x02"  # stands in no phrase, so no phrase goes over it

_JOINED, _WORD, _NOTHING, _SIGN, _SPACE, _DOT, _END = range(7)
_MOST_SIGNS = 8  # in a row, between two characters of one phrase
_MOST_UNSEEN = 64  # the same for what cannot be seen, and of the canary for anything
_MOST_KEPT = 65_536
_SENTENCE_ENDS = frozenset("。！？!?\n\r\v\f\x85\u2028\u2029｡")
_UNSEEN = frozenset("\u115f\u1160\u3164\uffa0")  # letters by their class, but blank
# The letter A of those rows of letters that Unicode has for signs: circled, squared, of flags.
_PICTURED = (0x1F150, 0x1F170, 0x1F1E6)
# First and last of the scripts that put no spaces between words.
_JOINED_SCRIPTS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x31FF),  # kana, bopomofo
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class Folding(dict[str, tuple[int, str]]):
    """What each character is, and its symbols; found once, when it is first asked for."""

    def __missing__(self, character: str) -> tuple[int, str]:
        if len(self) >= _MOST_KEPT:
            self.clear()
        folded = self[character] = _fold(character)
        return folded


class Spelling:
    """One text, in pieces, as symbols and where each of them stands in the text."""

    def __init__(self, folding: Folding) -> None:
        self._folding = folding
        self._at = 0
        self._in_word = False
        self._after_edge = False
        self._after_dot = False
        self._signs = 0
        self._unseen = 0
        self._symbols: list[str] = []
        self._places: list[int] = []

    def feed(self, piece: str) -> tuple[list[str], list[int]]:
        self._symbols, self._places = [], []
        folding = self._folding
        for at, character in enumerate(piece, self._at):
            kind, symbols = folding[character]
            if kind <= _WORD:
                self._letter(kind, symbols, at)
            else:
                self._other(kind, at)
        self._at += len(piece)
        return self._symbols, self._places

    def close(self) -> tuple[list[str], list[int]]:
        self._symbols, self._places = [], []
        self._leave_word(self._at)
        return self._symbols, self._places

    def _letter(self, kind: int, symbols: str, at: int) -> None:
        if kind == _JOINED:
            self._leave_word(at)
        elif not self._in_word:
            if not self._after_edge:
                self._add(EDGE, at)
            self._in_word = True
        for symbol in symbols:
            self._add(symbol, at)
        self._after_edge = self._after_dot = False
        self._signs = self._unseen = 0

    def _other(self, kind: int, at: int) -> None:
        if kind == _NOTHING:
            self._unseen += 1
            if self._unseen > _MOST_UNSEEN:
                self._break(at)
            return
        self._leave_word(at)
        self._signs += 1
        if kind == _END or self._signs > _MOST_SIGNS or (kind == _SPACE and self._after_dot):
            self._break(at)
        self._after_dot = kind == _DOT

    def _leave_word(self, at: int) -> None:
        if self._in_word:
            self._add(EDGE, at)
            self._in_word, self._after_edge = False, True

    def _break(self, at: int) -> None:
        self._leave_word(at)
        self._add(BREAK, at)
        self._after_edge = False
        self._signs = self._unseen = 0

    def _add(self, symbol: str, at: int) -> None:
        self._symbols.append(symbol)
        self._places.append(at)


class BareSpelling:
    """As Spelling, but of letters and figures alone, whatever stands between them."""

    def __init__(self, folding: Folding) -> None:
        self._folding = folding
        self._at = 0
        self._others = 0

    def feed(self, piece: str) -> tuple[list[str], list[int]]:
        symbols: list[str] = []
        places: list[int] = []
        for at, character in enumerate(piece, self._at):
            kind, folded = self._folding[character]
            if kind <= _WORD:
                symbols.extend(folded)
                places.extend([at] * len(folded))
                self._others = 0
            else:
                self._others += 1
                if self._others == _MOST_UNSEEN:
                    symbols.append(BREAK)
                    places.append(at)
        self._at += len(piece)
        return symbols, places

    def close(self) -> tuple[list[str], list[int]]:
        return [], []


def spelled(text: str, folding: Folding) -> str:
    """A whole text, such as a phrase of a list."""
    spelling = Spelling(folding)
    fed, _ = spelling.feed(text)
    rest, _ = spelling.close()
    return "".join([*fed, *rest])


def _fold(character: str) -> tuple[int, str]:
    if character in _SENTENCE_ENDS:
        return _END, ""
    decomposed = unicodedata.normalize("NFKD", _unpictured(character)).casefold()
    simplified = _simplified()
    plain = unicodedata.normalize("NFKD", decomposed)
    letters = "".join(simplified.get(c, c) for c in plain if c.isalnum() and c not in _UNSEEN)
    if letters:
        return (_JOINED if _is_joined(letters[0]) else _WORD), letters
    return _kind_of_other(character, plain), ""


def _unpictured(character: str) -> str:
    places = (ord(character) - first for first in _PICTURED)
    return next((chr(ord("a") + place) for place in places if 0 <= place < 26), character)


def _kind_of_other(character: str, plain: str) -> int:
    category = unicodedata.category(character)
    if character == "\t" or category.startswith("Z"):
        return _SPACE
    if category in ("Cc", "Cf", "Mn", "Me", "Mc") or character in _UNSEEN:
        return _NOTHING
    if any(c in _SENTENCE_ENDS for c in plain):
        return _END
    return _DOT if plain == "." else _SIGN


def _is_joined(letter: str) -> bool:
    point = ord(letter)
    return any(first <= point <= last for first, last in _JOINED_SCRIPTS)


@cache
def _simplified() -> Mapping[str, str]:
    """By the traditional character, where one stands for one."""
    points = (*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x32000))
    characters = [chr(point) for point in points]
    # line by line, so that none is read together with its neighbour
    lines = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    assert len(lines) == len(characters)
    pairs = zip(characters, lines, strict=True)
    return MappingProxyType({c: s for c, s in pairs if len(s) == 1 and c != s})
