"""What everybody may ask of us: what is kept, a copy of it, its end. Banned people may too."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from bot.action import Action, Ignore, Say
from bot.event import Button, Document, Event
from bot.storage.copy import MOST_BYTES
from bot.texts import Key
from handlers.commands import argument_of, command_of
from handlers.desk import Desk

_COMMANDS = ("privacy", "export", "forget")
_YES, _NO = "forget-yes", "forget-no"
_SURE = ("yes", "是", "确定", "删除")
_HOUR_S, _DAY_S = 3600.0, 86_400.0
_FILE = "visionbot.zip"
_MB = 10**6


def is_a_right(event: Event) -> bool:
    """Of those, too, who may do nothing else."""
    if event.kind == "press":
        return event.text in (_YES, _NO)
    return event.kind == "message" and event.addressed and command_of(event.text) in _COMMANDS


async def privacy(event: Event, desk: Desk) -> Action:
    rules = desk.rules.now
    kept = rules.retention
    times = {
        name: _lasting(event, desk, getattr(kept, f"{name}_s"))
        for name in ("text", "photos", "people", "ledger", "cases", "tickets")
    }
    lines = [_say(event, desk, "privacy", **times)]
    if rules.service.staff_chat:
        lines.append(_say(event, desk, "privacy_desk", **times))
    if desk.rights.is_remote:
        lines.append(_say(event, desk, "privacy_remote"))
    takes_files = desk.rights.takes_files(event.conversation)
    lines.append(_say(event, desk, "privacy_rights" if takes_files else "privacy_rights_page"))
    return Say("\n".join(lines))


async def export(event: Event, desk: Desk) -> Action:
    if event.group:
        return Say(_say(event, desk, "only_in_private", command="export"))
    if not desk.rights.takes_files(event.conversation):
        return Say(_say(event, desk, "export_on_page"))
    file, made = await desk.rights.copies.zipped(event.conversation.platform, event.person.id)
    if len(file) > MOST_BYTES:
        return Say(_say(event, desk, "export_too_large", limit=MOST_BYTES // _MB))
    said = [_say(event, desk, "export_made", photos=made.photos)]
    if made.left_out:
        limit = MOST_BYTES // _MB
        said.append(_say(event, desk, "export_left_out", left_out=made.left_out, limit=limit))
    return Say("\n".join(said), document=Document(_FILE, file))


async def forget(event: Event, desk: Desk) -> Action:
    """Asks once. Whoever passes on somebody's words is asked too: these may be a trap."""
    if event.group:
        return Say(_say(event, desk, "only_in_private", command="forget"))
    said = unicodedata.normalize("NFKC", argument_of(event.text)).strip().lower()
    if said in _SURE and not event.forwarded:
        return await _order(event, desk)
    buttons = (
        Button(_YES, _say(event, desk, "forget_yes")),
        Button(_NO, _say(event, desk, "forget_no")),
    )
    return Say(_say(event, desk, "forget_sure"), buttons)


async def press_forget(event: Event, desk: Desk) -> Action:
    """In private, where nobody else can press."""
    if event.group:
        return Ignore()
    if event.text == _NO:
        return Say(_say(event, desk, "forget_kept"))
    return await _order(event, desk)


async def _order(event: Event, desk: Desk) -> Action:
    """The words first: what is said afterwards belongs to what is deleted."""
    platform, person = event.conversation.platform, event.person.id
    known = await desk.people.known(platform, person)
    banned = known is not None and known.is_banned(desk.office.now())
    language = desk.language(replace(event, text=""))
    await desk.rights.erasures.order(platform, person, tell=event.conversation, language=language)
    return Say(_say(event, desk, "forgetting_banned" if banned else "forgetting"))


def _lasting(event: Event, desk: Desk, seconds: float) -> str:
    if not seconds:
        return _say(event, desk, "kept_for_ever")
    if seconds < 2 * _DAY_S:
        return _say(event, desk, "kept_hours", count=round(seconds / _HOUR_S))
    return _say(event, desk, "kept_days", count=round(seconds / _DAY_S))


def _say(event: Event, desk: Desk, key: Key, **values: object) -> str:
    """A command's own Latin letters say nothing about a person's language."""
    return desk.say(replace(event, text=""), key, **values)
