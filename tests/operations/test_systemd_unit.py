"""The unit for systemd: accepted by it, locked in, and fed by the running program."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bench.scripted import ScriptedModel
from bot.config import Settings
from tests.e2e.program import ROOT, Program

UNIT = ROOT / "docker" / "systemd" / "visionbot.service"
TEXT = UNIT.read_text("utf-8")
MOST_EXPOSED = 1.8  # of 10, as systemd 252 counts; a card and the web are what is left of it


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        how = "systemd-analyze is missing: sudo apt-get install systemd"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=15, check=False
    )


def values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)


def test_systemd_accepts_every_line(tmp_path: Path) -> None:
    here = re.sub(r"^(ExecStart)=\S+", r"\1=/bin/true", TEXT, flags=re.MULTILINE)
    unit = tmp_path / "visionbot.service"
    unit.write_text(re.sub(r"(Documentation)=.*", r"\1=man:true(1)", here), "utf-8")

    checked = analyze("verify", "--man=no", "--recursive-errors=no", str(unit))

    assert [line for line in checked.stderr.splitlines() if "visionbot" in line] == []
    assert checked.returncode == 0, checked.stderr


def test_the_service_is_exposed_to_little() -> None:
    checked = analyze("security", "--offline=true", "--no-pager", str(UNIT))

    (level,) = re.findall(r"Overall exposure level for visionbot.service: ([\d.]+)", checked.stdout)
    assert float(level) <= MOST_EXPOSED


def test_each_secret_of_the_program_can_be_given_as_a_credential() -> None:
    secrets = {
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key, value in field.default
        if type(value).__name__ == "SecretStr"
    }

    assert set(values("LoadCredential")) == {f"{name}:visionbot.{name}" for name in secrets}


def test_what_the_service_writes_is_where_it_may_write() -> None:
    variables = dict(pair.split("=", 1) for line in values("Environment") for pair in line.split())

    assert variables["VISIONBOT_STORAGE__DATA_DIR"] == f"/var/lib/{values('StateDirectory')[0]}"
    assert variables["HF_HOME"].startswith(f"/var/cache/{values('CacheDirectory')[0]}/")


def test_systemd_waits_longer_than_the_program_takes_to_end() -> None:
    assert int(values("TimeoutStopSec")[0]) >= 30
    assert values("TimeoutStartSec") == ["infinity"]  # [engine] start_timeout_s ends a start


@pytest_asyncio.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel(at_once=1, length=10, pieces=1, pause_s=0.0) as model:
        yield model


@pytest.mark.e2e
@pytest.mark.timeout(60)
async def test_systemd_hears_that_the_program_is_ready_lives_and_stops(
    model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setblocking(False)
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        program = Program(tmp_path, ENGINE__KIND="remote", ENGINE__BASE_URL=model.url)
        await program.start()
        try:
            async with asyncio.timeout(50):
                began = [await hear(listener) for _ in range(4)]
                code = await program.stop()
                ended = [await hear(listener)]
                while ended[-1] == "WATCHDOG=1":
                    ended.append(await hear(listener))
        finally:
            await program.clean_up()

    assert began == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"], program.output()
    assert ended[-1] == "STOPPING=1"
    assert code == 0


async def hear(listener: socket.socket) -> str:
    return (await asyncio.get_running_loop().sock_recv(listener, 1024)).decode()
