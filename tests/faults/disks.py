"""Disks in trouble: a small one, one whose syncs fail, one with overwritten bytes; and the program
that is started among them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from bot.storage.soundness import FILE
from bot.storage.verifying import Expected, Verified, verify_folder
from tests.e2e.program import ROOT
from tests.faults.house import House

PAGE = 4096
UNPACKED = ROOT / ".strace"  # of `make strace`, where the machine has none


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mounted there. Who may not mount skips the test loudly; in CI that is a failure."""
    folder.mkdir(parents=True)
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    owner = f"size={megabytes}m,mode=700,uid={os.geteuid()},gid={os.getegid()}"
    mount = [*sudo, "mount", "-t", "tmpfs", "-o", owner, "tmpfs", str(folder)]
    if shutil.which(mount[0]) is None or subprocess.run(mount, check=False).returncode:
        missing("no right to mount a disk of 32 MB: run the tests as root, or allow sudo -n mount")
    try:
        yield
    finally:
        subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


def missing(how: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(how)
    pytest.skip(how)


def fill(folder: Path, *, leaving: int = 0) -> Path:
    """The file to delete when there shall be room again."""
    filler = folder / "filler"
    size = shutil.disk_usage(folder).free - leaving
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size // PAGE * PAGE)
    return filler


def is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < PAGE


@asynccontextmanager
async def failing_syncs(pid: int, folder: Path) -> AsyncIterator[None]:
    """Each fsync of that process gives EIO, as of a disk that is about to die."""
    strace = shutil.which("strace", path=f"{os.environ['PATH']}:{UNPACKED / 'usr/bin'}")
    if strace is None:
        missing("strace is missing: make strace")
    calls = "fsync,fdatasync"
    log = folder / "strace.log"
    libraries = ":".join(map(str, UNPACKED.glob("usr/lib/*-linux-gnu")))
    tracer = await asyncio.create_subprocess_exec(
        *(strace, "-f", "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO"),
        *("-o", str(log), "-p", str(pid)),
        env=os.environ | {"LD_LIBRARY_PATH": libraries},
        stderr=asyncio.subprocess.PIPE,
    )
    assert tracer.stderr is not None
    try:
        async with asyncio.timeout(10):
            line = (await tracer.stderr.readline()).decode()
        if "attached" not in line:
            missing(f"strace may not look at another process: {line}")
        yield
    finally:
        with suppress(ProcessLookupError):
            tracer.terminate()
        await tracer.communicate()


@contextmanager
def locked_by_another(database: Path) -> Iterator[None]:
    source = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n"
        "database.execute('BEGIN EXCLUSIVE')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        yield
        other.communicate(b"")


def overwrite(file: Path, page: int, pages: int = 1) -> None:
    with file.open("r+b") as opened:
        opened.seek(page * PAGE)
        opened.write(b"\xff" * PAGE * pages)


def root_page(data_dir: Path, table: str) -> int:
    """Counted from 0."""
    with closing(sqlite3.connect(data_dir / FILE)) as database:
        find = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return int(database.execute(find, [table]).fetchone()[0]) - 1


def touch(data_dir: Path) -> None:
    """A commit by another program."""
    with closing(sqlite3.connect(data_dir / FILE, timeout=20)) as database:
        database.execute("UPDATE alembic_version SET version_num = version_num")
        database.commit()


def verify(folder: Path) -> Verified:
    """As `visionbot admin verify` does it."""
    expected = Expected(time.time(), photos_last_s=86_400.0, most_attempts=4)
    return verify_folder(folder, folder / "photos", lambda *_: None, expected)


def trouble(house: House, folder: Path) -> Path:
    """The program is started as tests/faults/troubled.py from now on; the folder for its orders."""
    folder.mkdir()
    module = ("-m", "tests.faults.troubled", str(folder))
    run = ("run", "--config", str(ROOT / "config.toml"))
    house.program.command = lambda _: [sys.executable, *module, *run]
    return folder
