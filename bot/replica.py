"""This program among those that share its database: it beats, buries the dead, and knows who leads.

Nobody's clock is trusted but our own monotonic one: dead is whoever we have watched for a while
without seeing it beat. Long before others may think so of us we fall silent by ourselves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.pacing import Clock, Sleep
from bot.storage.errors import Broken, Buried, NotNow, StorageError
from bot.storage.replicas import Living, Replicas

log = logging.getLogger(__name__)

_HOME = "replica"  # the file in data_dir with its random name


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`sure_s` is less than `dead_s` by more than a beat may take."""

    every_s: float = 5.0
    sure_s: float = 20.0  # so long after a beat nobody can have taken us for dead
    dead_s: float = 30.0  # whoever did not beat while we watched for so long
    again_s: float = 1.0  # after a beat that failed
    call_s: float = 5.0


RHYTHM = Rhythm()


@dataclass(frozen=True, slots=True)
class _Seen:
    beats: int
    since: float


class Replica:
    def __init__(
        self,
        replicas: Replicas,
        *,
        rhythm: Rhythm = RHYTHM,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._replicas = replicas
        self._rhythm = rhythm
        self._clock = clock
        self._sleep = sleep
        self.id = 0
        self.living: tuple[int, ...] = ()  # the oldest first, ourselves among them
        self._seen: dict[int, _Seen] = {}  # the others
        self._reloads: int | None = None  # None: not known yet
        self._sure_at = clock()
        self._sure = asyncio.Event()
        self._leading = asyncio.Event()

    async def enlist(self, data_dir: Path) -> None:
        """Raises StorageError."""
        shared = self._replicas.are_shared
        home = await asyncio.to_thread(_home, data_dir) if shared else ""
        self.id = await self._replicas.enlist(home)
        self.living = (self.id,)
        if shared:
            await self._beat()
        else:
            self._leading.set()
        log.info("this is replica %s; it %s", self.id, "leads" if self.leads else "follows")

    async def leave(self) -> None:
        """At the end, in order: others go on at once."""
        if not self._replicas.are_shared:
            return
        with suppress(StorageError, TimeoutError):  # then they find out by themselves
            async with asyncio.timeout(self._rhythm.call_s):
                await self._replicas.leave()

    async def run(
        self, *, changed: Callable[[], Awaitable[None]], reload: Callable[[], Awaitable[None]]
    ) -> None:
        """Until cancelled. `changed`: others came, or are gone, and their work can be taken.
        `reload`: somebody asked all of us to read the rules again. Raises Buried: others may be
        doing what we do."""
        if not self._replicas.are_shared:
            await asyncio.Event().wait()
        while True:
            await self._sleep(self._rhythm.every_s)
            while not await self._has_beaten(changed, reload):
                await self._sleep(self._rhythm.again_s)

    @property
    def leads(self) -> bool:
        """The oldest does, for as long as it lives."""
        return self._leading.is_set()

    @property
    def has_others(self) -> bool:
        return len(self.living) > 1

    @property
    def share(self) -> int:
        """Among how many what an account may do is divided."""
        return max(1, len(self.living))

    def tell(self) -> dict[str, object]:
        """For /health."""
        return {"id": self.id, "leads": self.leads, "living": list(self.living)}

    async def until_leading(self) -> None:
        await self._leading.wait()

    async def when_leading(self, work: Callable[[], Awaitable[None]]) -> None:
        """What only one program may do at a time."""
        await self.until_leading()
        await work()

    async def until_sure(self) -> None:
        """Before anything is said to people. Returns at once, unless we have not beaten for so long
        that somebody else may say it soon; then not before the next beat."""
        while self._silent_s() > self._rhythm.sure_s:
            self._sure.clear()
            await self._sure.wait()

    def _silent_s(self) -> float:
        return self._clock() - self._sure_at if self._replicas.are_shared else 0.0

    async def _has_beaten(
        self, changed: Callable[[], Awaitable[None]], reload: Callable[[], Awaitable[None]]
    ) -> bool:
        before = self.living
        try:
            async with asyncio.timeout(self._rhythm.call_s):
                asked = await self._beat()
                dead = self._dead()
                if dead:
                    await self._replicas.bury(dead)
            if dead:
                log.warning("replicas %s are dead; we go on", [one.id for one in dead])
            if dead or self.living != before:
                await changed()
            if asked:
                await reload()
        except Broken:
            raise
        except Exception as error:  # the database may be away; that tells nothing of the others
            for_now = isinstance(error, NotNow | TimeoutError)
            log.error("no beat for %.1f s", self._silent_s(), exc_info=not for_now)  # noqa: TRY400
            self._seen.clear()
            if self.has_others and self._silent_s() > self._rhythm.sure_s:
                raise Buried(self.id, "could not reach the database") from None
            return False
        return True

    async def _beat(self) -> bool:
        """Were we asked to read the rules again?"""
        began = self._clock()
        rows = await self._replicas.beat()
        self._watch(rows)
        self._sure_at = began
        self._sure.set()
        asked = max(row.reloads for row in rows if row.id == self.id)
        before, self._reloads = self._reloads, asked
        return before is not None and asked > before

    def _watch(self, rows: Sequence[Living]) -> None:
        now = self._clock()
        seen = self._seen
        self._seen = {
            row.id: seen[row.id]
            if row.id in seen and seen[row.id].beats == row.beats
            else _Seen(row.beats, now)
            for row in rows
            if row.id != self.id
        }
        self.living = tuple(row.id for row in rows)
        if self.id == self.living[0] and not self.leads:
            self._leading.set()

    def _dead(self) -> list[Living]:
        now = self._clock()
        return [
            Living(id_, one.beats, 0)
            for id_, one in self._seen.items()
            if now - one.since >= self._rhythm.dead_s
        ]


def _home(data_dir: Path) -> str:
    """The same at every start from this folder, and another one in a copy of it, which may run
    beside us."""
    file = data_dir / _HOME
    with suppress(FileExistsError), file.open("x", encoding="ascii") as opened:
        opened.write(secrets.token_hex(8))
        opened.flush()
        os.fsync(opened.fileno())
    return f"{file.read_text('ascii').strip()}-{file.stat().st_ino}"
