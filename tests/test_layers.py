"""Imports point one way: the arrows of the house, read from the files themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "inference")

# Which of our own modules a module may import; the longest name that fits counts.
MAY_IMPORT = {
    "inference": ("inference",),
    "inference.request": (),
    "inference.errors": (),
    "inference.trace": (),
    "inference.child": (),
    "inference.children": (),
    "inference.images": (
        "inference.images",
        "inference.child",
        "inference.children",
        "inference.request",
        "inference.errors",
    ),
    "inference.safety": (
        "inference.safety",
        "inference.images",
        "inference.child",
        "inference.children",
        "inference.trace",
        "inference.request",
        "inference.errors",
    ),
    "inference.earlier": (
        "inference.earlier",
        "inference.images",
        "inference.request",
        "inference.errors",
    ),
    "inference.earlier.kept": ("inference.request",),
    "inference.earlier.key": ("inference.request",),
    "inference.earlier.revision": (
        "inference.build",
        "inference.engine.base",
        "inference.engine.model.checkpoint",
    ),
    "inference.fallback": ("inference.images", "inference.request", "inference.errors"),
    "inference.engine": (
        "inference.engine",
        "inference.request",
        "inference.errors",
        "inference.trace",
    ),
    "inference.engine.model": (
        "inference.engine.model",
        "inference.engine.words",
        "inference.engine.blocks",
        "inference.engine.memory",
        "inference.engine.sequence",
        "inference.engine.settings",
        "inference.request",
        "inference.errors",
    ),
    "inference.engine.words": (
        "inference.engine.words",
        "inference.engine.grammar",
        "inference.engine.sequence",
        "inference.request",
        "inference.errors",
    ),
    "inference.engine.grammar": (
        "inference.engine.grammar",
        "inference.engine.sequence",
        "inference.request",
        "inference.errors",
    ),
    "inference.engine.server": (
        "inference.engine.server",
        "inference.engine.base",
        "inference.engine.rate",
        "inference.request",
        "inference.errors",
    ),
    "inference.service": (
        "inference.request",
        "inference.errors",
        "inference.images",
        "inference.earlier.answers",
        "inference.fallback",
        "inference.safety",
        "inference.engine.base",
        "inference.engine.server.estimate",
        "inference.engine.times",
        "inference.trace",
    ),
    "bot": ("bot", "inference"),
    "bot.event": (),
    "bot.action": ("bot.event",),
    "bot.errors": (),
    "bot.markdown": (),
    "bot.markup": ("bot.markdown",),
    "bot.wording": ("bot.wording.text",),
    "bot.texts": ("bot.wording", "bot.event"),
    "bot.access.quota": ("bot.wording",),
    "bot.access.periods": ("bot.access.quota",),
    "bot.access.names": ("bot.access.quota",),
    "bot.rules": (
        "bot.service.hours",
        "bot.access.names",
        "bot.access.periods",
        "bot.access.quota",
        "bot.storage.retention.section",
        "bot.texts",
        "inference.fallback",
        "inference.safety.section",
    ),
    "bot.service.hours": (),
    "bot.service.phrases": (),
    "bot.access.roles": ("bot.event", "bot.rules", "bot.storage.people"),
    "bot.storage.retention.section": (),
    "bot.api.addresses": (),
    "bot.api.guard": (),
    "bot.api.plain_page": (),
    "bot.storage.errors": (),  # so that whoever imports them gets nothing else of the storage
    "bot.storage": (
        "bot.storage",
        "bot.event",
        "bot.access.quota",
        "inference.earlier.kept",
        "inference.request",
    ),
    "bot.platforms": (
        "bot.event",
        "bot.api.addresses",
        "bot.api.guard",
        "bot.api.plain_page",
        "bot.platforms.base",
        "bot.platforms.http",
        "bot.platforms.patience",
        "bot.markdown",
        "bot.markup",
        "bot.storage.errors",
    ),
    "handlers": (
        "handlers",
        "bot.event",
        "bot.action",
        "bot.answering.ended",
        "bot.errors",
        "bot.service.hours",
        "bot.service.phrases",
        "bot.service.letters",
        "bot.service.moves",
        "bot.documents",
        "bot.admin",
        "bot.access.names",
        "bot.access.periods",
        "bot.access.quota",
        "bot.access.rights",
        "bot.access.roles",
        "bot.rules",
        "bot.texts",
        "bot.storage",
    ),
    "bot.app": ("bot", "handlers", "inference"),
    "bot.wiring": ("bot", "handlers", "inference"),
}
# Packages of others, and the only modules that may import them.
ONLY_IN = {
    "torch": ("inference.engine", "inference.demo", "inference.safety.guards.classifier"),
    "transformers": ("inference.engine", "inference.demo", "inference.safety.guards.classifier"),
    "sqlalchemy": ("bot.storage",),
    "aiosqlite": ("bot.storage",),
    "telegram": ("bot.platforms.telegram", "bot.checkup"),
    "nio": ("bot.platforms.matrix",),
    "typer": (
        "bot.cli",
        "bot.launch",
        "bot.options",
        "bot.admin.cli",
        "bot.admin.copying",
        "bot.admin.copies",
        "bot.admin.machine",
        "bot.admin.typed",
    ),
    "pypdf": ("bot.documents.pdf",),
    "docx": ("bot.documents.office",),
    "openpyxl": ("bot.documents.office",),
    "llguidance": ("inference.engine.grammar",),
    "re2": ("inference.safety",),
    "opencc": ("inference.safety",),
    "rapidocr": ("inference.images",),
    "pillow_heif": ("inference.images",),
    "prometheus_client": ("bot.watching.metrics",),
    "markdown_it": ("bot.markdown", "bot.markup", "bot.platforms.web.blocks"),
    "bitsandbytes": ("inference.engine.model.quantize",),
}
# Modules that are tested without it.
NO_TORCH = (
    "inference.engine.sequence",
    "inference.engine.scheduler",
    "inference.engine.blocks",
    "inference.engine.remote",
    "inference.engine.server",
    "inference.engine.words.detokenize",
    "inference.engine.words.stops",
    "inference.engine.words.writing",
)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def imports(source: str, package: str, ours: frozenset[str]) -> Iterator[str]:
    """The full name of all that is imported anywhere in the file, functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*parent, node.module] if node.module else parent)
            for alias in node.names:  # the name is a module, or something in one
                full = f"{base}.{alias.name}"
                yield full if full in ours else base


