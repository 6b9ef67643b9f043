"""What each message means: the gates it passes, then the handler that decides. Tables.

A new command or button is a function and one line here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.action import Action, Again, Ask, Ignore, Keep
from bot.admin.commands import USAGES
from bot.event import Event
from bot.texts import Key
from handlers import (
    access,
    admin,
    buttons,
    cases,
    commands,
    gates,
    knowledge,
    language,
    patience,
    privacy,
    satisfaction,
    service,
    staff,
)
from handlers.ask import ask, deleted
from handlers.commands import Command, Handler, command_of
from handlers.desk import Desk

Gate = Callable[[Event, Desk], Awaitable[Action | None]]

GATES: tuple[Gate, ...] = (
    staff.staff_talk,
    gates.addressed,
    service.customer_talk,
    gates.supported,
    gates.not_empty,
    gates.not_endless,
)


async def _show_help(event: Event, desk: Desk) -> Action:
    return await commands.show_help(event, desk, COMMANDS)


def _ordered(name: str, summary: Key) -> Command:
    """A command of admins that says what came of it."""
    return Command(admin.ordered(name), summary, USAGES.get(name), "admin", "admin")


COMMANDS: dict[str, Command] = {  # as /help lists them
    "new": Command(commands.new, "about_new"),
    "stop": Command(commands.stop, "about_stop"),
    "again": Command(service.say_again, "about_again"),
    "good": Command(satisfaction.say_good, "about_good"),
    "bad": Command(satisfaction.say_bad, "about_bad"),
    "human": Command(service.human, "about_human", where="service"),
    "back": Command(staff.back, "about_back", "usage_back", where="ticket"),
    "rate": Command(satisfaction.rate, "about_rate", "usage_rate", where="service"),
    "appeal": Command(cases.appeal, "about_appeal", "usage_of_appeal"),
    "usage": Command(admin.usage, "about_usage"),
    "language": Command(language.choose, "about_language", "language_usage"),
    "patience": Command(patience.choose, "about_patience", "patience_usage"),
    "privacy": Command(privacy.privacy, "about_privacy"),
    "export": Command(privacy.export, "about_export"),
    "forget": Command(privacy.forget, "about_forget", "forget_usage"),
    "start": Command(commands.start, "about_start"),
    "help": Command(_show_help, "about_help"),
    "tickets": Command(staff.show_tickets, "about_tickets", None, "staff", "desk"),
    "ticket": Command(staff.show_ticket, "about_ticket", "usage_ticket", "staff", "desk"),
    "take": Command(staff.take, "about_take", "usage_ticket", "staff", "desk"),
    "close": Command(staff.close, "about_close", "usage_ticket", "staff", "desk"),
    "learn": Command(knowledge.learn, "about_learn", "learn_usage", "staff", "desk"),
    "kb": Command(knowledge.kb, "about_kb", "kb_usage", "staff", "desk"),
    **cases.STAFFS,
    "stats": _ordered("stats", "about_stats"),
    "quota": _ordered("quota", "about_quota"),
    "allow": _ordered("allow", "about_allow"),
    "ban": _ordered("ban", "about_ban"),
    "unban": _ordered("unban", "about_unban"),
    "role": _ordered("role", "about_role"),
    "broadcast": admin.BROADCAST,
    "pause": _ordered("pause", "about_pause"),
    "resume": _ordered("resume", "about_resume"),
    "reload": _ordered("reload", "about_reload"),
    "audit": _ordered("audit", "about_audit"),
}

PRESSES: dict[str, Handler] = {
    "stop": buttons.stop,
    "again": service.again,
    "show": service.show,
    "up": satisfaction.up,
    "down": satisfaction.down,
    "person": service.human,
    "forget-yes": privacy.press_forget,
    "forget-no": privacy.press_forget,
    "take": staff.press,
    "back": staff.press,
    "close": staff.press,
    "rate": satisfaction.press_rate,
    "broadcast": admin.press_broadcast,
    "broadcast-drop": admin.press_broadcast,
    "case": cases.press,
    "approve": cases.press,
    "reject": cases.press,
}


async def decide(event: Event, desk: Desk) -> Action:
    """Nothing for the banned but their rights; and whatever leads to a question passes one more
    gate."""
    if not privacy.is_a_right(event) and (denied := await access.banned(event, desk)) is not None:
        return (
            denied if not await cases.may_appeal(event, desk) else await cases.appeal(event, desk)
        )
    action = await _meaning(event, desk)
    if isinstance(action, Ask | Again | Keep):
        return await access.question(event, desk) or action
    return action


async def _meaning(event: Event, desk: Desk) -> Action:
    """The first gate that says something wins; else the command's handler, else a question."""
    match event.kind:
        case "press":
            button = event.text.partition(" ")[0]  # what it is about may follow
            return await PRESSES.get(button, buttons.unknown)(event, desk)
        case "delete":
            return await staff.deleted(event, desk) or await deleted(event, desk)
        case "edit":  # never a second answer
            told = await staff.edited(event, desk) or await service.edited(event, desk)
            return told or Ignore()
    for gate in GATES:
        if (action := await gate(event, desk)) is not None:
            return action
    name = command_of(event.text)
    if name is None:
        return await ask(event, desk)
    command = COMMANDS.get(name)
    if command is None:
        return await commands.unknown(event, desk, COMMANDS)
    if not await commands.is_allowed(command, event, desk):
        return await access.denied(event, desk, COMMANDS)
    return await command.handler(event, desk)


def is_urgent(event: Event) -> bool:
    """Does it end what is being written? Then it does not wait for its turn."""
    if event.kind == "message":
        return event.addressed and command_of(event.text) in ("stop", "new")
    return event.kind == "delete" or (event.kind, event.text) == ("press", "stop")
