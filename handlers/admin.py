"""The commands of admins in chats, and /usage, which everybody has: words read, orders given."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.access.names import Name
from bot.access.quota import Misread
from bot.access.roles import ROLES, Role, role_of
from bot.action import Action, Ignore, Say
from bot.admin import orders
from bot.admin.actor import Actor
from bot.admin.commands import ORDERS, explained
from bot.admin.orders import Here
from bot.event import Button, Event
from bot.storage.audit import act_of
from handlers.commands import Command, Handler, argument_of, is_allowed
from handlers.desk import Desk

_CONFIRM, _CANCEL = "broadcast", "broadcast-drop"


async def usage(event: Event, desk: Desk) -> Action:
    person, group = _person(event), _group(event)
    report = await desk.office.quotas.usage(person, group, desk.language(_wordless(event)))
    return Say(report.as_message())


def ordered(command: str) -> Handler:
    """A handler that reads the words of the command; what they do not mean is explained."""

    async def handle(event: Event, desk: Desk) -> Action:
        actor, here = await actor_of(event, desk), await here_of(event, desk)
        try:
            report = await ORDERS[command](argument_of(event.text), here, actor, desk.office)
        except Misread as error:
            return Say(explained(command, error, actor))
        return Say(report.as_message())

    return handle


async def broadcast(event: Event, desk: Desk) -> Action:
    """A new text gets buttons to confirm it with."""
    actor = await actor_of(event, desk)
    broadcaster = desk.office.broadcaster
    try:
        order = orders.parse_broadcast(argument_of(event.text))
        if order.step != "write":
            return Say(await broadcaster.carry_out(actor, order))
        said, number = await broadcaster.write(actor, order.text)
    except Misread as error:
        return Say(explained("broadcast", error, actor))
    buttons = (
        Button(f"{_CONFIRM} {number}", actor.say("broadcast_send")),
        Button(f"{_CANCEL} {number}", actor.say("broadcast_drop")),
    )
    return Say(said, buttons if number is not None else ())


async def press_broadcast(event: Event, desk: Desk) -> Action:
    """Only an admin's press counts, and in the place where the command would."""
    actor = await actor_of(event, desk)
    name, _, number = event.text.partition(" ")
    numbered = re.fullmatch(r"[0-9]{1,9}", number)
    if numbered is None or not await is_allowed(BROADCAST, event, desk):
        await desk.office.audit.deny(act_of(event))
        return Ignore()
    if name == _CONFIRM:
        return Say(await desk.office.broadcaster.confirm(actor, int(number)))
    return Say(await desk.office.broadcaster.cancel(actor, int(number)))


BROADCAST = Command(broadcast, "about_broadcast", "usage_of_broadcast", "admin", "admin")


async def actor_of(event: Event, desk: Desk, *, least: Role = "guest") -> Actor:
    """`least`: the role of who writes here, whoever it is."""
    role = max(await role_of(event, desk.people, desk.rules), least, key=ROLES.index)
    language = desk.language(_wordless(event))
    return Actor(act_of(event), role, language, report_to=event.conversation)


async def here_of(event: Event, desk: Desk) -> Here:
    return Here(
        event.conversation.platform, _person(event), _group(event), await _quoted(event, desk)
    )


async def _quoted(event: Event, desk: Desk) -> Name | None:
    """Who wrote the message that is answered, or whose question it answers; as we know it, never
    as the quotation says."""
    if event.quoted is None:
        return None
    where, message = event.conversation, event.quoted.message
    entry = await desk.inbox.said(where, message) or await desk.inbox.answered_by(where, message)
    return None if entry is None else _person(entry.event)


def _person(event: Event) -> Name:
    return Name(event.conversation.platform, event.person.id, "person")


def _group(event: Event) -> Name | None:
    where = event.conversation
    return Name(where.platform, where.chat, "group") if event.group else None


def _wordless(event: Event) -> Event:
    """A command's own Latin letters say nothing about a person's language."""
    return replace(event, text="")
