"""Looks at what is kept: secrets, the data folder, its disk, the database."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from pathlib import Path

from bot.checkup.finding import Finding, Round
from bot.config import Source, secret_sources
from bot.storage.looking import look, place_to_show

_GB = 1e9
_LEAST_FREE = 1e9  # bytes; the database grows slowly, photos do not
_OTHERS = stat.S_IRWXO
_MOUNTED = Path("/run")  # whoever mounts secrets there rules their rights


async def look_at_secrets(round_: Round) -> Finding:
    sources = secret_sources(round_.settings)
    for source in sources:
        if source.file is not None and (mode := _open_to_others(source.file)):
            return round_.problem(
                "check_secret_open", "check_secret_open_how", file=source.file, mode=mode
            )
    if not sources:
        return round_.off("check_secrets_none")
    return round_.ok("check_secrets_set", names=", ".join(map(_named, sources)))


async def look_at_folder(round_: Round) -> Finding:
    folder = round_.settings.storage.data_dir.absolute()
    there = _existing(folder)
    if not there.is_dir():
        return round_.problem("check_folder_file", "check_folder_file_how", folder=there)
    if not os.access(there, os.W_OK | os.X_OK):
        return round_.problem(
            "check_folder_closed", "check_folder_closed_how", folder=there, user=_user()
        )
    if there != folder:
        return round_.ok("check_folder_coming", folder=folder)
    if mode := _open_to_others(folder):
        return round_.problem(
            "check_folder_open", "check_folder_open_how", folder=folder, mode=mode
        )
    return Finding("ok", str(folder))


async def look_at_disk(round_: Round) -> Finding:
    folder = round_.settings.storage.data_dir.absolute()
    free = shutil.disk_usage(_existing(folder)).free
    numbers = {"free": f"{free / _GB:.1f}", "least": f"{_LEAST_FREE / _GB:.0f}", "folder": folder}
    if free < _LEAST_FREE:
        return round_.problem("check_disk_full", "check_disk_full_how", **numbers)
    return round_.ok("check_disk_free", **numbers)


async def look_at_database(round_: Round) -> Finding:
    storage = round_.settings.storage
    place = place_to_show(storage.data_dir, storage.url)
    found = await look(storage.data_dir, storage.url)
    match found.state:
        case "missing":
            return round_.ok("check_database_missing")
        case "behind":
            return round_.ok("check_database_behind", file=place)
        case "sound":
            return round_.ok("check_database_sound", file=place)


def _existing(path: Path) -> Path:
    """Itself, else the nearest folder above that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _open_to_others(path: Path) -> str:
    """Its rights, if others than its user and group have any; else nothing."""
    if path.is_relative_to(_MOUNTED):
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:04o}" if mode & _OTHERS else ""


def _named(source: Source) -> str:
    where = f" ({source.file})" if source.file else ""
    return f"{source.section}.{source.key}{where}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return str(os.getuid())
