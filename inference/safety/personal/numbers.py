"""Numbers of people that begin at a given place: groups of digits with little between them, which
together are an identity card, a bank card or a phone. Text is folded before it comes here."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from inference.safety.personal.checks import (
    can_follow,
    country_of,
    is_bank_card,
    is_identity_card,
    is_mobile,
    is_old_identity_card,
)

Kind = Literal["id_card", "bank_card", "phone", "email", "passport"]

GAP = " .\\-\u200b"  # what may stand between the groups, for a pattern
CONTEXT = 24  # how far from a number a word may be that tells what it is
STARS = 4  # at least so many are covered; fewer are no sign that something was
MOST_STARS = 48

_DIGITS = re.compile(r"[0-9]+")
_GAP = re.compile(rf"[{GAP}]{{1,3}}(?=[0-9])")
_GAP_ABROAD = re.compile(rf"[{GAP}()]{{1,3}}(?=[0-9])")
_CHECK_X = re.compile(r"[ \-]?[xX](?![0-9A-Za-z])")
_PAIR = re.compile(r"(?!86)[0-9]{2}(?![0-9])")  # nothing of ours begins with two that stand alone
_LONE_DIGIT = re.compile(r"[0-9](?![0-9])")
_LONE_DIGIT_BEFORE = re.compile(rf"(?<![0-9])[0-9][{GAP}]{{1,3}}\Z")
_ADDRESS_AFTER = re.compile(rf"[{GAP}]{{1,3}}\*@")
_COVERED_AFTER = re.compile(rf"\*{{{STARS},{MOST_STARS}}}[0-9A-Za-z]")
_LETTERS_BEFORE = re.compile(r"[A-Za-z]{1,9}\Z")
_LETTERS = re.compile(r"[A-Za-z]{1,9}")
_LABELS = frozenset(  # that people write without a space
    [
        *("tel", "phone", "mobile", "cell", "mob", "ph", "id", "no", "card", "sfz"),
        *("wx", "vx", "wechat", "weixin", "qq", "whatsapp"),
    ]
)
_BREAKS = ("\\n", "\\r", "\\t")  # as programs and JSON write them
_OF_DOCUMENTS = re.compile(
    r"护照|通行证|证件|身份证|回乡证|台胞证|居留|passport|permit|travel doc|identity card",
    re.IGNORECASE,
)
_MOBILE_SHAPES = {(11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3)}
_MOST_DIGITS = 20  # one more than any number has, to see what comes next


@dataclass(frozen=True, slots=True)
class Found:
    """`cover`: what of [start, end) is to be covered; the rest may be seen."""

    kind: Kind
    start: int
    end: int
    cover: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Window:
    """The first groups of those that begin at a place."""

    number: str
    sizes: tuple[int, ...]
    start: int
    end: int


def number_at(text: str, start: int, limit: int, kinds: Collection[Kind]) -> Found | None:
    """Of those that could begin with this digit the likeliest; it ends before `limit`."""
    if (
        not _may_begin(text, start)
        or _PAIR.match(text, start) is not None
        or _is_within_lone_digits(text, start)
    ):
        return None
    windows = _windows(text, start, limit, _GAP)
    if windows and windows[0].sizes == (1,):
        windows = _lone_digits(text, start, limit)
    for kind, find in (
        ("id_card", _identity_card),
        ("bank_card", _bank_card),
        ("phone", _mobile),
        ("id_card", _old_identity_card),
    ):
        if kind in kinds:
            for window in reversed(windows):
                if (found := find(text, window)) is not None:
                    return found
    return None


def phone_abroad_at(text: str, plus: int, limit: int) -> Found | None:
    """A + makes a phone of what has as many digits as its country gives out."""
    first = _DIGITS.search(text, plus, limit)
    if first is None or not _may_begin(text, plus):
        return None
    for window in reversed(_windows(text, first.start(), limit, _GAP_ABROAD)):
        country = country_of(window.number)
        digits = len(window.number) - len(country)
        if country and can_follow(country, digits) and _ends(text, window.end):
            return _found("phone", text, window, skip=len(country), start=plus)
    return None


def has_document_near(text: str, start: int, end: int) -> bool:
    """Is a word for a document of a person close by?"""
    near = text[max(start - CONTEXT, 0) : start] + "\n" + text[end : end + CONTEXT]
    return _OF_DOCUMENTS.search(near) is not None


def _may_begin(text: str, start: int) -> bool:
    if start == 0 or not (text[start - 1].isascii() and text[start - 1].isalnum()):
        return True
    if start > 1 and text[start - 2 : start] in _BREAKS:
        return True
    letters = _LETTERS_BEFORE.search(text, max(start - 10, 0), start)
    return letters is not None and letters[0].lower() in _LABELS


def _ends(text: str, end: int) -> bool:
    letters = _LETTERS.match(text, end)
    return letters is None or letters[0].lower() in _LABELS


def _windows(text: str, start: int, limit: int, gap: re.Pattern[str]) -> list[_Window]:
    """One group, two, three and so on; one that is covered in part ends them."""
    windows: list[_Window] = []
    number, at = "", start
    sizes: tuple[int, ...] = ()
    while (group := _DIGITS.match(text, at, limit)) is not None:
        number += group[0]
        sizes = (*sizes, len(group[0]))
        if len(number) > _MOST_DIGITS or _COVERED_AFTER.match(text, group.end()):
            break
        windows.append(_Window(number, sizes, start, group.end()))
        between = gap.match(text, group.end(), limit)
        if between is None:
            break
        at = between.end()
    return windows


def _is_within_lone_digits(text: str, start: int) -> bool:
    if _LONE_DIGIT.match(text, start) is None:
        return False
    return _LONE_DIGIT_BEFORE.search(text, max(start - 6, 0), start) is not None


def _lone_digits(text: str, start: int, limit: int) -> list[_Window]:
    """1 3 8 0 0 1 3 8 0 0 0: all of such a row or nothing, or every list of figures would hold
    numbers of people. A row that runs into an address is not looked at, covered or not."""
    windows = _windows(text, start, len(text), _GAP)
    *_, row = (window for window in windows if set(window.sizes) == {1})
    is_spaced_alike = row.end - row.start == 2 * len(row.sizes) - 1
    is_whole = row.end <= limit and _ADDRESS_AFTER.match(text, row.end) is None
    return [row] if is_spaced_alike and is_whole else []


def _identity_card(text: str, window: _Window) -> Found | None:
    if len(window.number) == 18:
        if _in_groups(window) and _ends(text, window.end) and is_identity_card(window.number):
            return _found("id_card", text, window)
    elif len(window.number) == 17 and _in_groups(window):
        check = _CHECK_X.match(text, window.end)
        if check is not None and is_identity_card(window.number + "X"):
            return _found("id_card", text, window, end=check.end())
    return None


def _bank_card(text: str, window: _Window) -> Found | None:
    if (
        16 <= len(window.number) <= 19
        and _in_groups(window)
        and _ends(text, window.end)
        and is_bank_card(window.number)
    ):
        return _found("bank_card", text, window)
    return None


def _mobile(text: str, window: _Window) -> Found | None:
    country = len(window.number) - 11
    if country not in (0, 2, 4) or window.number[:country] not in ("", "86", "0086"):
        return None
    first, *others = window.sizes
    own = tuple(others) if first == country else (first - country, *others)
    if (
        (own in _MOBILE_SHAPES or (first == 1 and not country))
        and is_mobile(window.number[country:])
        and not _is_decimal(text, window)
        and _ends(text, window.end)
    ):
        return _found("phone", text, window, skip=country)
    return None


def _old_identity_card(text: str, window: _Window) -> Found | None:
    if (
        window.sizes == (15,)
        and _ends(text, window.end)
        and is_old_identity_card(window.number)
        and has_document_near(text, window.start, window.end)
    ):
        return _found("id_card", text, window)
    return None


def _in_groups(window: _Window) -> bool:
    """Of two digits or more but for the last; or all of one."""
    return window.sizes[0] == 1 or 1 not in window.sizes[:-1]


def _is_decimal(text: str, window: _Window) -> bool:
    """138.00138000"""
    return len(window.sizes) == 2 and text[window.start + window.sizes[0]] == "."


def _found(
    kind: Kind,
    text: str,
    window: _Window,
    *,
    skip: int = 0,
    start: int | None = None,
    end: int | None = None,
) -> Found:
    """The first digits behind the `skip` of a country stay, and the last ones of the last group:
    the rest is covered with what stands between, so that nothing of it begins a number anew."""
    end = end or window.end
    length = len(window.number) - skip
    shown = 4 if kind == "bank_card" else 3
    first = max(min(shown, length - STARS - 1), 1)
    last = min(4, window.sizes[-1] + end - window.end, max(length - STARS - first, 1))
    digits = [at for at in range(window.start, window.end) if text[at] in "0123456789"]
    begin = digits[skip + first - 1] + 1
    return Found(kind, window.start if start is None else start, end, (begin, end - last))
