"""A plugin of pytest, row 60 of the fault matrix: no secret stands in any line that the program
would have written in any test, at DEBUG.

Our own loggers are heard at DEBUG in every test, those of libraries from warnings on, as
`bot.log.set_up` has it. A message of ours must have nothing in it for the mask to cover, whatever
it was made of; and a whole line, with its traceback, must show none of what tests use as secrets.
A test that writes a secret to see it masked is marked `writes_secrets`, and has to write one.
What the programs that tests start have written is read when the tests are over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.log import TextFormatter
from bot.masking import Mask
from tests.emulators.telegram.server import TOKEN

OURS = ("bot", "handlers", "inference")
CANARIES = (TOKEN.partition(":")[2], "Kanarie-Access-7731", "kanarie-metrics-token-4410")
_LOG = "program.log"  # of tests/e2e/program.py


class Watch(logging.Handler):
    """Keeps the lines that show a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self._mask = Mask()
        self._lines = TextFormatter(self._mask)

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.partition(".")[0] in OURS
        if not ours and record.levelno < logging.WARNING:
            return  # the program never writes it
        try:
            said = record.getMessage()
            line = self._lines.format(record) if record.exc_info or record.stack_info else said
        except Exception:  # a line that cannot be written shows nothing; others see to it
            return
        if (ours and self._mask(said) != said) or shows_canary(line):
            self.found.append(f"{record.name}: {said}")


def shows_canary(text: str) -> bool:
    return any(canary in text for canary in CANARIES)


@pytest.fixture(autouse=True)
def _watch(request: pytest.FixtureRequest) -> Iterator[None]:
    watch, root = Watch(), logging.getLogger()
    loggers = [logging.getLogger(name) for name in OURS]
    before = [logger.level for logger in loggers]
    root.addHandler(watch)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield
    root.removeHandler(watch)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
    if request.node.get_closest_marker("writes_secrets"):
        assert watch.found, "no secret was written; the mark says that one is"
    else:
        assert watch.found == [], "a secret stands in the log"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The logs of whole programs, in the folders of this process' tests."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    folder: Path | None = getattr(factory, "_basetemp", None)
    if folder is None or not folder.is_dir():
        return
    shown = [
        file for file in folder.rglob(_LOG) if shows_canary(file.read_text("utf-8", "replace"))
    ]
    if shown:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        names = ", ".join(str(file.relative_to(folder)) for file in shown)
        raise pytest.UsageError(f"a secret stands in the log of a program: {names}")
