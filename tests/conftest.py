"""What tests of several folders share: one homeserver for all of them, hooks of Python put back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.emulators.matrix.server import PYTHON, Synapse


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """Missing it skips the tests loudly; in CI it fails them."""
    if not PYTHON.exists():
        how = "Synapse is missing: make synapse"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    with Synapse(tmp_path_factory.mktemp("synapse")) as synapse:
        yield synapse


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    """By them pytest sees what no test can catch; `bot.log.set_up` takes them over."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
