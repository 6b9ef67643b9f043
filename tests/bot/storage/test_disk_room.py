"""The ballast: made where there is room, thrown off when there is none, made again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.storage import room as module
from bot.storage.errors import NoRoom
from bot.storage.room import BALLAST, Room

MB = 1 << 20


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    disk = SimpleNamespace(free=100 * MB)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: disk)
    return disk


def test_a_ballast_is_made_and_really_takes_its_room(tmp_path: Path, disk: SimpleNamespace):
    room = Room(tmp_path)

    room.look()

    found = (tmp_path / BALLAST).stat()
    assert found.st_size == found.st_blocks * 512 == 8 * MB
    assert not room.is_short
    room.check()


def test_a_full_disk_costs_the_ballast_and_takes_nothing_in(tmp_path: Path, disk: SimpleNamespace):
    room = Room(tmp_path)
    room.look()

    room.ran_out()

    assert not (tmp_path / BALLAST).exists()
    with pytest.raises(NoRoom, match="is full"):
        room.check()


@pytest.mark.parametrize(("free", "short"), [(15 * MB, True), (16 * MB, False)])
def test_things_are_taken_in_again_when_there_is_twice_the_room(
    tmp_path: Path, disk: SimpleNamespace, free: int, *, short: bool
):
    room = Room(tmp_path)
    room.look()
    room.ran_out()
    disk.free = free

    room.look()

    assert room.is_short == short
    assert (tmp_path / BALLAST).exists() != short


def test_a_disk_that_is_full_at_the_start_takes_nothing_in(tmp_path: Path, disk: SimpleNamespace):
    disk.free = 4 * MB
    room = Room(tmp_path)

    room.look()

    assert room.is_short


def test_a_ballast_of_an_earlier_run_needs_no_further_room(tmp_path: Path, disk: SimpleNamespace):
    Room(tmp_path).look()
    disk.free = 0
    room = Room(tmp_path)

    room.look()

    assert not room.is_short


def test_a_program_that_only_looks_throws_off_nothing(tmp_path: Path, disk: SimpleNamespace):
    Room(tmp_path).look()
    beside = Room(tmp_path)

    beside.ran_out()

    assert (tmp_path / BALLAST).exists()
    beside.check()
