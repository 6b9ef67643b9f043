"""Installing with `make`, with a Python that only plays its part."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# As Debian's without python3-venv: it begins .venv, says no and leaves a python without pip.
WITHOUT_VENV = """#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python; exit 1;;
  *"-m pip"*) exit 1;;
esac
"""
# Pip's orders are noted beside the Python that got them.
WHOLE = """#!/bin/sh
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
  *"-m pip"*) echo "$*" >> "$0.orders";;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def install(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    script = folder / "python"
    script.write_text(python, "utf-8")
    script.chmod(0o700)
    return subprocess.run(
        ["make", f"PYTHON={script}", ".venv/.installed"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


def test_a_python_without_venv_is_told_what_to_install(folder: Path) -> None:
    done = install(folder, WITHOUT_VENV)

    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert not (folder / ".venv").exists()


def test_a_half_made_venv_is_made_anew(folder: Path) -> None:
    half = folder / ".venv" / "bin" / "python"
    half.parent.mkdir(parents=True)
    half.write_text(WITHOUT_VENV, "utf-8")
    half.chmod(0o700)

    done = install(folder, WHOLE)

    assert done.returncode == 0, done.stderr
    assert half.read_text("utf-8") == WHOLE


def test_a_whole_venv_stays(folder: Path) -> None:
    install(folder, WHOLE)
    kept = folder / ".venv" / "mine"
    kept.touch()
    (folder / ".venv" / ".installed").unlink()

    done = install(folder, WHOLE)

    assert done.returncode == 0, done.stderr
    assert kept.exists()


def test_a_start_leaves_the_data_folder_to_the_program_which_closes_it_to_others(
    folder: Path,
) -> None:
    installed = folder / ".venv" / "bin"
    installed.mkdir(parents=True)
    (folder / ".venv" / ".installed").touch()
    program = installed / "visionbot"
    program.write_text('#!/bin/sh\necho "$@" > orders\n', "utf-8")
    program.chmod(0o700)

    subprocess.run(["make", "run"], cwd=folder, timeout=15, check=True)

    assert (folder / "orders").read_text("utf-8") == "run --open\n"
    assert not (folder / "data").exists()
