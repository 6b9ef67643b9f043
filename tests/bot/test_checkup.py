"""`visionbot check` tells what the next start will find, and leaves everything as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.checkup import check

# Nobody listens there; a model of our own would load torch first, which takes seconds.
UNREACHABLE = """[engine]
kind = "remote"
base_url = "http://127.0.0.1:9/v1"
start_timeout_s = 1
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The data in a folder that does not exist yet; a model that fails fast."""
    file = tmp_path / "config.toml"
    file.write_text(f'[storage]\ndata_dir = "{tmp_path}/new/data"\n{UNREACHABLE}', "utf-8")
    return file


def names(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def checked(file: Path) -> dict[str, list[str]]:
    """Part -> its state and the detail."""
    lines: list[str] = []
    assert not await check(file, lines.append)  # the model is none
    return {part: rest for part, *rest in (re.split(r" {2,}", line, maxsplit=2) for line in lines)}


async def test_data_that_is_not_there_yet_is_announced_and_not_made(
    settings: Path, tmp_path: Path
) -> None:
    before = names(tmp_path)

    parts = await checked(settings)

    assert parts["data folder"] == ["ok", f"will be created at {tmp_path}/new/data"]
    assert parts["database"] == ["ok", "will be created"]
    assert names(tmp_path) == before


async def test_a_data_folder_that_cannot_be_made_fails(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("a file", "utf-8")

    parts = await checked(settings)

    assert parts["data folder"] == ["failed", f"{tmp_path}/new is a file, not a folder"]


async def test_a_data_folder_that_stands_is_named(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / "data").mkdir(parents=True)

    parts = await checked(settings)

    assert parts["data folder"] == ["ok", f"{tmp_path}/new/data"]
    assert names(tmp_path / "new" / "data") == []
