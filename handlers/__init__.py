"""What each message means: the gates it passes, then the handler that decides. Two tables.

A new command is a function and one line here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.action import Action
from bot.event import Event
from handlers import commands, gates
from handlers.ask import ask
from handlers.commands import command_of
from handlers.desk import Desk

Gate = Callable[[Event, Desk], Awaitable[Action | None]]
Handler = Callable[[Event, Desk], Awaitable[Action]]

GATES: tuple[Gate, ...] = (gates.addressed, gates.supported, gates.not_empty)

HANDLERS: dict[str, Handler] = {
    "start": commands.start,
    "help": commands.show_help,
    "new": commands.new,
    "stop": commands.stop,
}


async def decide(event: Event, desk: Desk) -> Action:
    """The first gate that says something wins; else the command's handler, else a question."""
    for gate in GATES:
        if (action := await gate(event, desk)) is not None:
            return action
    name = command_of(event.text)
    handler = ask if name is None else HANDLERS.get(name, commands.unknown)
    return await handler(event, desk)
