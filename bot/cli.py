"""The program `visionbot`: its commands and options. What they do stands in `launch.py`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from bot.admin import cli as admin
from bot.options import Config, Words, paragraphs

# NOTE: `bot.launch` is imported inside the commands, since it brings chat libraries and the
# database with it, and --version and --help shall not wait for those.

_ASKING, _RUNNING = "Ask", "Run it for others"

_SETTINGS = paragraphs(
    "Settings come from config.toml, which lists and explains all of them. The environment goes"
    " before the file: VISIONBOT_WEB__PORT=9000 is port in its section web.",
    "Secrets come from the environment alone: VISIONBOT_TELEGRAM__TOKEN, or a file named by"
    " VISIONBOT_TELEGRAM__TOKEN_FILE, or the systemd credential telegram.token.",
)
_CODES = "Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 130 stopped by Ctrl-C."

app = typer.Typer(
    help="Send a photo and a question; the answer appears while it is written.",
    epilog=paragraphs(_SETTINGS, _CODES),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # they show local variables, and so secrets
)
app.add_typer(admin.app, name="admin", rich_help_panel=_RUNNING)

Photos = Annotated[
    list[Path] | None,
    typer.Option("--photo", metavar="FILE", help="What the question is about; repeatable."),
]


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal may lack a character
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"visionbot {version('visionbot')}")
        raise typer.Exit


@app.callback()
def _program(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show it and end."),
    ] = False,
) -> None:
    pass


@app.command(
    rich_help_panel=_RUNNING,
    epilog=paragraphs(
        "visionbot run --open",
        "VISIONBOT_WEB__PORT=9000 visionbot run",
        "VISIONBOT_WEB__HOST=0.0.0.0 VISIONBOT_WEB__ACCESS_CODE_FILE=code.txt"
        " VISIONBOT_API__ENABLED=false visionbot run",
        "VISIONBOT_ENGINE__MODEL=zai-org/GLM-4.6V-Flash VISIONBOT_LOG__FORMAT=json visionbot run",
        _SETTINGS,
        "Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 it could not start or go on, 2 wrong"
        " settings. SIGHUP reads the rules in config.toml again, as does visionbot admin reload.",
    ),
)
def run(
    config: Config = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Start the bot, its web page and its API; Ctrl-C ends them.

    It prints where they are when the model is loaded. What was not answered when it ends is
    answered after the next start. The log goes to standard error.
    """
    from bot import launch  # late: see above

    raise typer.Exit(launch.run(config, open_page=open_page))


@app.command(
    rich_help_panel=_ASKING,
    epilog=paragraphs("visionbot chat --language en", _SETTINGS, _CODES),
)
def chat(config: Config = None, language: Words = None) -> None:
    """Talk in the terminal: /photo FILE, /new, /help, /quit.

    The model is loaded for this talk alone; it needs no running bot, and is in nobody's quota.
    """
    from bot import launch  # late: see above

    raise typer.Exit(launch.chat(config, language))


@app.command(
    rich_help_panel=_ASKING,
    epilog=paragraphs(
        "visionbot ask --photo cat.jpg 'What colour is the cat?'",
        "visionbot ask --photo before.jpg --photo after.jpg 'What has changed?'",
        _SETTINGS,
        "Exit codes: 0 answered, 1 failed, 2 unusable photo, wrong settings or usage.",
    ),
)
def ask(
    question: Annotated[str, typer.Argument(help="In one piece, between quotation marks.")],
    photo: Photos = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, help="0: always the likeliest word.")
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Answer one question on standard output, and end."""
    from bot import launch  # late: see above

    code = launch.ask(
        config, language, photo or [], question, max_tokens=max_tokens, temperature=temperature
    )
    raise typer.Exit(code)


@app.command(
    rich_help_panel=_RUNNING,
    epilog=paragraphs(
        "visionbot check",
        "visionbot check --json",
        "Exit codes: 0 all that is on works, 1 something does not; what to do stands beside it.",
    ),
)
def check(
    config: Config = None,
    language: Words = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A list of objects, for programs.")
    ] = False,
) -> None:
    """Look whether all that the program needs is there, and say what to do if not.

    Settings, secrets, data folder, disk, database, time zone, graphics card, port, API keys,
    guards, chat platforms, and the model, which is asked about a picture if it is downloaded. It
    changes nothing, and may be run beside a running bot.
    """
    from bot import launch  # late: see above

    raise typer.Exit(launch.check(config, language, as_json=as_json))
