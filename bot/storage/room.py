"""The room on the disk: a ballast that is thrown off when the disk is full, so that what was begun
can be brought to its end. Until there is room for it again, nothing new is taken in."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from bot.storage.errors import NoRoom

log = logging.getLogger(__name__)

BALLAST = "ballast"

_BALLAST_BYTES = 8 << 20  # the ends of some hundred questions, and the log of the database
_NEEDED_BYTES = 2 * _BALLAST_BYTES  # as much shall be left beside it
_LOOK_EVERY_S = 2.0


class Room:
    """Of one folder. Before `look`, and beside a program that runs, it never is short."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / BALLAST
        self._is_watched = False
        self.is_short = False

    def check(self) -> None:
        """Before something new is taken in. Raises NoRoom."""
        if self.is_short:
            raise NoRoom(self._folder)

    def ran_out(self) -> None:
        """The disk has refused something."""
        if self._is_watched and not self.is_short:
            self.is_short = True
            log.error(
                "%s. The ballast is thrown off to finish what was begun", NoRoom(self._folder)
            )
            with suppress(OSError):  # it may never have been there
                self._ballast.unlink()

    async def watch(self) -> None:
        """Until cancelled: looks whether there is room again."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self.is_short:
                await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Is there the ballast, or room to make it?"""
        self._is_watched = True
        if not self.is_short and self._is_whole():
            return
        made = self._make()
        if made and self.is_short:
            log.info("the disk with %s has room again", self._folder)
        if not made and not self.is_short:
            log.error("%s", NoRoom(self._folder))
        self.is_short = not made

    def _is_whole(self) -> bool:
        try:
            return self._ballast.stat().st_size == _BALLAST_BYTES
        except OSError:
            return False

    def _make(self) -> bool:
        unfinished = self._ballast.with_suffix(".new")
        try:
            if shutil.disk_usage(self._folder).free < _NEEDED_BYTES:
                return False
            with unfinished.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _BALLAST_BYTES)
                os.fsync(file.fileno())
            unfinished.replace(self._ballast)
        except OSError as error:
            log.warning("no ballast in %s: %s", self._folder, error.strerror)
            with suppress(OSError):
                unfinished.unlink()
            return False
        return True
