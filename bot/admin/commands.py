"""Every order that a line of words can give, the same from a chat and from the machine. A table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.access.quota import Misread
from bot.admin import orders
from bot.admin.actor import Actor
from bot.admin.office import Office
from bot.admin.orders import Here
from bot.admin.report import Report
from bot.texts import Key

# Raises Misread for words that mean nothing.
Order = Callable[[str, Here, Actor, Office], Awaitable[Report]]


def explained(command: str, error: Misread, actor: Actor) -> str:
    """What was wrong, and how the command is written."""
    fault, usage = actor.say(error.key, **error.values), USAGES.get(command)
    return actor.say("misread", fault=fault, usage=actor.say(usage) if usage else "").rstrip()


async def _quota(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return await office.quotas.carry_out(actor, orders.parse_quota(words, here))


async def _allow(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return Report(await office.members.allow(actor, orders.parse_person_only(words, here)))


async def _ban(words: str, here: Here, actor: Actor, office: Office) -> Report:
    if not words and here.quoted is None:
        return await office.members.bans(actor)
    return Report(await office.members.ban(actor, orders.parse_ban(words, here)))


async def _unban(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return Report(await office.members.unban(actor, orders.parse_person_only(words, here)))


async def _role(words: str, here: Here, actor: Actor, office: Office) -> Report:
    if not words and here.quoted is None:
        return await office.members.roles(actor)
    return Report(await office.members.set_role(actor, orders.parse_role(words, here)))


async def _stats(words: str, here: Here, actor: Actor, office: Office) -> Report:
    orders.parse_nothing(words)
    return await office.running.stats(actor)


async def _pause(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return Report(await office.running.pause(actor, orders.parse_pause(words)))


async def _resume(words: str, here: Here, actor: Actor, office: Office) -> Report:
    orders.parse_nothing(words)
    return Report(await office.running.resume(actor))


async def _reload(words: str, here: Here, actor: Actor, office: Office) -> Report:
    orders.parse_nothing(words)
    return Report(await office.running.reload(actor))


async def _audit(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return await office.running.audit(actor, orders.parse_audit(words))


async def _cases(words: str, here: Here, actor: Actor, office: Office) -> Report:
    return await office.cases.list(actor, orders.parse_cases(words, here))


async def _case(words: str, here: Here, actor: Actor, office: Office) -> Report:
    order = orders.parse_case(words)
    if order.step == "show":
        return await office.cases.show(actor, order.number)
    if order.step == "block-picture":
        return Report(await office.cases.block_picture(actor, order.number))
    return Report(await office.cases.block(actor, order))


async def _approve(words: str, here: Here, actor: Actor, office: Office) -> Report:
    order = orders.parse_decision(words)
    return Report(await office.cases.decide(actor, order, "approved"))


async def _reject(words: str, here: Here, actor: Actor, office: Office) -> Report:
    order = orders.parse_decision(words)
    return Report(await office.cases.decide(actor, order, "rejected"))


ORDERS: dict[str, Order] = {
    "quota": _quota,
    "allow": _allow,
    "ban": _ban,
    "unban": _unban,
    "role": _role,
    "stats": _stats,
    "pause": _pause,
    "resume": _resume,
    "reload": _reload,
    "audit": _audit,
    "cases": _cases,
    "case": _case,
    "approve": _approve,
    "reject": _reject,
}

USAGES: dict[str, Key] = {
    "quota": "usage_of_quota",
    "allow": "usage_of_allow",
    "ban": "usage_of_ban",
    "unban": "usage_of_unban",
    "role": "usage_of_role",
    "pause": "usage_of_pause",
    "broadcast": "usage_of_broadcast",
    "audit": "usage_of_audit",
    "cases": "usage_of_cases",
    "case": "usage_of_case",
    "approve": "usage_of_approve",
    "reject": "usage_of_reject",
}
