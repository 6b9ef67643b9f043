"""Photos as files, each named by the SHA-256 of its bytes: stored once, whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bot.storage.errors import NoRoom
from bot.storage.room import Room

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Photos:
    """`folder/ab/cd...` holds the photo abcd...; `folder/tmp` those that are being written."""

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        """`room`: whom to tell that the disk is full."""
        self._folder = folder
        self._room = room
        self._tmp = folder / "tmp"
        self._first_put = asyncio.Lock()
        self._swept = False

    async def put(self, data: bytes) -> str:
        """The photo's digest; when it returns, the file is on the disk. Raises NoRoom."""
        async with self._first_put:
            if not self._swept:
                await asyncio.to_thread(self._sweep)
                self._swept = True
        try:
            return await asyncio.to_thread(self._write, data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            if self._room is not None:
                self._room.ran_out()
            raise NoRoom(self._folder) from error

    async def get(self, digest: str) -> bytes:
        """Raises FileNotFoundError, also for a text that is no digest."""
        return await asyncio.to_thread(self._path(digest).read_bytes)

    async def remove(self, digest: str, *, untouched_s: float) -> bool:
        """False: somebody put it lately, and may be about to write down that it is needed."""
        return await asyncio.to_thread(self._remove, self._path(digest), untouched_s)

    async def put_before(self, at: float) -> list[str]:
        """The digests of those that nobody put since then; seconds since 1970."""
        return await asyncio.to_thread(self._put_before, at)

    def _path(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:  # a name from outside never becomes a path
            raise FileNotFoundError(f"no photo has the name {digest[:80]!r}")
        return self._folder / digest[:2] / digest[2:]

    def _put_before(self, at: float) -> list[str]:
        found = []
        for file in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(FileNotFoundError):  # somebody removed it meanwhile
                if file.stat().st_mtime < at and _DIGEST.fullmatch(file.parent.name + file.name):
                    found.append(file.parent.name + file.name)
        return sorted(found)

    def _sweep(self) -> None:
        """Remove what a killed program was writing; nobody else writes in this folder."""
        self._tmp.mkdir(parents=True, exist_ok=True)
        for leftover in self._tmp.iterdir():
            leftover.unlink()

    def _write(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with suppress(FileNotFoundError):
            os.utime(path)  # which tells `remove` that it is needed anew
            return digest
        path.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._tmp)
        try:
            with open(handle, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _fsync_folder(path.parent)
        _fsync_folder(self._folder)  # it may be the first photo of its folder
        return digest

    def _remove(self, path: Path, untouched_s: float) -> bool:
        with suppress(FileNotFoundError):
            # a clock that was put back must not keep it for ever
            if 0 <= time.time() - path.stat().st_mtime < untouched_s:
                return False
            path.unlink()
            _fsync_folder(path.parent)
        return True


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
