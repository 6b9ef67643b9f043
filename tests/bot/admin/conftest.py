"""The commands of the machine set up the log of the whole process: it is put back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    known = logging.root.manager.loggerDict
    levels = {name: logging.getLogger(name).level for name in list(known)}
    yield
    for name in list(known):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
