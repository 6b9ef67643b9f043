"""How the program is at this moment: what waits, what was forgotten, what the machine has left."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.call import Call
from bot.intake import Deliveries
from bot.line import Line
from bot.platforms.base import Platform, Polling
from bot.question import Question
from bot.storage.db import Database
from bot.storage.inbox import Inbox, Unended
from bot.storage.outbox import Outbox
from bot.watching.cards import Card, Cards
from inference.engine.base import EngineStats
from inference.service import Service

_MOST_LOOKED_AT = 5000  # open entries; more are counted, but not looked at one by one
_NOT_YET_LOST_S = 60.0  # the way from one hand into the next takes much less
_PAGE_BYTES = resource.getpagesize()

# Those of these entries that nobody sees to in this run.
Forgotten = Callable[[Sequence[Unended]], Sequence[Unended]]


@dataclass(frozen=True, slots=True)
class Process:
    """What the kernel tells of us; 0 where it does not."""

    memory_bytes: int
    children_bytes: int  # of the engine and of those who read photos and documents
    files: int
    most_files: int
    cpu_s: float  # without children


@dataclass(frozen=True, slots=True)
class Kept:
    """What has been accepted and has no end yet."""

    new: int  # not looked at
    waiting: int  # in line or being answered
    oldest_s: float
    lost: int  # nobody sees to it, though its platform is on: must be 0


@dataclass(frozen=True, slots=True)
class Vitals:
    began_at: float  # seconds since 1970
    platforms: tuple[str, ...]  # those that are on
    waiting: int
    most_waiting: int
    at_engine: int
    wait_s: float | None  # for who joins the line now; None: nothing to judge by yet
    kept: Kept
    letters: int  # of the outbox, to be brought yet
    calls: Mapping[str, int]  # by platform: that wait for their turn
    silent_s: Mapping[str, float]  # by platform that is polled: since the last answer
    committed_s: float  # since the newest write to the database
    free_bytes: int  # on the disk with the data
    tasks: int
    process: Process
    cards: Sequence[Card]
    engine: EngineStats


class Doctor:
    def __init__(
        self,
        db: Database,
        inbox: Inbox,
        outbox: Outbox,
        line: Line[Question | Call],
        service: Service,
        deliveries: Deliveries,
        forgotten: Forgotten,
        *,
        cards: Cards | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._inbox = inbox
        self._outbox = outbox
        self._line = line
        self._service = service
        self._deliveries = deliveries
        self._forgotten = forgotten
        self._cards = cards or Cards()
        self._clock = clock
        self._began_at = clock()

    async def look(self) -> Vitals:
        now = time.monotonic()
        return Vitals(
            began_at=self._began_at,
            platforms=tuple(self._deliveries),
            waiting=len(self._line),
            most_waiting=self._line.capacity,
            at_engine=self._line.busy,
            wait_s=self._line.wait_s(),
            kept=await self._kept(),
            letters=await self._outbox.backlog(),
            calls={name: delivery.waiting for name, delivery in self._deliveries.items()},
            silent_s=dict(silences(one.platform for one in self._deliveries.values())),
            committed_s=now - self._db.committed_at,
            free_bytes=await asyncio.to_thread(_free, self._db.data_dir),
            tasks=len(asyncio.all_tasks()),
            process=await asyncio.to_thread(_process),
            cards=await self._cards.read(),
            engine=self._service.stats(),
        )

    async def _kept(self) -> Kept:
        backlog = await self._inbox.backlog()
        # what came by a platform that is off now waits for a start at which it is on
        unended = await self._inbox.unended(_MOST_LOOKED_AT)
        ours = [one for one in unended if one.platform in self._deliveries]
        now = self._clock()
        # another replica has its own in hand; what is in nobody's is taken by and by
        mine = [one for one in ours if one.replica == self._db.replica]
        old = [one for one in mine if now - one.received_at > _NOT_YET_LOST_S]
        return Kept(
            backlog.new,
            backlog.waiting,
            max((now - one.received_at for one in ours), default=0.0),
            len(self._forgotten(old)),
        )


def silences(platforms: Iterable[Platform]) -> Iterator[tuple[str, float]]:
    """Of each that is polled: since it answered last."""
    for platform in platforms:
        if isinstance(platform, Polling) and (silent_s := platform.silent_s()) is not None:
            yield platform.name, silent_s


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _process() -> Process:
    used = os.times()
    children = sum(map(_memory, _descendants(os.getpid())))
    files = 0
    with suppress(OSError):
        files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return Process(
        _memory(os.getpid()),
        children,
        files,
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        used.user + used.system,
    )


def _memory(pid: int) -> int:
    try:
        resident = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):  # it has ended, or this is no Linux
        return 0
    return int(resident) * _PAGE_BYTES


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> Iterable[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
    return found
