"""Options that several commands of `visionbot` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The settings; without it ./config.toml, else the defaults."),
]
Words = Annotated[
    Literal["zh", "en"] | None,
    typer.Option(
        help="Of the program's own sentences; without it that of the terminal (LANG), else as"
        " configured."
    ),
]


def paragraphs(*lines: str) -> str:
    """Help is printed as flowing text: only an empty line begins a new one."""
    return "\n\n".join(lines)
