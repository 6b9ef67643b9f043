"""How many numbers of people are found, and how often something else is taken for one, on values
that are made up: `python -m bench.personal [--quick]`. bench/safety.py uses the same functions."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bench.report import options
from inference.safety.personal.masking import Kind, find

KINDS: tuple[Kind, ...] = ("id_card", "bank_card", "phone", "email", "passport")
SEED = 20260601

_REGIONS = ("110101", "310104", "440305", "510107", "330106", "420111", "610113", "810000")
_ISSUERS = ("621700", "622848", "625912", "436742", "622202", "955880", "410062", "552801")
_FOREIGN = (
    "+852 9### ####",
    "+1 415 555 ####",
    "+44 20 7946 0###",
    "+81 90 #### ####",
    "+65 8### ####",
)
_DOMAINS = ("qq.com", "163.com", "mail.example.org", "archive.org.cn", "example.co.uk")
_TEMPLATES = (
    "我的{label}是{value}，请帮我查一下。",
    "{label}:{value}",
    "{label}{value}谢谢",
    "Please note: {value} ({label})",
    "**{label}** {value}\n",
)
_LABELS: dict[Kind, str] = {
    "id_card": "身份证号",
    "bank_card": "银行卡号",
    "phone": "电话",
    "email": "邮箱",
    "passport": "护照号",
}
_WIDE = {ord(c): ord(c) + 0xFEE0 for c in string.digits + string.ascii_letters + "@.+-"}
_ISBN = (3, 1, 3, 5, 1)


@dataclass(frozen=True, slots=True)
class Plan:
    values: int = 1000  # of each kind
    strings: int = 200_000  # of each sort that is no number of a person


QUICK = Plan(values=500, strings=20_000)


@dataclass(frozen=True, slots=True)
class Recall:
    kind: Kind
    values: int
    written: int  # each value in every template and spelling
    found: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """`sort` of strings that are no number of a person, and what they were taken for."""

    sort: str
    strings: int
    kinds: dict[Kind, int]

    def share(self, kind: Kind) -> float:
        return self.kinds.get(kind, 0) / self.strings


def recall(plan: Plan = Plan(), *, seed: int = SEED) -> list[Recall]:
    return [_recall(kind, plan.values, random.Random(f"{seed} {kind}")) for kind in KINDS]


def mistakes(plan: Plan = Plan(), *, seed: int = SEED) -> list[Wrong]:
    return [
        _mistaken(sort, make, plan.strings, random.Random(f"{seed} {sort}"))
        for sort, make in _NOBODYS.items()
    ]


def table(recalls: Sequence[Recall], wrongs: Sequence[Wrong]) -> str:
    """Markdown."""
    lines = ["| kind | values | written | found | recall |", "|---|---|---|---|---|"]
    for one in recalls:
        share = f"{one.found / one.written:.2%}"
        lines.append(f"| {one.kind} | {one.values} | {one.written} | {one.found} | {share} |")
    lines += ["", "| taken for a number of a person | strings | as | share |", "|---|---|---|---|"]
    for wrong in wrongs:
        kinds = [kind for kind in KINDS if wrong.kinds.get(kind)]
        shares = ", ".join(f"{wrong.share(kind):.3%}" for kind in kinds)
        lines.append(f"| {wrong.sort} | {wrong.strings} | {', '.join(kinds)} | {shares or '0'} |")
    return "\n".join(lines)


def _recall(kind: Kind, values: int, chance: random.Random) -> Recall:
    written = found = 0
    for _ in range(values):
        for value in _spellings(kind, _VALUES[kind](chance), chance):
            for template in _TEMPLATES:
                text = template.format(label=_LABELS[kind], value=value)
                start = text.index(value)
                written += 1
                found += any(
                    one.kind == kind and one.start <= start and one.end >= start + len(value)
                    for one in find(text, KINDS)
                )
    return Recall(kind, values, written, found)


def _spellings(kind: Kind, value: str, chance: random.Random) -> Iterator[str]:
    yield value
    yield value.translate(_WIDE)
    if kind == "email" or value.startswith("+"):
        return
    groups = _GROUPS[kind](value)
    if len(groups) > 1:
        yield " ".join(groups)
        yield "-".join(groups)
    if kind == "phone":
        yield chance.choice(["+86", "+86 ", "86", "0086 "]) + value


def _fours(value: str) -> list[str]:
    return [value[at : at + 4] for at in range(0, len(value), 4)]


_GROUPS: dict[Kind, Callable[[str], list[str]]] = {
    "id_card": lambda value: [value[:6], value[6:14], value[14:]] if len(value) == 18 else [value],
    "bank_card": _fours,
    "phone": lambda value: [value[:3], value[3:7], value[7:]],
    "passport": lambda value: [value],
}


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _day(chance: random.Random, pattern: str = "%Y%m%d") -> str:
    return (date(1940, 1, 1) + timedelta(chance.randrange(30_000))).strftime(pattern)


def _id_card(chance: random.Random) -> str:
    """Every tenth is an old one."""
    region = chance.choice(_REGIONS)
    if chance.random() < 0.1:
        return region + _day(chance, "%y%m%d") + _digits(chance, 3)
    number = region + _day(chance) + _digits(chance, 3)
    # ISO 7064, MOD 11-2, written as the standard does and not as it is checked
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(number))
    check = (12 - total % 11) % 11
    return number + ("X" if check == 10 else str(check))


def _bank_card(chance: random.Random) -> str:
    issuer = chance.choice(_ISSUERS)
    length = 16 if issuer in ("410062", "552801", "625912") else chance.choice((17, 18, 19))
    number = issuer + _digits(chance, length - 7)
    doubled = "".join(
        str(int(digit) * (2 if at % 2 == 0 else 1)) for at, digit in enumerate(reversed(number))
    )
    return number + str(-sum(map(int, doubled)) % 10)


def _phone(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return "".join(_digits(chance, 1) if c == "#" else c for c in chance.choice(_FOREIGN))
    return "1" + chance.choice("3456789") + _digits(chance, 9)


def _email(chance: random.Random) -> str:
    letters = string.ascii_lowercase + string.digits + "._-"
    middle = "".join(chance.choices(letters, k=chance.randrange(0, 14)))
    name = chance.choice(string.ascii_letters) + middle + chance.choice(string.digits)
    return f"{name}@{chance.choice(_DOMAINS)}"


def _passport(chance: random.Random) -> str:
    head = chance.choice(["E", "G", "EA", "EK", "H", "C", "CA", "K", "S"])
    return head + _digits(chance, 8 if len(head) == 1 else 7)


_VALUES: dict[Kind, Callable[[random.Random], str]] = {
    "id_card": _id_card,
    "bank_card": _bank_card,
    "phone": _phone,
    "email": _email,
    "passport": _passport,
}


def _mistaken(
    sort: str, make: Callable[[random.Random], str], strings: int, chance: random.Random
) -> Wrong:
    kinds: dict[Kind, int] = {}
    for _ in range(strings):
        for one in find(make(chance), KINDS):
            kinds[one.kind] = kinds.get(one.kind, 0) + 1
    return Wrong(sort, strings, kinds)


def _isbn(chance: random.Random) -> str:
    number = "978" + _digits(chance, 10)
    at, groups = 0, list[str]()
    for size in _ISBN:
        groups.append(number[at : at + size])
        at += size
    return "ISBN " + chance.choice(["", "-"]).join(groups)


_NOBODYS: dict[str, Callable[[random.Random], str]] = {
    "18 random digits": lambda chance: _digits(chance, 18),
    "16 random digits": lambda chance: _digits(chance, 16),
    "17 or 19 random digits": lambda chance: _digits(chance, chance.choice((17, 19))),
    "11 random digits": lambda chance: _digits(chance, 11),
    "order numbers (time stamp and 4 digits)": lambda chance: (
        f"订单号2026{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
        f"{chance.randrange(24):02}{chance.randrange(60):02}{chance.randrange(60):02}"
        + _digits(chance, 4)
    ),
    "ISBN": _isbn,
    "years and spans": lambda chance: (
        f"{chance.randrange(1700, 2027)}-{chance.randrange(1700, 2027)}年"
    ),
    "QQ numbers of 5 to 10 digits": lambda chance: (
        f"QQ{chance.randrange(1, 10)}{_digits(chance, chance.randrange(4, 10))}"
    ),
    "call numbers of an archive": lambda chance: (
        f"档号 {_digits(chance, 4)}-{_digits(chance, 3)}-{_digits(chance, 5)}-{_digits(chance, 3)}"
    ),
    "amounts": lambda chance: f"¥{chance.randrange(10**9):,}.{_digits(chance, 2)}",
    "random hexadecimal, 32 letters": lambda chance: f"{chance.getrandbits(128):032x}",
}


def main() -> None:
    plan = QUICK if options(__doc__ or "").quick else Plan()
    print(table(recall(plan), mistakes(plan)))  # noqa: T201  (what it is for)


if __name__ == "__main__":
    main()
