"""Rows 42 to 46 and 49: a database that is locked, full, broken or of another version, and a clock
that leaps, under the real program."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import ClientSession, ClientTimeout, CookieJar, FormData

from bot.storage.backup import back_up
from bot.storage.room import BALLAST
from bot.storage.soundness import FILE
from bot.wording.alarms import ALARMS
from tests.e2e.drawing import photo
from tests.emulators.telegram.people import Person
from tests.faults import disks, troubled
from tests.faults.disks import verify
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants
from tests.faults.records import until_all_ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CHAT = "/v1/chat/completions"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as house:
        yield house


async def asks_api(house: House, text: str) -> tuple[int, str, str]:
    """Status, Retry-After, the error's code."""
    body = {"messages": [{"role": "user", "content": text}]}
    url = f"{house.program.url}{CHAT}"
    async with (
        ClientSession(timeout=ClientTimeout(20)) as client,
        client.post(url, json=body) as response,
    ):
        code = (await response.json()).get("error", {}).get("code", "")
        return response.status, response.headers.get("Retry-After", ""), code


async def asks_page(house: House, text: str) -> tuple[int, str, str]:
    """The same, and what the page shows."""
    jar = CookieJar(unsafe=True)
    async with ClientSession(cookie_jar=jar, timeout=ClientTimeout(20)) as client:
        async with client.get(f"{house.program.url}/api/me") as response:
            csrf = (await response.json())["csrf"]
        form = FormData({"key": uuid4().hex, "lang": "en", "text": text})
        shown = photo("circle", "red")
        form.add_field("photos", shown, filename="photo.jpg", content_type="image/jpeg")
        head = {"X-CSRF-Token": csrf}
        url = f"{house.program.url}/api/ask?lang=en"
        async with client.post(url, data=form, headers=head) as response:
            told = await response.json()
            error = told.get("error", {})
            return response.status, response.headers.get("Retry-After", ""), error.get("message")


async def health_within(house: House, within_s: float) -> int:
    async with (
        ClientSession(timeout=ClientTimeout(within_s)) as client,
        client.get(f"{house.program.url}/health") as response,
    ):
        return response.status


@pytest.mark.row(42)
async def test_row_42_a_database_locked_by_others_loses_nothing_and_stops_nobody_else(
    house: House,
) -> None:
    await house.program.start()
    await house.until_ready()
    li = house.emulator.person("Li")
    polls = len(house.emulator.calls_of("getUpdates"))

    with disks.locked_by_another(house.program.data_dir / FILE):
        li.sends_photo(photo("circle", "red"), "what is it?")
        began = time.monotonic()
        while time.monotonic() - began < 10:
            assert await health_within(house, 2.0) == 200
            await asyncio.sleep(0.2)
        asked = [dict(call.fields) for call in house.emulator.calls_of("getUpdates")[polls:]]
        assert house.model.asked == {}
        assert house.emulator.said(li.chat) == []

    await house.until_answered(li)
    assert len({one.get("offset") for one in asked}) <= 1  # nothing was acknowledged meanwhile
    await check_invariants(house)


@pytest.mark.row(43)
async def test_row_43_a_full_disk_takes_nothing_in_finishes_what_was_begun_and_recovers(
    tmp_path: Path,
) -> None:
    with disks.small_disk(tmp_path / "data", 32):
        async with housed(tmp_path) as house:
            await house.program.start()
            await house.until_ready()
            data = house.program.data_dir
            assert (data / BALLAST).stat().st_size == 8 << 20
            house.boss.says("good morning")
            await house.until_answered(house.boss)
            li, wang, anna = map(house.emulator.person, ("Li", "Wang", "Anna"))
            house.model.gate.clear()
            li.says("asked before")
            await house.until(lambda: house.model.writing == 1)
            filler = disks.fill(data)

            wang.says("w" * 4000)
            anna.sends_photo(photo("square", "blue"), "and this?")
            while (data / BALLAST).exists():
                await asks_page(house, "p" * 9000)
            await house.until(lambda: ALARMS["alarm_full"].en in texts(house, house.boss))
            answers = [await asks_api(house, "hello"), await asks_page(house, "hello")]
            house.model.gate.set()
            await house.until_answered(li)

            assert answers[0] == (503, "30", "storage_full")
            assert answers[1][:2] == (503, "30")
            assert "disk is full" in answers[1][2]
            assert await health_within(house, 2.0) == 200
            filler.unlink()
            await house.until_answered(wang, anna)
            assert (await asks_page(house, "room again"))[0] == 202
            assert (await asks_api(house, "room again"))[0] == 200
            await house.until(lambda: (data / BALLAST).exists())
            await check_invariants(house)


@pytest.mark.row(43)
async def test_row_43_a_program_that_is_told_to_end_on_a_full_disk_ends_in_order(
    tmp_path: Path,
) -> None:
    with disks.small_disk(tmp_path / "data", 32):
        async with housed(tmp_path) as house:
            await house.program.start()
            await house.until_ready()
            data = house.program.data_dir
            house.model.gate.clear()
            li = house.emulator.person("Li")
            li.says("asked before")
            await house.until(lambda: house.model.writing == 1)
            (data / BALLAST).unlink()
            disks.fill(data)

            code = await house.program.stop()

            assert code == 0, house.program.output()[-3000:]
            (data / "filler").unlink()
            house.model.gate.set()
            await house.restart()
            await house.until_answered(li)
            await check_invariants(house)


async def _fails_to_sync(house: House) -> None:
    """What both kinds of failing disks must lead to."""
    code = await house.program.ended()
    assert code == 1, house.program.output()[-3000:]
    assert "the disk failed under" in house.program.output()