def faults(module: str, imported: str) -> Iterator[str]:
    if imported.split(".")[0] in PACKAGES:
        rule = max((name for name in MAY_IMPORT if within(module, name)), key=len)
        own_folder = ".".join(module.split(".")[:3]) if rule == "bot.platforms" else rule
        allowed = (*MAY_IMPORT[rule], own_folder) if rule == "bot.platforms" else MAY_IMPORT[rule]
        if not any(within(imported, name) for name in allowed):
            yield f"{module} imports {imported}"
    for package, places in ONLY_IN.items():
        if within(imported, package) and not any(within(module, place) for place in places):
            yield f"{module} imports {imported}"
    if within(imported, "torch") and any(within(module, name) for name in NO_TORCH):
        yield f"{module} imports {imported}"


def all_faults(sources: dict[str, str]) -> list[str]:
    ours = frozenset(sources)
    found = []
    for module, source in sources.items():
        package = module if module.endswith("__init__") else module.rpartition(".")[0]
        for imported in imports(source, package, ours):
            found += faults(module.removesuffix(".__init__"), imported)
    return found


def the_house() -> dict[str, str]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts): file.read_text("utf-8")
        for file in files
    }


def test_every_arrow_points_the_right_way() -> None:
    assert all_faults(the_house()) == []


def test_only_config_reads_the_environment() -> None:
    readers = {
        module
        for module, source in the_house().items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    }

    assert readers == {"bot.config"}


def test_package_files_are_empty_but_for_the_tables_of_handlers() -> None:
    full = {name for name, source in the_house().items() if name.endswith("__init__") and source}

    assert full <= {"handlers.__init__"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("inference.service", "from bot.event import Event"),
        ("inference.service", "import inference.engine.local"),
        ("inference.request", "from inference.errors import BadPicture"),
        ("inference.engine.blocks", "def f():\n    import torch"),
        ("handlers.ask", "from inference.request import Turn"),
        ("handlers.ask", "from bot.platforms.telegram import adapter"),
        ("handlers.ask", "from bot import app"),
        ("bot.worker", "from handlers import HANDLERS"),
        ("bot.worker", "from sqlalchemy import select"),
        ("bot.reply", "import torch.nn"),
        ("bot.event", "from .action import Say"),
        ("bot.storage.inbox", "from bot.platforms.base import Limits"),
        ("bot.platforms.web.adapter", "from bot.platforms.telegram.wire import parse_update"),
        ("bot.platforms.web.adapter", "from ..telegram import wire"),
        ("bot.platforms.web.adapter", "from bot.worker import Worker"),
    ],
)
def test_a_wrong_arrow_is_found(module: str, source: str) -> None:
    known = dict.fromkeys(("bot.app", "bot.action", "bot.platforms.telegram.wire"), "")

    assert all_faults(known | {module: source}) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bot.app", "from handlers import HANDLERS"),
        ("bot.worker", "from inference.service import Service"),
        ("bot.platforms.web.adapter", "from .wire import render"),
        ("bot.platforms.web.adapter", "from bot.platforms.base import Limits"),
        ("bot.storage.inbox", "import sqlalchemy as sa"),
        ("handlers.ask", "from bot.event import Event"),
        ("inference.engine.loop", "import torch"),
    ],
)
def test_a_right_arrow_is_let_through(module: str, source: str) -> None:
    assert all_faults({module: source}) == []
