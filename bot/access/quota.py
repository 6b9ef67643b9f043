"""Limits as people write them: "20 questions/day", "5万 token/月", "unlimited tokens/month". Pure.

Used by config.toml, by /quota and by `visionbot admin quota`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.wording.admin import AdminKey
from bot.wording.safety import SafetyKey

Unit = Literal["questions", "tokens"]
Period = Literal["day", "month"]
Scope = Literal["person", "group", "role"]
GivenRole = Literal["guest", "member", "staff", "admin"]  # what a command can give

EVERY_GROUP = "*"
UNITS: Mapping[str, Unit] = {
    "questions": "questions",
    "question": "questions",
    "q": "questions",
    "个问题": "questions",
    "問題": "questions",
    "问题": "questions",
    "个": "questions",
    "次": "questions",
    "tokens": "tokens",
    "token": "tokens",  # nosec B105  (a unit)
    "t": "tokens",
    "个token": "tokens",
    "词元": "tokens",
    "令牌": "tokens",
}
PERIODS: Mapping[str, Period] = {
    "day": "day",
    "daily": "day",
    "d": "day",
    "天": "day",
    "每天": "day",
    "日": "day",
    "每日": "day",
    "month": "month",
    "monthly": "month",
    "m": "month",
    "月": "month",
    "每月": "month",
    "个月": "month",
}
_UNLIMITED = frozenset({"unlimited", "不限", "无限", "不限制"})
_TIMES = {"k": 1000, "千": 1000, "万": 10_000, "萬": 10_000, "m": 1_000_000, "": 1}
_LARGEST = 10**15
_AMOUNT = re.compile(
    r"(unlimited|不限制?|无限|[+-]?[0-9][0-9,_]*(?:\.[0-9]+)?)\s*([千万萬]|[km](?![a-z]))?"
)
_UNIT_AND_PERIOD = re.compile(r"\s*(.*?)\s*(?:/|\bper\b|\ba\b|每)\s*(.*\S)\s*", re.DOTALL)
_LONGEST = 200  # letters that a limit may have; the rest is never looked at
_SHOWN = 40  # letters of somebody's words that an error repeats

T = TypeVar("T")


class Misread(ValueError):
    """What was written means nothing: a sentence of bot/wording/ and its values."""

    def __init__(self, key: AdminKey | SafetyKey, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values


@dataclass(frozen=True, slots=True)
class Limit:
    amount: int | None  # None: explicitly without limit
    unit: Unit
    period: Period

    @property
    def name(self) -> str:
        return f"{self.unit}/{self.period}"


@dataclass(frozen=True, slots=True)
class Amount:
    """Of something that is given once."""

    amount: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose limit it is; `name` is "platform:id", a role, or EVERY_GROUP."""

    scope: Scope
    name: str


def parse_limit(text: str) -> Limit:
    """Raises Misread."""
    amount, rest = _split(text)
    parts = _UNIT_AND_PERIOD.fullmatch(rest)
    if parts is None:
        _unit(rest.strip(), text)  # perhaps that is what is wrong
        raise Misread("quota_no_period", given=shown(text))
    return Limit(amount, _unit(parts[1], text), _period(parts[2]))


def parse_amount(text: str) -> Amount:
    """Raises Misread."""
    amount, rest = _split(text)
    if not amount:
        raise Misread("quota_gift_of_nothing", given=shown(text))
    return Amount(amount, _unit(rest.strip(), text))


def parse_unit_and_period(text: str) -> tuple[Unit, Period]:
    """A limit without its amount: "questions/day". Raises Misread."""
    parts = _UNIT_AND_PERIOD.fullmatch(normal(text))
    if parts is None:
        raise Misread("quota_no_period", given=shown(text))
    return _unit(parts[1], text), _period(parts[2])


def choose(given: str, known: Mapping[str, T], key: AdminKey | SafetyKey) -> T:
    """What the word means; Misread with `key`, the word and the nearest known one."""
    if given in known:
        return known[given]
    raise Misread(key, given=shown(given), known=nearest(given, known))


def nearest(given: str, known: Mapping[str, object]) -> str:
    """The known word that is most like it; if there is none, all of them."""
    close = difflib.get_close_matches(given[:_SHOWN], known, n=1)
    latin = [word for word in known if word.isascii() and len(word) > 1]
    return close[0] if close else ", ".join(latin)


def normal(text: str) -> str:
    """As typed on any keyboard: full-width letters and signs become plain, all in small letters."""
    return unicodedata.normalize("NFKC", text[:_LONGEST]).strip().lower()


def shown(text: str) -> str:
    """Somebody's words as an error repeats them: short, on one line."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST]).split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _split(text: str) -> tuple[int | None, str]:
    """The amount, and what follows it."""
    found = _AMOUNT.match(normal(text))
    if found is None:
        raise Misread("quota_amount", given=shown(text))
    number, times = found[1], found[2] or ""
    rest = normal(text)[found.end() :]
    if number in _UNLIMITED:
        return None, rest
    value = float(number.replace(",", "").replace("_", "")) * _TIMES[times]
    if not 0 <= value <= _LARGEST or value != int(value):
        raise Misread("quota_amount_range", given=shown(number + times), limit=_LARGEST)
    return int(value), rest


def _unit(word: str, text: str) -> Unit:
    if not word:
        raise Misread("quota_no_unit", given=shown(text))
    return choose(word, UNITS, "quota_unit")


def _period(word: str) -> Period:
    return choose(word, PERIODS, "quota_period")
