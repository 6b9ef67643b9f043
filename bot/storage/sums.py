"""What each file of a backup held when it was made: SHA256SUMS, which `sha256sum -c` reads too.

Photos are not in it: the name of each is its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

SUMS = "SHA256SUMS"
_PHOTOS = "photos"


def sha256_of(file: Path) -> str:
    """In hexadecimal digits. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in sorted(_names(folder))]
    (folder / SUMS).write_text("".join(lines), "utf-8")


def changed_files(folder: Path) -> Iterator[str]:
    """Their names: changed since, or gone. None where nobody wrote down what they held."""
    sums = folder / SUMS
    for line in sums.read_text("utf-8", "replace").splitlines() if sums.exists() else ():
        digest, _, name = line.partition("  ")
        file = folder / name
        if not file.is_file() or sha256_of(file) != digest:
            yield name


def _names(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        name = file.relative_to(folder)
        if file.is_file() and name.parts[0] != _PHOTOS:
            yield name.as_posix()
