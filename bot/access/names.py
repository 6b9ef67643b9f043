"""People and groups as operators write them: "telegram:12345", "matrix:@ann:example.org". Pure.

Always the platform's own id: a name that people can change gives no rights.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from bot.access.quota import Misread, normal, shown

PLATFORMS = ("telegram", "matrix", "web", "api")

_NAME = re.compile(r"([a-z][a-z0-9_-]{0,31})[:：](\S.*)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+")
_MATRIX = re.compile(r"[@!]\S+:\S+")
_NOBODY = ("1087968824", "777000", "136817688")  # Telegram's accounts that speak for others
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Name:
    platform: str
    id: str
    kind: Literal["person", "group", ""] = ""  # empty: the id does not show it

    def __str__(self) -> str:
        return f"{self.platform}:{self.id}"


def parse_name(text: str, *, here: str = "") -> Name:
    """`here`: the platform of an id that stands alone; empty: it must be named. Raises Misread."""
    given = text.strip()
    if len(given) > _LONGEST:
        raise Misread("name_malformed", given=shown(given))
    if _NUMBER.fullmatch(normal(given)) or given.startswith(("@", "!")):
        if not here:
            raise Misread("name_no_platform", given=shown(given))
        return _checked(here, given)
    found = _NAME.fullmatch(given)
    if found is None:
        raise Misread("name_malformed", given=shown(given))
    platform, id_ = found[1], found[2].strip()
    if platform not in PLATFORMS and platform != here:
        close = difflib.get_close_matches(platform, PLATFORMS, n=1, cutoff=0.7)
        if close:
            raise Misread("name_platform", given=platform, known=close[0])
    return _checked(platform, id_)


def parse_person(text: str, *, here: str = "") -> Name:
    name = parse_name(text, here=here)
    if name.kind == "group":
        raise Misread("name_is_a_group", given=shown(text))
    return name


def parse_chat(text: str, *, here: str = "") -> Name:
    name = parse_name(text, here=here)
    if name.kind == "person" and name.platform == "matrix":
        raise Misread("name_is_a_person", given=shown(text))
    return name


def _checked(platform: str, id_: str) -> Name:
    if platform == "telegram":
        id_ = normal(id_)
        if not re.fullmatch(r"-?[1-9][0-9]{0,18}", id_):
            raise Misread("name_telegram", given=shown(id_))
        if id_ in _NOBODY:
            raise Misread("name_nobody", given=id_)
        return Name(platform, id_, "group" if id_.startswith("-") else "person")
    if platform == "matrix":
        if not id_.startswith("!") and not _MATRIX.fullmatch(id_):
            raise Misread("name_matrix", given=shown(id_))
        return Name(platform, id_, "group" if id_.startswith("!") else "person")
    if any(character.isspace() for character in id_):
        raise Misread("name_malformed", given=shown(f"{platform}:{id_}"))
    return Name(platform, normal(id_) if _NUMBER.fullmatch(normal(id_)) else id_)
