"""What all commands of `visionbot admin` share: settings read, faults in one line, an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from bot import log
from bot.admin.report import visible
from bot.config import Settings, load
from bot.errors import ConfigError
from bot.storage.errors import StorageError
from bot.texts import Language

OK, FAILED, MISUSED = 0, 1, 2


class Complaint(Exception):
    """A sentence for standard error, and the exit code that goes with it."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def carried_out(
    config: Path | None, language: Language | None, work: Callable[[Settings, Language], str]
) -> int:
    """`work` gives what is printed."""
    log.set_up(log.LogSection(level="error"))
    try:
        settings = load(config)
        said = work(settings, settings.language(language))
    except Complaint as error:
        return _complain(str(error), error.code)
    except ConfigError as error:
        return _complain(str(error), MISUSED)
    except (StorageError, OSError) as error:
        return _complain(str(error), FAILED)
    typer.echo(visible(said))
    return OK


def _complain(said: str, code: int) -> int:
    typer.echo(f"visionbot: {' '.join(said.split())}", err=True)
    return code
