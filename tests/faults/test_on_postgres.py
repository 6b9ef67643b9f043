"""The real program on PostgreSQL: killed while it answers, and with a server that dies under it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.drawing import photo
from tests.emulators.telegram.people import Person
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants, unanswered
from tests.faults.model import SLOWLY
from tests.postgres import PASSWORD, Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

# Each transaction that the server took with it is told once, with what it met.
_LOST = "DatabaseUnreachable|ConnectionDoesNotExist|InterfaceError|OperationalError|sqlalchemy|^ *$"


@pytest.fixture
async def house(mortal: Cluster, tmp_path: Path) -> AsyncIterator[House]:
    """Over TCP, with a password that must not show."""
    url = mortal.tcp_url(await mortal.fresh(migrated=False)).get_secret_value()
    photos = tmp_path / "shared" / "photos"
    async with housed(tmp_path, STORAGE__URL=url, STORAGE__PHOTOS_DIR=photos) as house:
        yield house


def asks(person: Person, *, words: str = "") -> None:
    question = f"What does {person.user['first_name']} see? {words}"
    person.sends_photo(photo("circle", "red"), question.strip())


async def test_photo_is_answered_and_stands_in_the_shared_folder(house: House) -> None:
    ann = house.emulator.person("Ann")
    await house.program.start()

    asks(ann)
    await house.until_answered(ann)

    assert [one for one in house.photos_dir.rglob("*") if one.is_file()] != []
    assert not (house.program.data_dir / "visionbot.db").exists()
    await check_invariants(house)
    assert PASSWORD not in house.program.output()


@pytest.mark.row(10)
async def test_row_10_on_postgres_an_answer_cut_off_by_a_kill_goes_on_after_it(
    house: House,
) -> None:
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    await house.program.start(crash_at="mid_answer")

    asks(ann, words=SLOWLY)
    asks(bob)
    async with asyncio.timeout(40):
        while house.program.is_running():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.05)
    await house.restart()
    await house.until_answered(ann, bob)

    assert unanswered(house) == []
    await check_invariants(house)


@pytest.mark.row(48)
async def test_row_48_server_that_dies_while_people_ask_costs_nobody_an_answer(
    house: House, mortal: Cluster
) -> None:
    people = [house.emulator.person(f"Person {number}") for number in range(6)]
    await house.program.start()
    await house.until_ready()

    for number, person in enumerate(people):
        asks(person, words=SLOWLY if number % 2 else "")
        if number in (1, 4):
            await house.until(lambda: house.model.writing > 0)
            await asyncio.to_thread(mortal.stop)
            await asyncio.to_thread(mortal.start)
    await house.until_answered(*people, within_s=60.0)

    assert unanswered(house) == []
    assert house.program.is_running()
    await check_invariants(house, expected=_LOST, within_s=60.0)
