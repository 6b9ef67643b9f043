"""The commands of `visionbot admin` that copy all that is kept; what they do stands in `copying.py`
and `moving.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.options import Config, Words, paragraphs

# NOTE: `bot.admin.copying` is imported inside the commands: --help shall not wait for a database.

_PANEL = "Records"


def backup(
    folder: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")],
    config: Config = None,
    language: Words = None,
) -> None:
    """Copy database, photos and keys of encrypted rooms, also while the bot runs."""
    from bot.admin import copying  # late: see above

    raise typer.Exit(copying.backup(folder, config, language))


def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="A backup; without it the bot's own data.")
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Look whether a backup, or the bot's own data, is whole; it may run, and nothing is changed.

    The database in full, each photo by its content, the photos that must be there, the rules that
    hold for every message, and of a backup that nothing in it has changed since it was made.
    """
    from bot.admin import copying  # late: see above

    raise typer.Exit(copying.verify(folder, config, language))


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    config: Config = None,
    language: Words = None,
) -> None:
    """Put a backup in the place of the data; what is there is moved aside, never deleted.

    The bot must not run. The backup is verified first, and it says what came after it. Questions
    that were open in it are not answered again; their chats are told to ask anew.
    """
    from bot.admin import copying  # late: see above

    raise typer.Exit(copying.restore(folder, config, language, sure=yes))


def move(config: Config = None, language: Words = None) -> None:
    """Move all rows of the database file to the PostgreSQL that [storage] url names.

    The bot must not run, and that database must hold nothing yet. All or nothing; the file stays
    as it is, and photos stay where they are.
    """
    from bot.admin import moving  # late: see above

    raise typer.Exit(moving.run(config, language))


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=_PANEL)(backup)
    app.command(
        rich_help_panel=_PANEL,
        epilog=paragraphs("Exit codes: 0 all is well, 1 something is not, 2 wrong settings."),
    )(verify)
    app.command(rich_help_panel=_PANEL)(restore)
    app.command(rich_help_panel=_PANEL)(move)
