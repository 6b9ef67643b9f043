"""`make audit`: what it says of what pip-audit finds, and that it is never taken for good news when
nothing could be asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = "Found 2 known vulnerabilities in 1 package"
UNREACHABLE = "ERROR:pip_audit._cli:aiohttp: Dependency not found on PyPI and could not be audited"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with tools that only play their part."""
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    here = "tests/operations/audit"
    shutil.copytree(ROOT / here, tmp_path / here)
    tools = tmp_path / ".audit" / "bin"
    tools.mkdir(parents=True)
    for name in ("bandit", "pip-audit"):
        _tool(tools / name)
    (tmp_path / ".audit" / ".installed").touch()
    return tmp_path


def _tool(file: Path, said: str = "", code: int = 0) -> None:
    file.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit {code}\n", "utf-8")
    file.chmod(0o700)


def _audit(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "audit"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=15, check=False
    )


def test_without_any_finding_the_audit_passes_and_says_so(folder: Path) -> None:
    done = _audit(folder)

    assert done.returncode == 0, done.stderr
    assert "no known vulnerability" in done.stdout


def test_a_known_vulnerability_fails_the_audit_and_is_shown(folder: Path) -> None:
    _tool(folder / ".audit/bin/pip-audit", FOUND, 1)

    done = _audit(folder)

    assert done.returncode != 0
    assert FOUND in done.stdout
    assert "raise the versions" in done.stderr


def test_a_service_that_cannot_be_asked_fails_the_audit_and_is_no_good_news(folder: Path) -> None:
    _tool(folder / ".audit/bin/pip-audit", UNREACHABLE, 1)

    done = _audit(folder)

    assert done.returncode != 0
    assert "NOTHING IS KNOWN" in done.stderr
    assert "no known vulnerability" not in done.stdout


def test_a_finding_in_our_own_code_fails_the_audit(folder: Path) -> None:
    _tool(folder / ".audit/bin/bandit", "Issue: [B602]", 1)

    assert _audit(folder).returncode != 0
