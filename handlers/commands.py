"""What people type with a slash: how a command is known, who may use it, /start /help /new /stop.

The name may carry the bot's (`/new@some_bot`, as groups write it), any case, and the full-width
slash and letters of a Chinese keyboard.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.access.quota import shown
from bot.access.roles import Role, is_at_least, role_of, speaks_for_itself
from bot.action import Action, Ignore, Renew, Say, Stop
from bot.event import Event
from bot.texts import Key, Language
from bot.texts import say as words
from handlers.desk import Desk

Handler = Callable[[Event, Desk], Awaitable[Action]]
Where = Literal["anywhere", "service", "ticket", "desk", "admin"]

_ALIASES = {
    "开始": "start",
    "帮助": "help",
    "新话题": "new",
    "停止": "stop",
    "语言": "language",
    "耐心": "patience",
    "用量": "usage",
    "隐私": "privacy",
    "导出": "export",
    "忘记我": "forget",
    "申诉": "appeal",
    "人工": "human",
    "返回": "back",
    "评分": "rate",
    "接手": "take",
    "结束": "close",
    "工单": "tickets",
    "学习": "learn",
    "知识库": "kb",
}
_COMMAND = re.compile(
    rf"/([a-z][a-z0-9_]{{0,31}}|{'|'.join(_ALIASES)})(?:@[a-z0-9_]{{1,64}})?(?=\s|$)", re.IGNORECASE
)
_LONGEST = 128  # letters at the beginning of a text that may hold a command


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the table. `where`: "admin" is a private chat or one of [access] admin_chats;
    "desk" is one of these or the staff's chat; "service" is where customers are served, "ticket"
    either of the two: elsewhere people who have a service desk are told that it is not there."""

    handler: Handler
    summary: Key  # one line: what it does
    usage: Key | None = None  # how it is written, with examples; None: it takes no words
    role: Role = "guest"  # the lowest that may use it
    where: Where = "anywhere"


def command_of(text: str) -> str | None:
    """The command's name in small letters; None: the text is no command. Of Chinese words only
    those in the table are commands: any other may begin a question."""
    beginning = unicodedata.normalize("NFKC", text[:_LONGEST]).lstrip()
    found = _COMMAND.match(beginning)
    if found is None:
        return None
    name = found[1].lower()
    return _ALIASES.get(name, name)


def argument_of(text: str) -> str:
    """What stands behind the command."""
    return "".join(text.lstrip().split(maxsplit=1)[1:]).strip()


async def is_allowed(command: Command, event: Event, desk: Desk) -> bool:
    """May this person use it in this chat?"""
    if not _is_place(command.where, event, desk):
        return False
    if command.where == "desk" and command.role == "staff" and _is_trusted(event, desk):
        return speaks_for_itself(event)
    return is_at_least(await role_of(event, desk.people, desk.rules), command.role)


def menu(table: Mapping[str, Command], language: Language) -> list[tuple[str, str]]:
    """The commands that everybody has, for those who choose from a menu."""
    return [
        (name, words(command.summary, language))
        for name, command in table.items()
        if (command.role, command.where) == ("guest", "anywhere")
    ]


async def start(event: Event, desk: Desk) -> Action:
    return Say(_say(event, desk, "start"))


async def show_help(event: Event, desk: Desk, table: Mapping[str, Command]) -> Action:
    """What this person may do here; with a command's name, how that is written."""
    allowed = await _allowed(table, event, desk)
    wanted = unicodedata.normalize("NFKC", argument_of(event.text)).lower().lstrip("/")
    if wanted:
        return Say(_explain(_ALIASES.get(wanted, wanted), allowed, event, desk))
    lines = [
        f"/{name} {_say(event, desk, one.summary)}"
        for name, one in allowed.items()
        if _is_of_use(one.where, event, desk)
    ]
    return Say("\n".join([_say(event, desk, "help"), "", *lines]))


async def new(event: Event, desk: Desk) -> Action:
    return Renew(_say(event, desk, "renewed"))


async def stop(event: Event, desk: Desk) -> Action:
    return Stop(_say(event, desk, "nothing_to_stop"))


async def unknown(event: Event, desk: Desk, table: Mapping[str, Command]) -> Action:
    if not event.named:
        return Ignore()
    allowed = await _allowed(table, event, desk)
    return Say(_unknown(command_of(event.text) or "", allowed, event, desk))


async def _allowed(table: Mapping[str, Command], event: Event, desk: Desk) -> dict[str, Command]:
    return {
        name: command for name, command in table.items() if await is_allowed(command, event, desk)
    }


def _unknown(name: str, allowed: Mapping[str, Command], event: Event, desk: Desk) -> str:
    """With the nearest one that this person may use here: the others' names are not told."""
    said = _say(event, desk, "unknown_command", command=name)
    known = [one for one, command in allowed.items() if _is_of_use(command.where, event, desk)]
    near = difflib.get_close_matches(name, known, n=1)
    return said + _say(event, desk, "did_you_mean", command=near[0]) if near else said


def _explain(name: str, allowed: Mapping[str, Command], event: Event, desk: Desk) -> str:
    if name not in allowed:
        return _unknown(shown(name), allowed, event, desk)
    command = allowed[name]
    usage = _say(event, desk, command.usage or "takes_no_words", command=name)
    return f"/{name} {_say(event, desk, command.summary)}\n\n{usage}"


def _is_trusted(event: Event, desk: Desk) -> bool:
    """Whoever writes in the staff's group is staff there, unless roles alone shall count."""
    service = desk.rules.now.service
    chat = f"{event.conversation.platform}:{event.conversation.chat}"
    return service.trust_staff_chat and chat == service.staff_chat


def _is_place(where: Where, event: Event, desk: Desk) -> bool:
    if where in ("service", "ticket"):
        return bool(desk.rules.now.service.staff_chat)
    if where == "anywhere" or not event.group:
        return True
    chat = f"{event.conversation.platform}:{event.conversation.chat}"
    rules = desk.rules.now
    return chat in rules.access.admin_chats or (
        where == "desk" and chat == rules.service.staff_chat
    )


def _is_of_use(where: Where, event: Event, desk: Desk) -> bool:
    """What is listed: not what would only say that nobody is served here."""
    if where not in ("service", "ticket"):
        return True
    place, service = event.conversation, desk.rules.now.service
    is_served = service.serves(place.platform, place.chat, group=event.group)
    return is_served or (where == "ticket" and _is_place("desk", event, desk))


def _say(event: Event, desk: Desk, key: Key, **values: object) -> str:
    """In the language of the platform: a command's own Latin letters say nothing about a person."""
    return desk.say(replace(event, text=""), key, **values)
