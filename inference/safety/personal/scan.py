"""Where numbers and addresses of people stand in folded text, decided from left to right.

What is decided at a place depends on what was found last and on so many characters on either side
as are named here; so a stream can go on from wherever it has decided.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from inference.safety.personal.checks import is_day
from inference.safety.personal.numbers import (
    CONTEXT,
    GAP,
    MOST_STARS,
    STARS,
    Found,
    Kind,
    has_document_near,
    number_at,
    phone_abroad_at,
)

_MAIL_REACH = 132  # an address has at most 64 characters before its @; we look at 64 behind it
_NUMBER_REACH = 96  # of a number with what stands between its digits, and what may follow it
LOOK_BACK = 72

_LOCAL = "A-Za-z0-9._%+\\-*"  # the last one: so that no address begins behind what is covered
_START = re.compile(
    r"\+(?=\(?[0-9])"
    r"|(?<![0-9])[0-9]"
    r"|(?<![0-9A-Za-z])[A-Za-z]{1,3}(?=[0-9]{6,9}(?![0-9A-Za-z]))"
)
_COVERED_BEFORE = re.compile(rf"[0-9A-Za-z]\*{{{STARS},{MOST_STARS}}}\Z")
# "telegram:12345" names an account in commands and reports.
_ACCOUNT_BEFORE = re.compile(
    r"(?<![0-9A-Za-z])(?:telegram|matrix|web|api|discord|slack|feishu|dingtalk|wecom|qq|onebot)"
    r"[:\uff1a][@!\-]?\Z"
)
_MAIL = re.compile(rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}(?=@)")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}")
_PASSPORT = re.compile(r"(?:[A-Za-z]{1,3}[0-9]{6,9}|[0-9]{7,10})(?![0-9A-Za-z])")
_NEEDS_CONTEXT = re.compile(
    r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,3}[0-9]{6,9}|[0-9]{7,10})(?![0-9A-Za-z])"
    r"|(?<![0-9])[0-9]{15}(?![0-9])"
)
_OPEN_NUMBER = re.compile(
    rf"(?:\+\(?)?[0-9][0-9{GAP}()+*]*(?:[A-Za-z]{{0,9}}|[{_LOCAL}]{{0,64}}@[{_LOCAL}@]{{0,64}})\Z"
    r"|\+\(?\Z"
    r"|(?<![0-9A-Za-z])[A-Za-z]{1,3}[0-9]{0,9}\Z"
)
_OPEN_MAIL = re.compile(rf"[{_LOCAL}@]*\Z")
_OPEN_LOCAL = re.compile(rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}\Z")


def scan(text: str, kinds: Collection[Kind], begin: int = 0) -> Iterator[Found]:
    """What stands before `begin` is only looked back at. Also what is covered already, and
    accounts that look like addresses: of these there is nothing to cover."""
    mails = list(_mails(text, begin)) if "email" in kinds and "@" in text else []
    for start, limit in _between(mails, begin, len(text)):
        at = start
        while (first := _START.search(text, at, limit)) is not None:
            found = _at(text, first.start(), limit, kinds)
            if found is not None:
                yield found
            at = found.end if found is not None else first.end()
        yield from (mail for mail in mails if mail.start == limit)


def open_from(text: str, begin: int) -> int:
    """From where on more text could still change what is found."""
    end = len(text)
    reach = _NUMBER_REACH + (_MAIL_REACH if "@" in text[-_MAIL_REACH:] else 0)
    number = _OPEN_NUMBER.search(text, max(begin, end - reach))
    earliest = min(_open_mail(text, begin), number.start() if number is not None else end)
    for shape in _NEEDS_CONTEXT.finditer(text, max(begin, end - CONTEXT - 15)):
        if shape.end() + CONTEXT > end and not is_day(shape[0]):
            return min(earliest, shape.start())
    return earliest


def _between(mails: list[Found], begin: int, end: int) -> Iterator[tuple[int, int]]:
    for mail in mails:
        yield begin, mail.start
        begin = mail.end
    yield begin, end


def _mails(text: str, begin: int) -> Iterator[Found]:
    at = begin
    while (local := _MAIL.search(text, at)) is not None:
        at = local.end()
        domain = _DOMAIN.match(text, at + 1, at + 65)
        if domain is None:
            continue
        start = local.start() + len(local[0]) - len(local[0].lstrip("._%+-*"))
        cover = (start + min(1, at - start - 1), at)
        if local[0].endswith("*") or start == at or _is_account(text, start):
            cover = (at, at)
        at = domain.end()
        yield Found("email", local.start(), at, cover)


def _at(text: str, start: int, limit: int, kinds: Collection[Kind]) -> Found | None:
    covered = _COVERED_BEFORE.search(text, max(start - MOST_STARS - 1, 0), start)
    if covered is not None or _is_account(text, start):
        return None
    if text[start] == "+":
        return phone_abroad_at(text, start, limit) if "phone" in kinds else None
    found = number_at(text, start, limit, kinds) if text[start] in "0123456789" else None
    if found is None and "passport" in kinds:
        return _passport_at(text, start, limit)
    return found


def _passport_at(text: str, start: int, limit: int) -> Found | None:
    if start > 0 and text[start - 1].isascii() and text[start - 1].isalnum():
        return None
    shape = _PASSPORT.match(text, start, limit)
    if shape is None or is_day(shape[0]) or not has_document_near(text, start, shape.end()):
        return None
    last = min(2, len(shape[0]) - STARS - 1)
    return Found("passport", start, shape.end(), (start + 1, shape.end() - last))


def _is_account(text: str, start: int) -> bool:
    return _ACCOUNT_BEFORE.search(text, max(start - 12, 0), start) is not None


def _open_mail(text: str, begin: int) -> int:
    """From the beginning of the word that the text ends with."""
    end = len(text)
    earliest = max(begin, end - _MAIL_REACH)
    run = _OPEN_MAIL.search(text, earliest)
    if run is not None and "@" in run[0]:
        return run.start()
    local = _OPEN_LOCAL.search(text, earliest)
    return local.start() if local is not None else end
