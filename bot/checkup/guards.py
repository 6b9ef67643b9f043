"""A look at the models and services of [guards]: each is started and asked once."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence

from bot.checkup.finding import Finding, Round
from bot.texts import Key
from inference.errors import EngineDown, ModelUnusable
from inference.images.reading import make_reader
from inference.request import ChatRequest, Delta
from inference.safety.guards.classify import is_fetched
from inference.safety.guards.guard import Failure, Guard, GuardFailed, Guards
from inference.safety.guards.guards import (
    ClassifierEntry,
    Entry,
    ModerationEntry,
    SelfEntry,
    TextGuardEntry,
    make_guards,
)

_WHY: dict[Failure, Key] = {
    "timeout": "check_guard_timeout",
    "unreachable": "check_guard_unreachable",
    "refused": "check_guard_refused",
    "answer": "check_guard_answer",
}


async def look_at_guards(round_: Round) -> Finding:
    """All that fail are told; where none does, how long each took."""
    section = round_.settings.guards
    told = [row for entry in section.models if (row := _untried(entry, round_))]
    tried = tuple(entry for entry in section.models if not _untried(entry, round_))
    reader = make_reader(round_.settings.ocr) if section.read_pictures else None
    try:
        guards = make_guards(
            section.model_copy(update={"models": tried}),
            ask=_nobody,
            reader=reader,
            check=lambda text: [],
            action_of=lambda category: "review",
        )
        try:
            faults = await _faults(guards, round_, told)
        finally:
            await guards.close()
    finally:
        if reader is not None:
            await reader.close()
    if faults:
        return _together(faults)
    if not told:
        return round_.off("check_guards_off")
    return Finding("ok", "; ".join(told))


def _untried(entry: Entry, round_: Round) -> str | None:
    """What is told of one that is not to be tried here; None: it is."""
    name = entry.name or entry.kind
    if isinstance(entry, SelfEntry):
        return round_.say("check_guards_itself", name=name)
    if isinstance(entry, ClassifierEntry) and not is_fetched(entry.model):
        return round_.say("check_guards_unfetched", name=name)
    return None


async def _faults(guards: Guards, round_: Round, told: list[str]) -> list[Finding]:
    """One after the other, as they start."""
    tried = [await _fault(guard, round_, told) for guard in guards.all]
    return [finding for finding in tried if finding is not None]


def _together(faults: Sequence[Finding]) -> Finding:
    details = "; ".join(one.detail for one in faults)
    remedies = "; ".join(dict.fromkeys(one.remedy for one in faults))  # the same one once
    return Finding("problem", details, remedies)


async def _fault(guard: Guard, round_: Round, told: list[str]) -> Finding | None:
    name, began = guard.rule.name, time.monotonic()
    try:
        await guard.trial()
    except ModelUnusable as error:
        why, _, how = str(error).rpartition("; ")
        return Finding("problem", round_.say("check_guards_unusable", name=name, why=why), how)
    except GuardFailed as error:
        if error.how == "key" and (variable := _variable(name, round_)):
            values = {"name": name, "variable": variable}
            return round_.problem("check_guards_key", "check_guards_key_how", **values)
        why = round_.say(_WHY.get(error.how, "check_guard_broken"))
        return round_.problem("check_guards_fail", "check_guards_fail_how", name=name, why=why)
    told.append(f"{name}: {time.monotonic() - began:.1f} s")
    return None


def _variable(name: str, round_: Round) -> str:
    """In which the key of this guard stands; empty: it has none."""
    for entry in round_.settings.guards.models:
        if (entry.name or entry.kind) == name:
            match entry:
                case TextGuardEntry():
                    return "VISIONBOT_GUARDS__TEXT_GUARD_KEY"
                case ModerationEntry():
                    return "VISIONBOT_GUARDS__MODERATION_KEY"
    return ""


async def _nobody(request: ChatRequest) -> AsyncGenerator[Delta, None]:
    """The engine is looked at elsewhere."""
    raise EngineDown("not asked here")
    yield Delta()
