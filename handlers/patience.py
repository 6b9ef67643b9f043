"""/patience: how long a person waits for an answer before they get something else first."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from bot.action import Action, Say
from bot.event import Event
from handlers.commands import argument_of
from handlers.desk import Desk

_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds", "秒", "秒钟"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "hour", "hours", "时", "小时", "个小时"), 3600.0),
}
_CHOICES: dict[str, float | None] = {
    **dict.fromkeys(("off", "关", "关闭"), 0.0),
    **dict.fromkeys(("default", "默认"), None),
}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(\D+)")
_LEAST_S, _MOST_S = 10.0, 86_400.0


async def choose(event: Event, desk: Desk) -> Action:
    """Without words it tells what holds now. Doing it twice does no harm."""
    wish = unicodedata.normalize("NFKC", argument_of(event.text)).lower()
    about = replace(event, text="")  # a command's words say nothing about a person's language
    platform, person = event.conversation.platform, event.person.id
    if not wish:
        usage = desk.say(about, "patience_usage")
        return Say(f"{await _now(about, desk)}\n{usage}")
    seconds = _CHOICES[wish] if wish in _CHOICES else _seconds(wish)
    if seconds is None and wish not in _CHOICES:
        return Say(desk.say(about, "patience_usage"))
    await desk.people.choose_patience(platform, person, seconds)
    return Say(await _now(about, desk))


async def _now(event: Event, desk: Desk) -> str:
    known = await desk.people.known(event.conversation.platform, event.person.id)
    seconds = None if known is None else known.patience_s
    if seconds is None:
        seconds = desk.rules.now.fallback.patience_s
    if not seconds:
        return desk.say(event, "patience_off")
    return desk.say(event, "patience_now", seconds=f"{seconds:g}")


def _seconds(wish: str) -> float | None:
    """None: it is no duration that may be chosen."""
    found = _DURATION.fullmatch(wish)
    if found is None or found[2] not in _UNITS:
        return None
    seconds = float(found[1]) * _UNITS[found[2]]
    return seconds if _LEAST_S <= seconds <= _MOST_S else None
