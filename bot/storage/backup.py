"""A copy of the whole data folder, made while the program runs; whole or not at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from bot.storage.errors import DatabaseDamaged, NoDatabase, Taken, WithinItself
from bot.storage.room import BALLAST
from bot.storage.soundness import FILE, LAST_BACKUP
from bot.storage.sums import SUMS, write_sums

_SQLITE_MAGIC = b"SQLite format 3\x00"
_PAGES = 1024  # copied at a stroke; between two of them the program may write
ASIDE = "before-"  # how a folder begins in which a restore has left what was there
MADE_AT = "made_at"  # in a backup: seconds since 1970
# Models can be fetched again; the rest belongs to the program that runs there.
_LEFT_OUT = (
    *("*.lock", "*-wal", "*-shm", "tmp", "models", f"{BALLAST}*", f"{ASIDE}*"),
    *(LAST_BACKUP, MADE_AT, SUMS, "restor*"),
)


@dataclass(frozen=True, slots=True)
class Copied:
    files: int
    bytes: int

    def __add__(self, other: Copied) -> Copied:
        return Copied(self.files + other.files, self.bytes + other.bytes)


def back_up(
    data_dir: Path, to: Path, photos: Path | None = None, *, on_server: bool = False
) -> Copied:
    """`to` must not exist. `photos`: where they are, if not in `data_dir`. `on_server`: there the
    database is, and it is not copied.

    Raises NoDatabase, Taken, WithinItself, DatabaseDamaged, OSError.

    Databases first, each as it is at one moment; a photo is on the disk before the database knows
    of it, so that none is missing.
    """
    if not (on_server or (data_dir / FILE).exists()):
        raise NoDatabase(data_dir / FILE)
    if to.exists():
        raise Taken(to)
    if to.resolve().is_relative_to(data_dir.resolve()):
        raise WithinItself(to, data_dir)
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{to.name}.", dir=to.parent))
    try:
        copied = copy_folder(data_dir, unfinished)
        if photos is not None and not photos.resolve().is_relative_to(data_dir.resolve()):
            copied += copy_folder(photos, unfinished / "photos")
        (unfinished / MADE_AT).write_text(f"{time.time():.3f}\n", "ascii")
        write_sums(unfinished)
        flush(unfinished)
        unfinished.rename(to)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    with suppress(OSError):  # they may be others' folders; the backup is made all the same
        flush(to.parent, deep=False)
        (data_dir / LAST_BACKUP).write_text(f"{to.absolute()}\n", "utf-8")
    return copied


def made_at(folder: Path) -> float:
    """Seconds since 1970."""
    try:
        return float((folder / MADE_AT).read_text("ascii"))
    except (OSError, ValueError):  # made by an earlier version, or by hand
        return (folder / FILE).stat().st_mtime


def copy_folder(data_dir: Path, to: Path) -> Copied:
    """All but what another program would not need; each database as it is at one moment."""
    databases = [file for file in _files(data_dir) if _is_database(file)]
    for file in databases:
        _copy_database(file, _beside(file, data_dir, to))
    for file in _files(data_dir):  # looked for again: photos have come meanwhile
        if file not in databases:
            with suppress(FileNotFoundError):  # a photo that the program has deleted meanwhile
                shutil.copy2(file, _beside(file, data_dir, to))
    copies = [file for file in to.rglob("*") if file.is_file()]
    return Copied(len(copies), sum(file.stat().st_size for file in copies))


def flush(folder: Path, *, deep: bool = True) -> None:
    """Onto the disk: the folder, and all that is in it."""
    for path in [folder, *(folder.rglob("*") if deep else ())]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
    with suppress(FileNotFoundError), file.open("rb") as opened:
        return opened.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    return False


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
