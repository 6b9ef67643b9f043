"""One program among several: when it leads, when it buries others, when it falls silent or ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.replica import Replica, Rhythm
from bot.storage.errors import Buried, DatabaseUnreachable
from bot.storage.replicas import Living
from tests.fakes import FakeTime, cancelled, settle

RHYTHM = Rhythm(every_s=5.0, sure_s=20.0, dead_s=30.0, again_s=1.0, call_s=1000.0)
ME = 7


class Table:
    """The store, with others in it: number -> beats. An `error` is what it answers instead."""

    are_shared = True

    def __init__(self, *others: int) -> None:
        self.rows = dict.fromkeys(others, 0)
        self.reloads = 0
        self.error: Exception | None = None

    async def enlist(self, home: str) -> int:
        self.rows[ME] = 0
        return ME

    async def beat(self) -> list[Living]:
        if self.error is not None:
            raise self.error
        self.rows[ME] += 1
        return [Living(id_, self.rows[id_], self.reloads) for id_ in sorted(self.rows)]

    async def bury(self, dead: list[Living]) -> None:
        for one in dead:
            del self.rows[one.id]


class House:
    """A replica that runs on a time of its own."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.time = FakeTime()
        self.replica = Replica(table, rhythm=RHYTHM, clock=self.time.clock, sleep=self.time.sleep)
        self.changes = self.reloads = 0

    async def start(self, folder: Path) -> None:
        await self.replica.enlist(folder)
        self.task = asyncio.create_task(
            self.replica.run(changed=self._changed, reload=self._reload)
        )

    async def pass_(self, seconds: int, *, beating: tuple[int, ...] = ()) -> None:
        """Second by second; those others beat."""
        for _ in range(seconds):
            for one in beating:
                self.table.rows[one] += 1
            await self.time.advance(1.0)
            await settle()

    async def _changed(self) -> None:
        self.changes += 1

    async def _reload(self) -> None:
        self.reloads += 1


@pytest.fixture
async def house_of(tmp_path: Path):
    houses: list[House] = []

    async def make(*others: int) -> House:
        houses.append(House(Table(*others)))
        await houses[-1].start(tmp_path)
        return houses[-1]

    yield make
    for house in houses:
        if not house.task.done():
            await cancelled(house.task)


async def test_the_oldest_leads(house_of):
    assert (await house_of(8, 9)).replica.leads is True
    assert (await house_of(3, 9)).replica.leads is False


async def test_who_follows_leads_when_all_older_ones_are_dead(house_of):
    house = await house_of(3, 9)
    waiting = asyncio.create_task(house.replica.until_leading())

    await house.pass_(45, beating=(9,))

    assert (house.replica.leads, waiting.done()) == (True, True)
    assert house.replica.living == (ME, 9)
    assert house.changes == 2  # the burial, and that all of us know of it


async def test_who_comes_and_who_leaves_in_order_is_noticed(house_of):
    """What they left can be taken, though nobody buried them."""
    house = await house_of()
    house.table.rows[9] = 0
    await house.pass_(6)
    came = house.changes
    del house.table.rows[9]
    await house.pass_(6)
    await house.pass_(12)

    assert (came, house.changes) == (1, 2)


async def test_nobody_is_buried_before_thirty_seconds_were_watched(house_of):
    house = await house_of(3)

    await house.pass_(29)

    assert 3 in house.table.rows


async def test_who_beats_lives_however_long(house_of):
    house = await house_of(3)

    await house.pass_(200, beating=(3,))

    assert 3 in house.table.rows


async def test_what_could_not_be_watched_tells_nothing_against_anybody(house_of):
    """All were without the database for a while: whoever comes first must not bury the others."""
    house = await house_of(3)
    house.table.error = DatabaseUnreachable("db", "away")
    await house.pass_(15)
    house.table.error = None

    await house.pass_(25)

    assert 3 in house.table.rows


@pytest.mark.row(48)
async def test_row_48_who_cannot_beat_ends_before_others_may_take_over(house_of):
    house = await house_of(3)
    house.table.error = DatabaseUnreachable("db", "away")

    await house.pass_(19)
    assert not house.task.done()
    await house.pass_(6)

    assert isinstance(house.task.exception(), Buried)


async def test_alone_it_waits_for_its_database(house_of):
    house = await house_of()
    house.table.error = DatabaseUnreachable("db", "away")

    await house.pass_(100)

    assert not house.task.done()


@pytest.mark.row(48)
async def test_row_48_nothing_is_said_by_who_has_not_beaten_for_long(house_of):
    """As after standing still: whatever comes first, it is not a word to people."""
    house = await house_of()
    await house.replica.until_sure()
    house.time.now += 60.0

    speaking = asyncio.create_task(house.replica.until_sure())
    await settle()
    before = speaking.done()
    await house.pass_(6)

    assert (before, speaking.done()) == (False, True)


async def test_who_was_buried_ends(house_of):
    house = await house_of(3)
    house.table.error = Buried(ME, "was taken for dead")

    await house.pass_(6)

    assert house.task.exception() is house.table.error


async def test_rules_are_read_again_once_for_each_order(house_of):
    house = await house_of(3)
    await house.pass_(10, beating=(3,))
    house.table.reloads = 1

    await house.pass_(20, beating=(3,))

    assert house.reloads == 1


async def test_a_copy_of_the_folder_is_another_home(tmp_path: Path):
    homes = []

    class Noting(Table):
        async def enlist(self, home: str) -> int:
            homes.append(home)
            return await super().enlist(home)

    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    copy.mkdir()
    await Replica(Noting()).enlist(first)
    await Replica(Noting()).enlist(first)
    (copy / "replica").write_text((first / "replica").read_text())
    await Replica(Noting()).enlist(copy)

    assert homes[0] == homes[1] != homes[2]
