"""Options that several commands of `visionbot` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings; else ./config.toml, else the defaults."),
]
Words = Annotated[
    Literal["zh", "en"] | None,
    typer.Option(help="Of the program's own sentences; else as configured."),
]
