"""`visionbot admin`: what admins can do in a chat, on the machine. Who may run it is an owner.

It works beside a running bot and without one. What its commands do stands in `machine.py`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.options import Config, Words

# NOTE: `bot.admin.machine` is imported inside the commands: --help shall not wait for a database.

app = typer.Typer(
    help="Limits, roles, bans and broadcasts, also while the bot runs.", no_args_is_help=True
)


class State(StrEnum):  # a list of literals is nothing that typer takes
    BOT = "bot"
    WAITING = "waiting"
    STAFF = "staff"
    CLOSED = "closed"


# Ids of groups begin with a minus and are no options.
_AS_TYPED = {"ignore_unknown_options": True}


@app.command(context_settings=_AS_TYPED)
def quota(
    order: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHO] [set LIMIT | set default | give AMOUNT | reset]",
            help='WHO is "telegram:12345", "role:guest", "group:telegram:-10012345" or "groups";'
            ' LIMIT as in "50 questions/day", AMOUNT as in "20 questions".',
        ),
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Show or change limits; without words: all of them."""
    _order("quota", order or [], config, language)


@app.command(context_settings=_AS_TYPED)
def allow(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345".')],
    config: Config = None,
    language: Words = None,
) -> None:
    """Make somebody a member."""
    _order("allow", [who], config, language)


@app.command(context_settings=_AS_TYPED)
def ban(
    order: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHO] [2h | 3d | forever] [REASON]", help='WHO is "telegram:12345".'
        ),
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Shut somebody out; without words: who is."""
    _order("ban", order or [], config, language)


@app.command(context_settings=_AS_TYPED)
def unban(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345".')],
    config: Config = None,
    language: Words = None,
) -> None:
    """Let somebody in again."""
    _order("unban", [who], config, language)


@app.command(context_settings=_AS_TYPED)
def role(
    order: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHO ROLE]",
            help='WHO is "telegram:12345"; ROLE is guest, member, staff or admin.',
        ),
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Give a role; without words: who has which."""
    _order("role", order or [], config, language)


@app.command()
def stats(config: Config = None, language: Words = None) -> None:
    """How much is going on."""
    _order("stats", [], config, language)


@app.command()
def pause(
    order: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[30 | 2h | 3d] [TEXT]", help="A number alone means minutes; people read TEXT."
        ),
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Take no questions for a while."""
    _order("pause", order or [], config, language)


@app.command()
def resume(config: Config = None, language: Words = None) -> None:
    """Take questions again."""
    _order("resume", [], config, language)


@app.command()
def reload(config: Config = None, language: Words = None) -> None:
    """Check config.toml and have the running bot read it again."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.reload(config, language))


@app.command()
def broadcast(
    order: Annotated[
        list[str],
        typer.Argument(metavar="TEXT | confirm N | cancel N | status [N]", help="What to send."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Send it without asking again.")] = False,
    config: Config = None,
    language: Words = None,
) -> None:
    """Send a message to every chat; the running bot brings it there."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.broadcast(" ".join(order), config, language, sure=yes))


@app.command()
def audit(
    lines: Annotated[int, typer.Argument(min=1, max=50, help="How many.")] = 10,
    config: Config = None,
    language: Words = None,
) -> None:
    """Who changed what, newest first."""
    _order("audit", [str(lines)], config, language)


@app.command()
def tickets(
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help='Write them there as a table; "-": print it.'),
    ] = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Only those in this state; repeatable.")
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="DAY", help='Opened since "2026-11-01", or "7d" ago.')
    ] = "",
    config: Config = None,
    language: Words = None,
) -> None:
    """List what customers asked the staff."""
    from bot.admin import tickets  # late: see above

    states = [one.value for one in state or []]
    code = tickets.show_tickets(config, language, states=states, since=since, file=csv)
    raise typer.Exit(code)


@app.command()
def ticket(
    number: Annotated[int, typer.Argument(min=1, help="As staff see it: #12 is 12.")],
    config: Config = None,
    language: Words = None,
) -> None:
    """Print all that was said in a ticket."""
    from bot.admin import tickets  # late: see above

    raise typer.Exit(tickets.show_ticket(number, config, language))


def _order(command: str, words: list[str], config: Config, language: Words) -> None:
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.order(command, " ".join(words), config, language))
