"""The versions that are pinned, and the least ones that pyproject.toml lets in, are safe ones."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
SAFE = tomllib.loads((Path(__file__).parent / "safe_versions.toml").read_text("utf-8"))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(file: Path) -> dict[str, Version]:
    lines = file.read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {_plain(name): Version(version.split(";")[0].strip()) for name, version in pairs}


def _asked() -> dict[str, list[Requirement]]:
    """All that pyproject.toml asks for, in any of its lists."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    found: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, [one for each in lists for one in each]):
        found.setdefault(_plain(requirement.name), []).append(requirement)
    return found


PINNED, ASKED = _pinned(ROOT / "constraints.txt"), _asked()


@pytest.mark.parametrize("name", SAFE)
def test_what_is_installed_is_a_safe_version(name: str) -> None:
    assert PINNED[name] >= Version(SAFE[name]["least"]), SAFE[name]["why"]


@pytest.mark.parametrize("name", sorted(SAFE.keys() & ASKED.keys()))
def test_no_unsafe_version_is_let_in_by_who_installs_without_our_pins(name: str) -> None:
    least = Version(SAFE[name]["least"])

    for asked in ASKED[name]:
        bounds = [Version(one.version) for one in asked.specifier if one.operator in (">=", "==")]
        assert bounds, f"{asked} lets any version in"
        assert max(bounds) >= least, SAFE[name]["why"]


@pytest.mark.parametrize(
    "file", ["tests/operations/audit/constraints.txt", "tests/emulators/matrix/constraints.txt"]
)
def test_the_tools_of_tests_and_audits_are_safe_versions_too(file: str) -> None:
    pinned = _pinned(ROOT / file)

    unsafe = [
        f"{name} {pinned[name]}: {SAFE[name]['why']}"
        for name in SAFE.keys() & pinned.keys()
        if pinned[name] < Version(SAFE[name]["least"])
    ]

    assert unsafe == []


def test_everything_that_the_program_needs_is_pinned() -> None:
    """Else its version would be whatever is newest on that day."""
    needed = [Requirement(one) for one in requires("visionbot") or []]
    plain = {_plain(one.name) for one in needed if one.marker is None}

    assert plain - PINNED.keys() == set()
