"""`visionbot check`: looks at each part the program needs; says which work, and what to do else.

It makes and changes nothing: no folder, no database, no lock; so it may run beside the program.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.admin.report import Report, visible
from bot.checkup.card import look_at_card
from bot.checkup.chats import look_at_matrix, look_at_service, look_at_telegram
from bot.checkup.days import look_at_days
from bot.checkup.doors import look_at_keys, look_at_metrics, look_at_port, look_at_sign_in
from bot.checkup.finding import Finding, Round, State
from bot.checkup.guards import look_at_guards
from bot.checkup.kept import look_at_database, look_at_disk, look_at_folder, look_at_secrets
from bot.checkup.model import look_at_model
from bot.checkup.photos import look_at_heic, look_at_ocr
from bot.checkup.running import find_running
from bot.checkup.words import look_at_words
from bot.config import DEFAULT_FILE, Settings, load
from bot.errors import ConfigError
from bot.platforms.base import Misconfigured, PlatformError
from bot.storage.errors import StorageError
from bot.texts import Key, Language, say
from inference.errors import InferenceError

log = logging.getLogger(__name__)

_EXPECTED = (OSError, StorageError, InferenceError, Misconfigured, PlatformError)
_LOOK_S = 20.0
_LOADING_S = 180.0  # of models that look at words and pictures
_AFTER_LOADING_S = 60.0  # for an answer
_STATES: dict[State, Key] = {"ok": "check_ok", "problem": "check_problem", "off": "check_off"}


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    look: Callable[[Round], Awaitable[Finding]]
    title: Key | None = None  # None: its name, in every language
    limit_s: float = _LOOK_S


_PARTS = (
    _Part("secrets", look_at_secrets, "check_secrets"),
    _Part("data", look_at_folder, "check_folder"),
    _Part("disk", look_at_disk, "check_disk"),
    _Part("database", look_at_database, "check_database"),
    _Part("days", look_at_days, "check_days"),
    _Part("gpu", look_at_card, "check_card"),
    _Part("port", look_at_port, "check_port"),
    _Part("api", look_at_keys, "check_api"),
    _Part("sign_in", look_at_sign_in, "check_sign_in"),
    _Part("metrics", look_at_metrics, "check_metrics"),
    _Part("words", look_at_words, "check_words"),
    _Part("ocr", look_at_ocr, "check_ocr"),
    _Part("heic", look_at_heic, "check_heic"),
    _Part("guards", look_at_guards, "check_guards", _LOADING_S),
    _Part("telegram", look_at_telegram),
    _Part("matrix", look_at_matrix),
    _Part("service", look_at_service, "check_service"),
    _Part("model", look_at_model, "check_model"),
)


async def check(
    file: Path | None, language: Language | None, show: Callable[[str], None], *, as_json: bool
) -> bool:
    """True when all that is on works."""
    found: dict[str, Finding] = {}
    speaks: Language = language or "en"
    try:
        settings = load(file)
    except ConfigError as error:
        found["settings"] = _fault(str(error))
    else:
        speaks = settings.language(language)
        found["settings"] = _settings(file, speaks)
        found |= await _look(settings, file, speaks)
    show(_json(found) if as_json else _table(found, speaks))
    return all(finding.state != "problem" for finding in found.values())


def _settings(file: Path | None, language: Language) -> Finding:
    if file is None and not DEFAULT_FILE.exists():
        return Finding("ok", say("check_settings_none", language))
    return Finding("ok", str((file or DEFAULT_FILE).absolute()))


async def _look(settings: Settings, file: Path | None, language: Language) -> dict[str, Finding]:
    """All but the model at once; that one last, since it takes what the machine has."""
    round_ = Round(settings, file, language, await find_running(settings))
    *others, model = _PARTS
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_bounded(part, round_, part.limit_s)) for part in others]
    limit_s = settings.engine.start_timeout_s + _AFTER_LOADING_S
    findings = [*(task.result() for task in tasks), await _bounded(model, round_, limit_s)]
    return {part.name: finding for part, finding in zip(_PARTS, findings, strict=True)}


async def _bounded(part: _Part, round_: Round, limit_s: float) -> Finding:
    late = round_.problem("check_late", "check_late_how", limit=round(limit_s))
    patience = asyncio.timeout(limit_s)
    try:
        async with patience:
            return await part.look(round_)
    except _EXPECTED as error:  # TimeoutError is an OSError
        return late if patience.expired() else _fault(str(error) or type(error).__name__)
    except Exception as error:  # one part that cannot be looked at hides no other
        log.exception("the look at %s failed", part.name)
        return Finding("problem", round_.say("check_broken", error=type(error).__name__))


def _fault(sentence: str) -> Finding:
    """Our errors say what is wrong; and then, behind the last semicolon, what to do."""
    detail, _, remedy = " ".join(sentence.split()).rpartition("; ")
    return Finding("problem", detail or remedy, remedy if detail else "")


def _table(found: dict[str, Finding], language: Language) -> str:
    rows: list[Sequence[str]] = []
    for name, finding in found.items():
        rows.append((_title(name, language), say(_STATES[finding.state], language), finding.detail))
        if finding.remedy:
            rows.append(("", "", f"→ {finding.remedy}"))
    problems = sum(finding.state == "problem" for finding in found.values())
    key: Key = "check_problems" if problems else "check_all_well"
    return visible("\n".join([*Report("", rows).lines(), "", say(key, language, count=problems)]))


def _title(name: str, language: Language) -> str:
    titles: dict[str, Key | None] = {part.name: part.title for part in _PARTS}
    title: Key | None = titles.get(name, "check_settings")
    return say(title, language) if title else name.title()


def _json(found: dict[str, Finding]) -> str:
    rows = [
        {"part": name, "state": one.state, "detail": one.detail, "remedy": one.remedy}
        for name, one in found.items()
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)
