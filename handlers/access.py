"""Who may ask at all, and what those read who may not: the banned, guests, everybody in a pause."""

from __future__ import annotations

from collections.abc import Mapping

from bot.access.periods import Periods
from bot.access.roles import configured_role, is_at_least, role_of_person
from bot.action import Action, Ignore, Say
from bot.event import Event
from bot.storage.audit import act_of
from bot.storage.people import FOR_EVER
from handlers import commands
from handlers.desk import Desk

_DAY_S = 86_400.0
_HOUR_S = 3600.0


async def banned(event: Event, desk: Desk) -> Action | None:
    """Somebody who is banned reads so once a day. Owners cannot be."""
    platform, person = event.conversation.platform, event.person.id
    known = await desk.people.known(platform, person)
    if known is None or not known.is_banned(desk.office.now()):
        return None
    if configured_role(desk.rules.now.access, platform, person) == "owner":
        return None
    if event.kind != "message" or not event.addressed:
        return Ignore()
    if not await desk.office.tellings.is_due(event, "banned", to=person, every_s=_DAY_S):
        return Ignore()
    reason = desk.say(event, "ban_reason", reason=known.ban_reason) if known.ban_reason else ""
    when = _until(known.banned_until, event, desk)
    told = desk.say(event, "you_are_banned", when=when, reason=reason)
    if await desk.office.cases.has_appeal(event.conversation, f"{platform}:{person}"):
        told = f"{told}\n{desk.say(event, 'ban_appeal')}"
    return Say(told)


async def question(event: Event, desk: Desk) -> Action | None:
    """Before anything goes to the model: nobody asks in a pause, and perhaps members alone.

    A question that was let through before a restart, or before the rule changed, stays let through.
    """
    denial = await _not_a_member(event, desk) or await _in_a_pause(event, desk)
    if denial is None:
        return None
    entry = await desk.inbox.said(event.conversation, event.message)
    return None if entry is not None and entry.state == "waiting" else denial


async def denied(event: Event, desk: Desk, table: Mapping[str, commands.Command]) -> Action:
    """As if there were no such command; and somebody can read that it was tried."""
    await desk.office.audit.deny(act_of(event))
    return await commands.unknown(event, desk, table)


async def _not_a_member(event: Event, desk: Desk) -> Action | None:
    if desk.rules.now.access.who == "everyone":
        return None
    platform, person = event.conversation.platform, event.person.id
    role = await role_of_person(desk.people, desk.rules, platform, person)
    if is_at_least(role, "member"):
        return None
    words = desk.say(event, "not_allowed", id=f"{platform}:{person}")
    return await _quietly(event, desk, "not allowed", words, to=person)


async def _in_a_pause(event: Event, desk: Desk) -> Action | None:
    pause = await desk.office.pauses.now()
    if pause is None:
        return None
    words = desk.say(event, "paused", when=_until(pause.until, event, desk))
    if pause.text and pause.until is not None:
        when = _briefly(pause.until, desk)
        words = desk.say(event, "paused_until_with", when=when, text=pause.text)
    elif pause.text:
        words = desk.say(event, "paused_with", text=pause.text)
    return await _quietly(event, desk, "paused", words, to=event.conversation.chat)


async def _quietly(event: Event, desk: Desk, about: str, words: str, *, to: str) -> Action:
    """In private always; in a group once an hour, for the others read it too."""
    if event.kind != "message":
        return Ignore()
    tellings = desk.office.tellings
    if event.group and not await tellings.is_due(event, about, to=to, every_s=_HOUR_S):
        return Ignore()
    return Say(words)


def _briefly(at: float, desk: Desk) -> str:
    """The day too, unless it is today."""
    periods = Periods(desk.rules.now.quota.timezone)
    then = periods.local(at)
    is_today = then.date() == periods.local(desk.office.now()).date()
    return then.strftime("%H:%M") if is_today else periods.written(at)


def _until(at: float | None, event: Event, desk: Desk) -> str:
    if at is None or at >= FOR_EVER:
        return desk.say(event, "for_ever")
    when = Periods(desk.rules.now.quota.timezone).written(at)
    return desk.say(event, "until", when=when)
