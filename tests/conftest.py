"""What tests of several folders share: one homeserver and one database server for all of them,
hooks of Python put back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.emulators.matrix.server import PYTHON, Synapse
from tests.postgres import HOW, Cluster, programs

pytest_plugins = ["tests.rows", "tests.canaries"]


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The same rule."""
    found = programs()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(HOW)
        pytest.skip(HOW)
    with Cluster(found) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def mortal(postgres: Cluster) -> Iterator[Cluster]:
    """Another one, which tests may kill; what it gave to the kernel is not lost with it."""
    with Cluster(postgres.programs) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    """By them pytest sees what no test can catch; `bot.log.set_up` takes them over."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
