"""What an admin's words order, read as a command line: /quota, /ban, /role and the others. Pure.

The same words mean the same in a chat and on the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.access.names import Name, parse_chat, parse_name, parse_person
from bot.access.quota import (
    EVERY_GROUP,
    Amount,
    GivenRole,
    Limit,
    Misread,
    Period,
    Subject,
    Unit,
    choose,
    nearest,
    normal,
    parse_amount,
    parse_limit,
    parse_unit_and_period,
    shown,
)

Verb = Literal["show", "set", "give", "reset"]
CaseStep = Literal["show", "block", "block-picture"]

_VERBS: Mapping[str, Verb] = {
    "show": "show",
    "查看": "show",
    "set": "set",
    "设为": "set",
    "设置": "set",
    "give": "give",
    "赠送": "give",
    "增加": "give",
    "reset": "reset",
    "清零": "reset",
}
_ROLES: Mapping[str, GivenRole] = {
    "guest": "guest",
    "访客": "guest",
    "member": "member",
    "成员": "member",
    "staff": "staff",
    "客服": "staff",
    "员工": "staff",
    "admin": "admin",
    "管理员": "admin",
}
_DEFAULT = ("default", "默认")
_FOR_EVER = ("forever", "永久")
_SECONDS: Mapping[str, float] = {
    **dict.fromkeys(("m", "min", "minute", "minutes", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "hour", "hours", "时", "小时", "个小时"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "天", "日"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks", "周", "个星期", "星期"), 604_800.0),
}
_LONGEST_S = 10 * 366 * 86_400.0
_MOST_LINES = 50  # of the audit log in one answer


@dataclass(frozen=True, slots=True)
class Here:
    """Where an order is given: what its short words stand for."""

    platform: str = ""  # of ids that stand alone; empty: each names its platform
    me: Name | None = None
    group: Name | None = None
    quoted: Name | None = None  # who wrote the message that the order answers


@dataclass(frozen=True, slots=True)
class QuotaOrder:
    subject: Subject | None  # None: an overview of all
    verb: Verb = "show"
    limit: Limit | None = None  # of set; None: back to config.toml, `only` that one or all
    only: tuple[Unit, Period] | None = None
    amount: Amount | None = None  # of give


@dataclass(frozen=True, slots=True)
class BanOrder:
    person: Name
    seconds: float | None = None  # None: for ever
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RoleOrder:
    person: Name
    role: GivenRole


@dataclass(frozen=True, slots=True)
class PauseOrder:
    seconds: float | None = None  # None: until /resume
    text: str = ""


@dataclass(frozen=True, slots=True)
class BroadcastOrder:
    """A new text; or what is to happen with an earlier one."""

    step: Literal["write", "confirm", "cancel", "status"]
    text: str = ""
    number: int | None = None  # None: the newest


@dataclass(frozen=True, slots=True)
class CasesOrder:
    open_only: bool = True
    person: Name | None = None  # None: everybody's


@dataclass(frozen=True, slots=True)
class CaseOrder:
    number: int
    step: CaseStep = "show"
    seconds: float | None = None  # of a block; None: for ever


@dataclass(frozen=True, slots=True)
class DecisionOrder:
    number: int
    words: str = ""  # to the person


def parse_quota(words: str, here: Here) -> QuotaOrder:
    """[who] [show | set LIMIT | set default [UNIT/PERIOD] | give AMOUNT | reset]"""
    rest = words.split()
    subject = None if here.quoted is None else subject_of(here.quoted)
    if rest and normal(rest[0]) not in _VERBS:
        subject = _parse_subject(rest.pop(0), here)
    verb = choose(normal(rest.pop(0)), _VERBS, "quota_verb") if rest else "show"
    if verb == "show":
        _nothing_more(rest)
        return QuotaOrder(subject)
    if subject is None:
        raise Misread("who_missing")
    return _change(subject, verb, rest)


def parse_person_only(words: str, here: Here) -> Name:
    """[who]"""
    person, rest = _take_person(words.split(), here)
    _nothing_more(rest)
    return person


def parse_ban(words: str, here: Here) -> BanOrder:
    """[who] [DURATION | forever] [reason]"""
    person, rest = _take_person(words.split(), here)
    seconds, rest = _take_duration(rest)
    return BanOrder(person, seconds, " ".join(rest))


def parse_role(words: str, here: Here) -> RoleOrder:
    """[who] ROLE"""
    person, rest = _take_person(words.split(), here)
    if not rest:
        raise Misread("role_missing")
    _nothing_more(rest[1:])
    return RoleOrder(person, _role(rest[0]))


def parse_pause(words: str) -> PauseOrder:
    """[MINUTES | DURATION] [text]"""
    rest = words.split(maxsplit=1)
    if rest and re.fullmatch(r"[0-9]+", normal(rest[0])):
        minutes = float(normal(rest[0]))
        return PauseOrder(_bounded(60 * minutes, rest[0]), "".join(rest[1:]))
    seconds, more = _take_duration(words.split())
    return PauseOrder(seconds, words.strip() if seconds is None else " ".join(more))


def parse_broadcast(words: str) -> BroadcastOrder:
    """TEXT | confirm N | cancel N | status [N]"""
    text = words.strip()
    found = re.fullmatch(
        r"(confirm|cancel|status|确认|取消|进度)(?:\s+#?([0-9]{1,9}))?", normal(text)
    )
    if not text:
        raise Misread("broadcast_empty")
    if found is None:
        return BroadcastOrder("write", text)
    step = _STEPS[found[1]]
    if found[2] is None and step != "status":
        raise Misread("broadcast_number", given=shown(text))
    return BroadcastOrder(step, number=int(found[2]) if found[2] else None)


def parse_audit(words: str) -> int:
    """[N]: how many lines."""
    text = normal(words)
    if not text:
        return 10
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= _MOST_LINES:
        raise Misread("audit_number", given=shown(words), limit=_MOST_LINES)
    return int(text)


def parse_cases(words: str, here: Here) -> CasesOrder:
    """[open | all | who]; of one person all of them."""
    text = normal(words)
    if not text or text in _OPEN:
        return CasesOrder()
    if text in _ALL:
        return CasesOrder(open_only=False)
    person, rest = _take_person(words.split(), here)
    _nothing_more(rest)
    return CasesOrder(open_only=False, person=person)


def parse_case(words: str) -> CaseOrder:
    """NUMBER [block [DURATION | forever] | block-picture]"""
    number, rest = _take_case(words)
    if not rest:
        return CaseOrder(number)
    word, *more = rest.split()
    step = choose(normal(word), _CASE_STEPS, "case_step")
    seconds = None
    if step == "block":
        seconds, more = _take_duration(more)
    _nothing_more(more)
    return CaseOrder(number, step, seconds)


def parse_decision(words: str) -> DecisionOrder:
    """NUMBER [words to the person]"""
    return DecisionOrder(*_take_case(words))


def parse_nothing(words: str) -> None:
    """A command that takes no words."""
    _nothing_more(words.split())


def subject_of(name: Name) -> Subject:
    return Subject("group" if name.kind == "group" else "person", str(name))


_STEPS: Mapping[str, Literal["confirm", "cancel", "status"]] = {
    "confirm": "confirm",
    "确认": "confirm",
    "cancel": "cancel",
    "取消": "cancel",
    "status": "status",
    "进度": "status",
}


_OPEN = ("open", "未处理", "没处理")
_ALL = ("all", "全部", "所有")
_CASE_STEPS: Mapping[str, CaseStep] = {
    "block": "block",
    "block-picture": "block-picture",
    "禁止照片": "block-picture",
    "封禁照片": "block-picture",
    "ban": "block",
    "禁止": "block",
    "封禁": "block",
}


def _take_case(words: str) -> tuple[int, str]:
    first, *rest = words.split(maxsplit=1) or [""]
    found = re.fullmatch(r"#?([0-9]{1,9})", normal(first))
    if found is None:
        raise Misread("case_number", given=shown(first))
    return int(found[1]), "".join(rest).strip()


def _parse_subject(word: str, here: Here) -> Subject:
    plain = normal(word)
    if plain in ("me", "我"):
        if here.me is None:
            raise Misread("nobody_here")
        return subject_of(here.me)
    if plain in ("group", "本群"):
        if here.group is None:
            raise Misread("no_group_here")
        return Subject("group", str(here.group))
    if plain in ("groups", "所有群"):
        return Subject("group", EVERY_GROUP)
    for prefix in ("role:", "角色:"):
        if plain.startswith(prefix):
            return Subject("role", _role(plain.removeprefix(prefix)))
    if plain in _ROLES:
        return Subject("role", _ROLES[plain])
    for prefix in ("group:", "群:"):
        if plain.startswith(prefix):
            rest = word[len(prefix) :]
            return Subject("group", str(parse_chat(rest, here=here.platform)))
    try:
        return subject_of(parse_name(word, here=here.platform))
    except Misread as error:
        if error.key == "name_malformed" and nearest(plain, _VERBS) in _VERBS:
            raise Misread("quota_verb", given=shown(word), known=nearest(plain, _VERBS)) from None
        raise


def _change(subject: Subject, verb: Verb, rest: list[str]) -> QuotaOrder:
    words = " ".join(rest)
    if verb == "reset":
        _nothing_more(rest)
        return QuotaOrder(subject, verb)
    if not rest:
        raise Misread("quota_no_amount" if verb == "give" else "quota_no_limit")
    if verb == "give":
        return QuotaOrder(subject, verb, amount=parse_amount(words))
    if normal(rest[0]) in _DEFAULT:
        only = parse_unit_and_period(" ".join(rest[1:])) if rest[1:] else None
        return QuotaOrder(subject, verb, only=only)
    return QuotaOrder(subject, verb, limit=parse_limit(words))


def _take_person(words: Sequence[str], here: Here) -> tuple[Name, list[str]]:
    """The person that the words begin with, else the one whose message is answered."""
    try:
        if words:
            return parse_person(words[0], here=here.platform), list(words[1:])
    except Misread:
        if here.quoted is None or _is_meant_as_name(words[0]):
            raise
    if here.quoted is None:
        raise Misread("who_missing")
    return here.quoted, list(words)


def _is_meant_as_name(word: str) -> bool:
    """Then a slip in it must not turn the order against whoever is quoted."""
    return bool(re.match(r"[@＠!！]|[a-z]+[:：]\S", word, re.IGNORECASE))


def _take_duration(words: Sequence[str]) -> tuple[float | None, list[str]]:
    """The duration that the words begin with; None: they do not, or it is for ever."""
    if not words:
        return None, []
    if normal(words[0]) in _FOR_EVER:
        return None, list(words[1:])
    for count in (1, 2):  # "2h", "2 hours"
        text = normal("".join(words[:count]))
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(\D+)", text)
        if found and found[2] in _SECONDS:
            seconds = float(found[1]) * _SECONDS[found[2]]
            return _bounded(seconds, text), list(words[count:])
    if re.match(r"-?[0-9]", normal(words[0])):
        raise Misread("duration", given=shown(words[0]))
    return None, list(words)


def _bounded(seconds: float, given: str) -> float:
    if not 60 <= seconds <= _LONGEST_S:
        raise Misread("duration_range", given=shown(given))
    return seconds


def _role(word: str) -> GivenRole:
    if normal(word) in ("owner", "所有者"):
        raise Misread("role_owner")
    return choose(normal(word), _ROLES, "role_unknown")


def _nothing_more(words: Sequence[str]) -> None:
    if words:
        raise Misread("too_many_words", given=shown(" ".join(words)))
