"""Somebody is forgotten while another program on the same database is at work for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.erasing import Erasing
from bot.storage.db import Database
from bot.storage.erasing.erasure import Eraser
from bot.storage.erasing.erasures import Erasure, Erasures
from bot.storage.inbox import Inbox
from bot.storage.photos import Photos
from bot.storage.replicas import Replicas
from tests.fakes import an_event, cancelled
from tests.postgres import Cluster


@dataclass
class Busy:
    """What a program is doing for anybody."""

    held: set[int] = field(default_factory=set)
    stopped: int = 0

    async def stop(self, who: Erasure) -> None:
        self.stopped += 1

    def in_hand(self, who: Erasure, chats: list[str]) -> set[int]:
        return set(self.held)

    def calls(self, who: Erasure) -> set[int]:
        return set()


class Program:
    def __init__(self, db: Database, folder: Path, *, leads: bool) -> None:
        self.db = db
        self.work = Busy()
        self.dropped = 0
        self.erasures = Erasures(db)
        eraser = Eraser(db, Photos(folder / "photos"))
        erasing = Erasing(
            *(self.erasures, eraser, self.work, {}, self._drop), leads=lambda: leads, sleep=_soon
        )
        self.task = asyncio.create_task(erasing.run() if leads else erasing.let_go())

    async def _drop(self) -> None:
        self.dropped += 1


async def _soon(_: float) -> None:
    await asyncio.sleep(0.01)


@pytest.fixture
async def programs(postgres: Cluster, tmp_path: Path):
    """The one that leads, and the other one."""
    url = postgres.url(await postgres.fresh())
    made = []
    for number in (0, 1):
        db = await Database.open(tmp_path / str(number), url)
        await Replicas(db).enlist(str(number))
        made.append(Program(db, tmp_path, leads=number == 0))
    yield made
    for one in made:
        await cancelled(one.task)
        await one.db.close()


async def test_an_order_ends_when_the_other_program_has_let_go_too(programs):
    leader, other = programs
    await Inbox(other.db).accept(an_event("q1", "a secret"))
    other.work.held.add(1)

    await leader.erasures.order("test", "ann")
    while not other.work.stopped:  # noqa: ASYNC110  (it looks now and then)
        await asyncio.sleep(0.01)
    pending = await leader.erasures.is_pending("test", "ann")
    other.work.held.clear()
    async with asyncio.timeout(10):
        await other.erasures.until_ended("test", "ann")

    assert pending is True
    assert (leader.dropped, other.dropped) == (1, 1)
    assert await Inbox(leader.db).unended(10) == []


async def test_a_program_that_died_keeps_nobody_waiting(programs):
    leader, other = programs
    other.work.held.add(1)
    await leader.erasures.order("test", "ann")
    while not other.work.stopped:  # noqa: ASYNC110  (it looks now and then)
        await asyncio.sleep(0.01)

    await cancelled(other.task)
    rows = await Replicas(leader.db).beat()
    await Replicas(leader.db).bury([one for one in rows if one.id == other.db.replica])

    async with asyncio.timeout(10):
        await leader.erasures.until_ended("test", "ann")
