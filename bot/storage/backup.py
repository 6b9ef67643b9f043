"""A copy of the whole data folder, made while the program runs; whole or not at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from bot.storage.errors import DatabaseDamaged, NoDatabase, Taken, WithinItself
from bot.storage.soundness import FILE

_SQLITE_MAGIC = b"SQLite format 3\x00"
_PAGES = 1024  # copied at a stroke; between two of them the program may write
_LEFT_OUT = ("*.lock", "*-wal", "*-shm", "tmp", "models")  # models can be fetched again


@dataclass(frozen=True, slots=True)
class Copied:
    files: int
    bytes: int


def back_up(data_dir: Path, to: Path) -> Copied:
    """`to` must not exist. Raises NoDatabase, Taken, WithinItself, DatabaseDamaged, OSError.

    Databases first, each as it is at one moment; a photo is on the disk before the database knows
    of it, so that none is missing.
    """
    if not (data_dir / FILE).exists():
        raise NoDatabase(data_dir / FILE)
    if to.exists():
        raise Taken(to)
    if to.resolve().is_relative_to(data_dir.resolve()):
        raise WithinItself(to, data_dir)
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{to.name}.", dir=to.parent))
    try:
        copied = _copy(data_dir, unfinished)
        _flush(unfinished)
        unfinished.rename(to)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return copied


def _copy(data_dir: Path, to: Path) -> Copied:
    databases = [file for file in _files(data_dir) if _is_database(file)]
    for file in databases:
        _copy_database(file, _beside(file, data_dir, to))
    for file in _files(data_dir):  # looked for again: photos have come meanwhile
        if file not in databases:
            shutil.copy2(file, _beside(file, data_dir, to))
    copies = [file for file in to.rglob("*") if file.is_file()]
    return Copied(len(copies), sum(file.stat().st_size for file in copies))


def _files(data_dir: Path) -> list[Path]:
    def belongs(file: Path) -> bool:
        parts = file.relative_to(data_dir).parts
        return not any(fnmatch(part, name) for part in parts for name in _LEFT_OUT)

    return sorted(file for file in data_dir.rglob("*") if file.is_file() and belongs(file))


def _beside(file: Path, data_dir: Path, to: Path) -> Path:
    copy = to / file.relative_to(data_dir)
    copy.parent.mkdir(parents=True, exist_ok=True)
    return copy


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC


def _copy_database(file: Path, to: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy, pages=_PAGES)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, which can be carried away
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise DatabaseDamaged(file, str(error)) from error
    if found != "ok":
        raise DatabaseDamaged(file, found)


def _flush(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
