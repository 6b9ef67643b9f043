"""What the program has is described where people look for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from bot.config import Settings
from handlers import COMMANDS

ROOT = Path(__file__).parent.parent
PROGRAM = ("run", "chat", "ask", "check", "admin")  # what the readme must name of `visionbot`


def is_secret(section: str, key: str) -> bool:
    fields = type(Settings.model_fields[section].default).model_fields
    annotation = fields[key].annotation
    return SecretStr in (annotation, *get_args(annotation))


# Written as tables, which TOML does not allow below a line of the same name.
TABLES = {("guards", "models")}


def keys() -> list[tuple[str, str, object]]:
    return [
        (section, key, value)
        for section, field in Settings.model_fields.items()
        for key, value in field.default
    ]


@pytest.mark.parametrize(("section", "key", "default"), keys())
def test_each_setting_stands_in_config_toml_with_a_comment(
    section: str, key: str, default: object
) -> None:
    text = (ROOT / "config.toml").read_text("utf-8")
    part = re.split(r"^\[(\w+)\]$", text, flags=re.MULTILINE)
    lines = part[part.index(section) + 1]

    if is_secret(section, key):
        assert re.search(rf"^# .*\b{f'VISIONBOT_{section}__{key}'.upper()}\b", lines, re.MULTILINE)
        assert not re.search(rf"^#? ?{key} *=", lines, re.MULTILINE)
    else:
        mark = "# " if (section, key) in TABLES else ""
        assert re.search(rf"^{mark}{key} = .*  # \S.{{9,}}", lines, re.MULTILINE)


@pytest.mark.parametrize(("section", "key", "default"), keys())
def test_config_toml_has_the_default_of_each_setting(
    section: str, key: str, default: object
) -> None:
    written = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))[section]

    if is_secret(section, key) or (section, key) in TABLES:
        assert key not in written
    else:
        model = type(Settings.model_fields[section].default)
        assert getattr(model.model_validate({key: written[key]}), key) == default


def test_config_toml_has_no_other_sections_and_settings() -> None:
    written = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))

    known = {(section, key) for section, key, _ in keys()}
    assert {(section, key) for section in written for key in written[section]} <= known


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_each_command_of_the_bot_stands_in_the_readmes(readme: str, command: str) -> None:
    assert f"`/{command}`" in (ROOT / readme).read_text("utf-8")


def tree(readme: str) -> str:
    blocks = (ROOT / readme).read_text("utf-8").split("```\n")
    (found,) = (block for block in blocks if block.startswith("bot/ "))
    return found


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_tree_in_the_readmes_names_each_file_and_no_other(readme: str) -> None:
    named = set(re.findall(r"[\w-]+\.py\b", tree(readme))) - {"__init__.py"}

    files = {
        file.name
        for top in ("bot", "handlers", "inference", "bench")
        for file in (ROOT / top).rglob("*.py")
        if not file.name.startswith("__") and "migrations" not in file.parts
    }
    assert sorted(named ^ files) == []


def test_the_trees_of_both_languages_are_the_same() -> None:
    paths = [
        re.findall(r"[\w-]+(?:\.py|/)", tree(name)) for name in ("README.md", "README.zh-CN.md")
    ]

    assert paths[0] == paths[1]


@pytest.mark.parametrize("command", PROGRAM)
@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_each_command_of_the_program_stands_in_the_readmes(readme: str, command: str) -> None:
    text = (ROOT / readme).read_text("utf-8")

    assert f"make {command}" in text or f"visionbot {command}" in text


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_each_target_and_file_that_a_readme_names_exists(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert set(re.findall(r"\bmake ([a-z][a-z-]+)\b", text)) <= set(targets)
    files = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.timeout(60)
def test_the_example_of_the_engine_without_the_bot_runs() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", architecture, re.DOTALL)

    ran = subprocess.run(
        [sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert json.loads(ran.stdout)["colour"] in ("red", "blue")
