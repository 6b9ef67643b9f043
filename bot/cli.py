"""The program `visionbot`: its commands and options. What they do stands in `launch.py`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from bot.admin import cli as admin
from bot.options import Config, Words

# NOTE: `bot.launch` is imported inside the commands, since it brings chat libraries and the
# database with it, and --version and --help shall not wait for those.

app = typer.Typer(
    help="Send a photo and a question; the answer appears while it is written.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, and so secrets
)
app.add_typer(admin.app, name="admin")

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


@app.command()
def run(
    config: Config = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Start the bot and its web page; Ctrl-C ends them."""
    from bot import launch  # late: see above

    raise typer.Exit(launch.run(config, open_page=open_page))


@app.command()
def chat(config: Config = None, language: Words = None) -> None:
    """Talk in the terminal: /photo FILE, /new, /help, /quit."""
    from bot import launch  # late: see above

    raise typer.Exit(launch.chat(config, language))


@app.command()
def ask(
    question: str,
    photo: Photos = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, help="0: always the likeliest word.")
    ] = None,
    config: Config = None,
    language: Words = None,
) -> None:
    """Answer one question. Exit code 0: answered, 1: failed, 2: unusable photo or option."""
    from bot import launch  # late: see above

    code = launch.ask(
        config, language, photo or [], question, max_tokens=max_tokens, temperature=temperature
    )
    raise typer.Exit(code)


@app.command()
def check(config: Config = None) -> None:
    """Look at settings, data folder, database, model and the Telegram token."""
    from bot import launch  # late: see above

    raise typer.Exit(launch.check(config))