@pytest.mark.row(44)
async def test_row_44_a_failed_sync_is_no_commit_and_ends_the_program(
    house: House, tmp_path: Path
) -> None:
    """Wrapped around sqlite3: works everywhere."""
    orders = disks.trouble(house, tmp_path / "trouble")
    await house.program.start()
    await house.until_ready()
    li = house.emulator.person("Li")
    (orders / troubled.FSYNC_FAILS).touch()

    li.says("is it kept?")

    await _fails_to_sync(house)
    assert house.model.asked == {}
    (orders / troubled.FSYNC_FAILS).unlink()
    await house.restart()
    await house.until_answered(li)
    assert house.model.asked["is it kept?"] == 1
    await check_invariants(house, expected="DiskFailed|failed|disk")


@pytest.mark.row(44)
async def test_row_44_the_same_with_a_kernel_that_answers_eio(house: House, tmp_path: Path) -> None:
    await house.program.start()
    await house.until_ready()
    li = house.emulator.person("Li")

    async with disks.failing_syncs(house.program.pid, tmp_path):
        li.sends_photo(photo("circle", "red"), "is it kept?")
        await _fails_to_sync(house)

    await house.restart()
    await house.until_answered(li)
    assert house.model.asked["is it kept?"] == 1
    await check_invariants(house, expected="DiskFailed|failed|disk")


@pytest.mark.row(45)
async def test_row_45_a_damaged_database_is_refused_named_and_restored_from_the_newest_backup(
    house: House, tmp_path: Path
) -> None:
    await house.program.start()
    li = house.emulator.person("Li")
    li.says("hello")
    await house.until_answered(li)
    backup = tmp_path / "backups" / "monday"
    await asyncio.to_thread(back_up, house.program.data_dir, backup)
    await house.program.stop()
    file = house.program.data_dir / FILE
    disks.overwrite(file, disks.root_page(house.program.data_dir, "inbox"))
    damaged = file.read_bytes()

    await house.program.start()

    assert await house.program.ended() == 1
    said = house.program.output().splitlines()[-1]
    assert "is damaged" in said
    assert f"visionbot admin restore {backup}" in said
    assert file.read_bytes() == damaged
    file.write_bytes((backup / FILE).read_bytes())
    await house.program.start()
    li.says("and again")
    await house.until_answered(li)
    await check_invariants(house)


@pytest.mark.row(45)
async def test_row_45_a_foreign_file_is_refused_and_left_as_it_is(house: House) -> None:
    """Other files, and an empty one: tests/bot/storage/test_db.py."""
    content = b"no database at all\n" * 999
    file = house.program.data_dir / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(content)

    await house.program.start()

    assert await house.program.ended() == 1
    assert "is damaged" in house.program.output()
    assert file.read_bytes() == content


@pytest.mark.row(45)
async def test_row_45_a_log_cut_short_loses_what_it_lost_and_nothing_else(house: House) -> None:
    """SQLite's log of changes is taken as far as its checksums hold, as after a power failure. What
    had been confirmed and is cut off is done again, for nobody can know of it."""
    await house.program.start()
    li = house.emulator.person("Li")
    li.says("hello")
    await house.until_answered(li)
    await house.program.kill()
    log = house.program.data_dir / f"{FILE}-wal"
    whole = log.read_bytes()
    log.write_bytes(whole[: len(whole) * 2 // 3 + 17])

    await house.program.start()

    li.says("and now?")
    await house.until_answered(li)
    assert house.answers(li) == 1
    await house.program.stop()
    found = verify(house.program.data_dir)
    assert found.is_sound
    assert found.counts["inbox"] >= 1


@pytest.mark.row(45)
async def test_row_45_damage_that_shows_while_it_runs_ends_the_program(house: House) -> None:
    await house.program.start()
    await house.until_ready()
    li = house.emulator.person("Li")
    li.says("hello")
    await house.until_answered(li)
    await until_all_ended(house)  # else the page would be written anew
    data = house.program.data_dir
    await house.program.stop()  # which empties the log
    page = disks.root_page(data, "inbox")
    await house.program.start()
    await house.until_ready()
    disks.overwrite(data / FILE, page)
    disks.touch(data)  # what the program has in memory is old now

    li.says("are you there?")

    assert await house.program.ended() == 1
    assert "is damaged" in house.program.output().splitlines()[-1]
    assert house.answers(li) == 0


@pytest.mark.row(49)
async def test_row_49_a_clock_that_leaps_breaks_off_no_answer_and_throws_nothing_away(
    tmp_path: Path,
) -> None:
    async with housed(tmp_path, pause_s=0.2) as house:
        orders = disks.trouble(house, tmp_path / "trouble")
        await house.program.start()
        await house.until_ready()
        li, wang = map(house.emulator.person, ("Li", "Wang"))
        li.sends_photo(photo("circle", "red"), "what is it?")
        await house.until_answered(li)
        photos = kept_photos(house)
        for hours in (24, -24):
            house.model.gate.clear()
            wang.says(f"asked before {hours}")
            await house.until(lambda: house.model.writing == 1)
            (orders / troubled.LEAP).write_text(str(hours * 3600), "ascii")
            li.says(f"asked after {hours}")
            await house.until(lambda: house.model.writing == 2)
            assert await health_within(house, 2.0) == 200
            house.model.gate.set()
            await house.until_answered(li, wang)

        assert photos == kept_photos(house)
        assert house.answers(wang) == 1
        (orders / troubled.LEAP).unlink()
        await check_invariants(house)


def texts(house: House, person: Person) -> list[str]:
    return [one.text for one in house.emulator.said(person.chat)]


def kept_photos(house: House) -> list[str]:
    folder = house.program.data_dir / "photos"
    return sorted(file.name for file in folder.glob("[0-9a-f][0-9a-f]/*"))
