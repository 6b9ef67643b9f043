"""Every word people read that the model did not write, in Chinese and English.

The sentences stand in the tables of `bot/wording/`, which import nothing of ours.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal

from bot.event import Event
from bot.wording.admin import ADMIN, AdminKey
from bot.wording.alarms import ALARMS, AlarmKey
from bot.wording.api import API, ApiKey
from bot.wording.checkup import CHECKUP, CheckKey
from bot.wording.console import CONSOLE, ConsoleKey
from bot.wording.copies import COPIES, CopiesKey
from bot.wording.fallback import FALLBACK, FallbackKey
from bot.wording.knowledge import KNOWLEDGE, KnowledgeKey
from bot.wording.privacy import PRIVACY, PrivacyKey
from bot.wording.safety import SAFETY, SafetyKey
from bot.wording.service import SERVICE, ServiceKey
from bot.wording.talk import TALK, TalkKey
from bot.wording.text import Text

Language = Literal["zh", "en"]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
_PART = re.compile("¶ ([0-9]+)")  # as bot/documents/ writes it
_CHINESE = {"zh", "cmn", "yue", "wuu", "hak", "nan"}  # platforms' codes whose readers take zh

Key = (
    TalkKey
    | AdminKey
    | ServiceKey
    | KnowledgeKey
    | ApiKey
    | ConsoleKey
    | CopiesKey
    | CheckKey
    | SafetyKey
    | PrivacyKey
    | FallbackKey
    | AlarmKey
)

TEXTS: dict[str, Text] = {
    **TALK,
    **ADMIN,
    **SERVICE,
    **KNOWLEDGE,
    **API,
    **CONSOLE,
    **COPIES,
    **CHECKUP,
    **SAFETY,
    **PRIVACY,
    **FALLBACK,
    **ALARMS,
}

_MILLION, _WAN = 1_000_000, 10_000  # large numbers are counted in the one or the other
_FAULTS: dict[str, tuple[Key, float]] = {  # the reason of a BadPicture: its text, its unit
    "empty": ("picture_empty", 1),
    "format": ("picture_format", 1),
    "heic": ("picture_heic", 1),
    "broken": ("picture_broken", 1),
    "too_small": ("picture_too_small", 1),
    "too_large": ("picture_too_large", 1 << 20),
    "too_many_pixels": ("picture_too_many_pixels", _MILLION),
    "too_narrow": ("picture_too_narrow", 1),
    "timeout": ("picture_timeout", 1),
}


def say(key: Key, language: Language, **values: object) -> str:
    """The text with its fields filled in; every field it names must be given."""
    text = TEXTS[key]
    return (text.zh if language == "zh" else text.en).format(**values)


def picture_fault(reason: str, value: float, limit: float, language: Language) -> str:
    """What is wrong with a photo and what to do; the arguments are those of a BadPicture."""
    key, unit = _FAULTS[reason]
    if language == "zh" and unit == _MILLION:
        unit = _WAN
    return say(
        key, language, value=_beyond(value / unit, limit / unit), limit=_number(limit / unit)
    )


def place(kept: str, language: Language) -> str:
    """Where a passage stands; only the number of a part is kept without a language."""
    part = _PART.fullmatch(kept)
    return say("place_part", language, number=part[1]) if part else kept


def language_for(event: Event, default: Language) -> Language:
    """The language to answer in: what the person chose, else what the event shows."""
    person = event.person
    return person.chosen or language_of(event.text, person.language, default)


def language_of(text: str, platform_language: str, default: Language) -> Language:
    """That of the text, else the platform's word, else the default."""
    if _HAN.search(text):
        return "zh"
    if _LATIN.search(text):
        return "en"
    code = platform_language.lower().replace("_", "-").split("-")[0]
    if not code:
        return default
    return "zh" if code in _CHINESE else "en"


def is_visible(text: str) -> bool:
    """Is anything there but spaces, line ends and characters without a shape?"""
    return any(unicodedata.category(letter)[0] not in "ZC" for letter in text)


def _beyond(value: float, limit: float) -> str:
    """The value to one decimal, rounded away from the limit, so that it never looks allowed."""
    tenths = round(value * 10, 6)  # 20.1 * 10 is a little more than 201
    if value <= limit:
        return _number(math.floor(tenths) / 10)
    return _number(max(math.ceil(tenths), math.floor(limit * 10) + 1) / 10)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
