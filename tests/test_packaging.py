"""What is declared is what is needed: an installation without the extras starts."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PRODUCT = {"bot", "handlers", "inference"}
OPTIONAL = {  # extras, imported late or by training alone
    "asyncpg",
    "cv2",
    "flash_attn",
    "matplotlib",
    "nio",
    "pillow_heif",
    "rapidocr",
    "tqdm",
}
SILENT = {"greenlet"}  # needed by SQLAlchemy's asyncio part, imported by nobody of ours


def test_every_imported_package_comes_with_a_plain_installation():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = _installed_with(*map(Requirement, declared["dependencies"]))

    owners = packages_distributions()  # slow: it looks at every installed file
    needed = {_name(owner) for module in _imported() for owner in owners[module]}
    assert needed | SILENT <= installed


def _imported() -> set[str]:
    files = [file for name in PRODUCT for file in (ROOT / name).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.partition(".")[0] for name in names}
    return tops - PRODUCT - OPTIONAL - set(sys.stdlib_module_names)


def _installed_with(*wanted: Requirement) -> set[str]:
    """The names of all distributions that installing them brings."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    queue = [*wanted]
    while queue:
        requirement = queue.pop()
        found.add(_name(requirement.name))
        for extra in requirement.extras or {""}:
            if (_name(requirement.name), extra) in seen:
                continue
            seen.add((_name(requirement.name), extra))
            lines = map(Requirement, requires(requirement.name) or [])
            queue += [
                line for line in lines if not line.marker or line.marker.evaluate({"extra": extra})
            ]
    return found


def _name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
