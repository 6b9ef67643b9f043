"""The moves by which a restored folder takes its place: begun once, finished by whoever comes next.

Nothing is copied or deleted any more when the journal stands, so a crash may come at any time.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

JOURNAL, STAGED = "restoring.json", "restoring"


def journal(data_dir: Path, *, aside: str, out: list[str]) -> None:
    """Say what shall be done: `out` goes into the folder `aside`, all that is staged comes in."""
    staged = [one.name for one in (data_dir / STAGED).iterdir()]
    # Sorted, the file of the database goes before its logs and comes after all else: beside a move
    # that was cut off nobody finds half of it.
    told = {"aside": aside, "out": sorted(out), "in": sorted(staged)}
    unfinished = data_dir / f"{JOURNAL}.new"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(data_dir / JOURNAL)
    _sync(data_dir)


def finish(data_dir: Path) -> bool:
    """The caller holds the folder's lock. False: there is nothing to be done."""
    if not (data_dir / JOURNAL).exists():
        return False
    told = json.loads((data_dir / JOURNAL).read_text("utf-8"))
    staged, aside = data_dir / STAGED, data_dir / (told["aside"] or STAGED)
    aside.mkdir(exist_ok=True, mode=0o700)
    for name in told["out"]:
        is_new = name in told["in"] and not os.path.lexists(staged / name)
        if os.path.lexists(data_dir / name) and not is_new:
            (data_dir / name).rename(aside / name)
    _sync(aside)
    for name in told["in"]:
        if os.path.lexists(staged / name):
            (staged / name).rename(data_dir / name)
    _sync(data_dir)
    (data_dir / JOURNAL).unlink()
    _sync(data_dir)
    staged.rmdir()  # after a crash just before it an empty folder is left, which does no harm
    log.warning("a backup has taken its place in %s; what was there is in %s", data_dir, aside.name)
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
