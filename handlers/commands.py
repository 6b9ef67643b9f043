"""What people type with a slash: /start /help /new /stop, and what is said to any other.

The name may carry the bot's (`/new@some_bot`, as groups write it), any case, and the full-width
slash and letters of a Chinese keyboard.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from bot.action import Action, Renew, Say, Stop
from bot.event import Event
from bot.texts import Key
from handlers.desk import Desk

_COMMAND = re.compile(r"/([a-z][a-z0-9_]{0,31})(?:@[a-z0-9_]{1,64})?(?=\s|$)", re.IGNORECASE)
_LONGEST = 128  # letters at the beginning of a text that may hold a command


def command_of(text: str) -> str | None:
    """The command's name in small letters; None: the text is no command."""
    beginning = unicodedata.normalize("NFKC", text[:_LONGEST]).lstrip()
    found = _COMMAND.match(beginning)
    return found[1].lower() if found else None


async def start(event: Event, desk: Desk) -> Action:
    return Say(_say(event, desk, "start"))


async def show_help(event: Event, desk: Desk) -> Action:
    return Say(_say(event, desk, "help"))


async def new(event: Event, desk: Desk) -> Action:
    return Renew(_say(event, desk, "renewed"))


async def stop(event: Event, desk: Desk) -> Action:
    return Stop(_say(event, desk, "nothing_to_stop"))


async def unknown(event: Event, desk: Desk) -> Action:
    return Say(_say(event, desk, "unknown_command", command=command_of(event.text)))


def _say(event: Event, desk: Desk, key: Key, **values: object) -> str:
    """In the language of the platform: a command's own Latin letters say nothing about a person."""
    return desk.say(replace(event, text=""), key, **values)
