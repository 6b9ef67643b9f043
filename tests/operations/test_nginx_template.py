"""The template for nginx, read by nginx."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.operations.proxy import TEMPLATE, nginx, variables, write


def test_nginx_accepts_the_template_without_a_warning(tmp_path: Path) -> None:
    proxy = write(tmp_path, "127.0.0.1:8080")

    checked = subprocess.run(
        [nginx(), "-t", "-e", str(tmp_path / "start.log"), "-c", str(proxy.file)],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_the_template_says_how_to_fill_it_in_by_hand() -> None:
    head = TEMPLATE.read_text("utf-8").partition("\n\n")[0]

    assert [name for name in variables() if name not in head] == []
