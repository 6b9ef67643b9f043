"""Rows 48 and 50 on PostgreSQL, and 27: two programs share one database, and either may die."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession

from tests.e2e.program import Program
from tests.emulators.telegram.people import Person
from tests.faults.house import House, housed
from tests.faults.invariants import (
    check_invariants,
    found_in_database,
    found_in_log,
    unanswered,
)
from tests.faults.records import records
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

# A program that loses its database in the middle says so, each time; one that was buried too.
_AWAY = (
    "DatabaseUnreachable|Buried|asyncpg|ConnectionDoesNotExist|InterfaceError|TimeoutError"
    r"|its end is not written yet|is away|^ *$"  # what caused one of these, in between
)


@dataclass
class Pair:
    house: House
    cluster: Cluster
    second: Program

    @property
    def programs(self) -> tuple[Program, Program]:
        return self.house.program, self.second

    async def start(self) -> None:
        """Both at the same moment."""
        await asyncio.gather(*(one.start() for one in self.programs))
        await self.until(lambda told: all(len(one["living"]) == 2 for one in told))

    async def until(self, look: Any) -> list[dict[str, Any]]:
        """What both say of themselves, once that pleases."""
        async with asyncio.timeout(60), ClientSession() as client:
            while True:
                told = [await _replica(client, one) for one in self.programs]
                if all(told) and look(told):
                    return told
                for one in self.programs:
                    assert one.is_running(), one.output()[-4000:]
                await asyncio.sleep(0.1)

    async def leader(self) -> tuple[Program, Program]:
        """And the other one."""
        told = await self.until(lambda told: sum(one["leads"] for one in told) == 1)
        first, second = self.programs
        return (first, second) if told[0]["leads"] else (second, first)

    def answered_by(self, program: Program) -> int:
        """How many questions, as its log says."""
        return len(re.findall(r"answered after .* in all", program.output()))

    async def until_both_answer(self, count: int) -> None:
        await self.house.until(lambda: min(map(self.answered_by, self.programs)) >= count)

    async def kept(self) -> list[Any]:
        """What a process may not change any more that was buried."""
        async with records(self.house) as ask:
            return [
                await ask("SELECT id, state, attempts, ended_at FROM inbox ORDER BY id"),
                await ask("SELECT id, inbox_id, text FROM turns ORDER BY id"),
                await ask("SELECT inbox_id, part, message FROM replies ORDER BY inbox_id, part"),
                await ask("SELECT id, state, settled_tokens FROM ledger ORDER BY id"),
            ]

    def seen(self) -> list[list[str]]:
        return [[one.text for one in self.house.emulator.said(p.chat)] for p in self.people]

    @property
    def people(self) -> list[Person]:
        return self.house.emulator.people

    async def check(self) -> None:
        """With the log of the second, too."""
        try:
            await check_invariants(self.house, expected=_AWAY, within_s=60.0)
        finally:
            if self.second.is_running():
                await self.second.stop()
        assert unanswered(self.house) == []
        both = self.house.program
        self.house.program = self.second
        assert found_in_log(self.house, expected=_AWAY) == []
        self.house.program = both


async def _replica(client: ClientSession, program: Program) -> dict[str, Any]:
    try:
        async with client.get(f"{program.url}/health") as response:
            told: dict[str, Any] = await response.json()
            return dict(told["replica"])
    except ClientError:
        return {}


@asynccontextmanager
async def a_pair(folder: Path, cluster: Cluster, *, pause_s: float) -> AsyncIterator[Pair]:
    name = await cluster.fresh()
    settings: dict[str, object] = {
        "STORAGE__URL": cluster.url(name).get_secret_value(),
        "STORAGE__PHOTOS_DIR": folder / "photos",
        "ENGINE__MAX_SEQUENCES": 4,
        "LINE__MAX_ATTEMPTS": 20,
    }
    async with housed(folder / "first", pause_s=pause_s, **settings) as house:
        second = Program(folder / "second", **house.settings)
        house.program.module = second.module = "tests.faults.hasty"
        try:
            yield Pair(house, cluster, second)
        finally:
            await second.clean_up()
    await cluster.drop(name)


@pytest.fixture
async def pair(tmp_path: Path, postgres: Cluster) -> AsyncIterator[Pair]:
    async with a_pair(tmp_path, postgres, pause_s=0.05) as pair:
        yield pair


def ask_all(house: House, people: list[Person], *, round_: int) -> None:
    for number, person in enumerate(people):
        person.says(f"what is {round_}x{number}?")


async def until_all_read(house: House, people: list[Person]) -> None:
    await house.until_answered(*people, within_s=90.0)


@pytest.mark.row(50, 27)
async def test_row_50_two_processes_share_the_work_and_either_is_killed(pair: Pair) -> None:
    """Sixty questions of thirty people; the leader and the other one are killed at random moments
    and come again."""
    house = pair.house
    people = [house.emulator.person(f"P{number}") for number in range(30)]
    await pair.start()

    ask_all(house, people, round_=1)
    leader, other = await pair.leader()
    await pair.until_both_answer(2)
    await asyncio.sleep(random.uniform(0.0, 0.5))  # any moment will do
    await leader.kill()
    await until_all_read(house, people)
    await leader.start()
    await pair.until(lambda told: all(len(one["living"]) == 2 for one in told))
    ask_all(house, people, round_=2)
    new_leader, follower = await pair.leader()
    before = pair.answered_by(follower)
    await house.until(lambda: pair.answered_by(follower) > before)
    await asyncio.sleep(random.uniform(0.0, 0.5))
    await follower.kill()
    await until_all_read(house, people)
    await follower.start()

    assert new_leader is other
    await pair.check()


@pytest.mark.row(48, 50)
async def test_row_48_a_process_that_stood_still_writes_nothing_when_it_wakes_up(
    pair: Pair,
) -> None:
    """It had answers half written when others took over its work. Its number is the fence."""
    house = pair.house
    people = [house.emulator.person(f"P{number}") for number in range(8)]
    await pair.start()
    house.model.gate.clear()  # before the last word of each
    ask_all(house, people, round_=1)
    await house.until(lambda: house.model.writing >= 6)
    leader, other = await pair.leader()
    before = pair.answered_by(leader)

    os.kill(leader.pid, signal.SIGSTOP)
    async with asyncio.timeout(60):
        while "are dead; we go on" not in other.output():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.1)
    house.model.gate.set()
    await until_all_read(house, people)
    async with asyncio.timeout(60):
        while await found_in_database(house):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.1)
    kept, seen = await pair.kept(), pair.seen()
    os.kill(leader.pid, signal.SIGCONT)
    code = await leader.ended()

    assert code == 1
    assert pair.answered_by(leader) == before
    assert "was taken for dead, and others take over its work" in leader.output()
    assert await pair.kept() == kept
    assert pair.seen() == seen
    await pair.check()


@pytest.mark.row(48)
async def test_row_48_the_server_is_started_again_while_two_processes_answer(pair: Pair) -> None:
    """At once, as a crash does it: every transaction under way is gone."""
    house = pair.house
    people = [house.emulator.person(f"P{number}") for number in range(20)]
    house.program.module = pair.second.module = "bot"  # it may be away for longer than a moment
    await pair.start()

    ask_all(house, people, round_=1)
    await pair.until_both_answer(2)
    await asyncio.to_thread(pair.cluster.stop)
    ask_all(house, people[:5], round_=2)
    await asyncio.to_thread(pair.cluster.start)
    await until_all_read(house, people)

    assert all(program.is_running() for program in pair.programs)
    await pair.check()
