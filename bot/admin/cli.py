"""`visionbot admin`: what admins can do in a chat, on the machine. Who may run it is an owner.

It works beside a running bot and without one. What its commands do stands in `machine.py`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.admin import copies
from bot.options import Config, Words

# NOTE: `bot.admin.machine` is imported inside the commands: --help shall not wait for a database.

_PEOPLE, _BOT, _RECORDS = "People and their limits", "The running bot", "Records"
_SAFETY = "Content safety"

app = typer.Typer(
    help="Limits, roles, bans and broadcasts, also while the bot runs.", no_args_is_help=True
)


keys = typer.Typer(help="Keys of the API: one for each program that asks.", no_args_is_help=True)
app.add_typer(keys, name="keys", rich_help_panel=_PEOPLE)

pictures = typer.Typer(help="Known bad pictures, which get no answer.", no_args_is_help=True)
app.add_typer(pictures, name="pictures", rich_help_panel=_SAFETY)


class State(StrEnum):  # a list of literals is nothing that typer takes
    BOT = "bot"
    WAITING = "waiting"
    STAFF = "staff"
    CLOSED = "closed"


Decision = Annotated[
    list[str], typer.Argument(metavar="NUMBER [WORDS]", help="WORDS are for the person.")
]

# Ids of groups begin with a minus and are no options.
_AS_TYPED = {"ignore_unknown_options": True}


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
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


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
def allow(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345".')],
    config: Config = None,
    language: Words = None,
) -> None:
    """Make somebody a member."""
    _order("allow", [who], config, language)


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
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


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
def unban(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345".')],
    config: Config = None,
    language: Words = None,
) -> None:
    """Let somebody in again."""
    _order("unban", [who], config, language)


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
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


@app.command(rich_help_panel=_BOT)
def stats(config: Config = None, language: Words = None) -> None:
    """How much is going on."""
    _order("stats", [], config, language)


@app.command(rich_help_panel=_BOT)
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


@app.command(rich_help_panel=_BOT)
def resume(config: Config = None, language: Words = None) -> None:
    """Take questions again."""
    _order("resume", [], config, language)


@app.command(rich_help_panel=_BOT)
def reload(config: Config = None, language: Words = None) -> None:
    """Check config.toml and have the running bot read it again."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.reload(config, language))


@app.command(rich_help_panel=_BOT)
def page(config: Config = None, language: Words = None) -> None:
    """Print a link to the operator's page: it works once, for ten minutes."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.page(config, language))


@app.command(rich_help_panel=_BOT)
def broadcast(
    order: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT | confirm N | cancel N | status [N]", help="What to send."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send it without asking again.")] = False,
    config: Config = None,
    language: Words = None,
) -> None:
    """Send a message to every chat; the running bot brings it there."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.broadcast(" ".join(order or []), config, language, sure=yes))


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
def export(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345".')],
    file: Annotated[Path, typer.Argument(help="A ZIP, which must not exist yet.")],
    config: Config = None,
    language: Words = None,
) -> None:
    """Write all that is kept of somebody, for them."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.export(who, file, config, language))


@app.command(context_settings=_AS_TYPED, rich_help_panel=_PEOPLE)
def forget(
    who: Annotated[str, typer.Argument(help='A person: "telegram:12345", or a key "api:k_1".')],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    config: Config = None,
    language: Words = None,
) -> None:
    """Delete all that is kept of somebody; what they are writing is ended."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.forget(who, config, language, sure=yes))


@app.command(rich_help_panel=_RECORDS)
def audit(
    lines: Annotated[int, typer.Argument(min=1, max=50, help="How many.")] = 10,
    config: Config = None,
    language: Words = None,
) -> None:
    """Who changed what, newest first."""
    _order("audit", [str(lines)], config, language)


@app.command(context_settings=_AS_TYPED, rich_help_panel=_SAFETY)
def cases(
    which: Annotated[
        str, typer.Argument(metavar="[open | all | WHO]", help='WHO is "telegram:12345".')
    ] = "open",
    config: Config = None,
    language: Words = None,
) -> None:
    """List what content safety blocked or wants looked at."""
    _order("cases", [which], config, language)


@app.command(context_settings=_AS_TYPED, rich_help_panel=_SAFETY)
def case(
    order: Annotated[
        list[str],
        typer.Argument(
            metavar="NUMBER [block [2h | 3d | forever] | block-picture]",
            help="block shuts the person out; block-picture, these pixels, whoever sends them.",
        ),
    ],
    config: Config = None,
    language: Words = None,
) -> None:
    """Show a case, or deal with its person or picture."""
    _order("case", order, config, language)


@app.command(rich_help_panel=_SAFETY)
def approve(order: Decision, config: Config = None, language: Words = None) -> None:
    """Let a case through: the same will be answered next time; the person is told."""
    _order("approve", order, config, language)


@app.command(rich_help_panel=_SAFETY)
def reject(order: Decision, config: Config = None, language: Words = None) -> None:
    """Let the decision in a case stand; who appealed is told."""
    _order("reject", order, config, language)


@app.command(rich_help_panel=_RECORDS)
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


@app.command(rich_help_panel=_RECORDS)
def ticket(
    number: Annotated[int, typer.Argument(min=1, help="As staff see it: #12 is 12.")],
    config: Config = None,
    language: Words = None,
) -> None:
    """Print all that was said in a ticket."""
    from bot.admin import tickets  # late: see above

    raise typer.Exit(tickets.show_ticket(number, config, language))


copies.add_to(app)  # here: --help shows the groups in the order of their first commands


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="For whom it is: people read it in lists.")],
    tokens_per_day: Annotated[
        int | None, typer.Option(min=0, max=10**15, help="It may use so many tokens a day.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=0, max=100_000, help="0: no limit; else as configured.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="The only model it may ask; repeatable.")
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Make a key and print it, this once; also before the first start."""
    from bot.admin import machine  # late: see above
    from bot.admin.keys import KeyOrder  # late: see above

    order = KeyOrder(name, tokens_per_day, requests_per_minute, tuple(model or ()))
    raise typer.Exit(machine.make_key(order, config, language))


@keys.command("list")
def list_keys(config: Config = None, language: Words = None) -> None:
    """Show all keys: for whom, since when, last used, with what limits; never the keys."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.list_keys(config, language))


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="ID", help='As listed: "k_3f9a1c20b7d4".')],
    config: Config = None,
    language: Words = None,
) -> None:
    """Take a key back; a running bot refuses it from the next request on."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.revoke_key(key, config, language))


@pictures.command("block")
def block_picture(
    file: Annotated[Path, typer.Argument(help="A photo of it, of any kind that people may send.")],
    why: Annotated[str, typer.Option(help="For whoever reads the list.")] = "",
    config: Config = None,
    language: Words = None,
) -> None:
    """Block its pixels, whoever sends them; what looks the same becomes a case."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.block_picture(file, why, config, language))


@pictures.command("list")
def list_pictures(config: Config = None, language: Words = None) -> None:
    """Show all that are blocked: number, pixels' hash, since when, by whom, why."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.list_pictures(config, language))


@pictures.command("allow")
def allow_picture(
    number: Annotated[int, typer.Argument(min=1, help="As listed.")],
    config: Config = None,
    language: Words = None,
) -> None:
    """Take a picture out of the list."""
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.allow_picture(number, config, language))


def _order(command: str, words: list[str], config: Config, language: Words) -> None:
    from bot.admin import machine  # late: see above

    raise typer.Exit(machine.order(command, " ".join(words), config, language))
