"""What systemd hears of the program, on a socket of its kind."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import watcher
from bot.watching.systemd import Pulse, Systemd, Watcher
from inference.engine.base import EngineStats
from tests.fakes import FakeTime, settle

BUSY = EngineStats("demo", 512, running=1, pages=64, steps=7)


class Listener:
    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address.replace("@", "\0", 1))

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._socket.recv(1024).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(str(tmp_path / "notify"))
    yield listener
    listener.close()


def test_a_state_arrives_in_one_datagram(listener: Listener) -> None:
    Systemd(Watcher(listener.address)).tell("READY=1")

    assert listener.heard() == ["READY=1"]


def test_an_address_that_is_no_file_is_reached_too() -> None:
    listener = Listener(f"@visionbot-test-{os.getpid()}")

    Systemd(Watcher(listener.address)).tell("READY=1")

    assert listener.heard() == ["READY=1"]
    listener.close()


def test_a_missing_socket_does_not_stop_the_program(tmp_path: Path) -> None:
    Systemd(Watcher(str(tmp_path / "gone"))).tell("READY=1")


async def feed_for(time: FakeTime, systemd: Systemd, pulse: Pulse, seconds: float) -> None:
    feeding = asyncio.create_task(systemd.feed(pulse.beats, time.sleep))
    for _ in range(int(seconds)):
        await time.advance(1.0)
    feeding.cancel()
    await settle()


def pulse_of(time: FakeTime, *stats: EngineStats) -> Pulse:
    """Each look at the engine sees the next of `stats`; the last one stays."""
    left = list(stats)
    return Pulse(lambda: left.pop(0) if left[1:] else left[0], patience_s=30, clock=time.clock)


async def test_signs_of_life_come_thrice_in_the_time_that_systemd_waits(listener: Listener) -> None:
    time = FakeTime()
    pulse = pulse_of(time, replace(BUSY, running=0))

    await feed_for(time, Systemd(Watcher(listener.address, 30.0)), pulse, 29)

    assert listener.heard() == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize(
    "stats",
    [
        pytest.param(replace(BUSY, running=0), id="idle"),
        pytest.param(replace(BUSY, state="restarting"), id="restarting"),
        pytest.param(replace(BUSY, state="down"), id="down, which a restart of ours mends no more"),
        pytest.param(
            replace(BUSY, pages=0, steps=0), id="a server elsewhere, whose steps are hidden"
        ),
    ],
)
async def test_an_engine_that_has_no_steps_to_make_is_no_reason_to_be_silent(
    listener: Listener, stats: EngineStats
) -> None:
    time = FakeTime()

    await feed_for(time, Systemd(Watcher(listener.address, 30.0)), pulse_of(time, stats), 99)

    assert len(listener.heard()) == 10


async def test_an_engine_that_stands_still_with_work_makes_us_silent(listener: Listener) -> None:
    time = FakeTime()

    await feed_for(time, Systemd(Watcher(listener.address, 30.0)), pulse_of(time, BUSY), 99)

    assert listener.heard() == ["WATCHDOG=1"] * 3  # within the 30 s of patience


async def test_an_engine_that_moves_again_is_told_of_again(listener: Listener) -> None:
    time = FakeTime()
    moving = [BUSY] * 5 + [replace(BUSY, steps=8), replace(BUSY, steps=9)]

    pulse = pulse_of(time, *moving)
    await feed_for(time, Systemd(Watcher(listener.address, 30.0)), pulse, 69)

    assert len(listener.heard()) == 5  # of seven: the fourth and fifth look saw nothing move


async def test_nobody_who_wants_no_signs_of_life_gets_any(listener: Listener) -> None:
    time = FakeTime()

    await feed_for(time, Systemd(Watcher(listener.address)), pulse_of(time, BUSY), 99)

    assert listener.heard() == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Watcher()),
        ({"NOTIFY_SOCKET": "/run/n"}, Watcher("/run/n")),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "90000000"}, Watcher("/run/n", 90.0)),
        (
            {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"},
            Watcher("/run/n"),
        ),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, Watcher("/run/n")),
        ({"WATCHDOG_USEC": "90000000"}, Watcher()),
    ],
    ids=[
        "not started by systemd",
        "no watchdog",
        "watchdog",
        "another's watchdog",
        "nonsense",
        "no socket",
    ],
)
def test_the_environment_says_who_watches(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: Watcher
) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert watcher() == expected
