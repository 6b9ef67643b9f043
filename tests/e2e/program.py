"""The whole program as people start it: a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Program:
    """`settings` are variables without the prefix, such as TELEGRAM__TOKEN."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self._folder = folder
        self._log = folder / "program.log"
        self._process: asyncio.subprocess.Process | None = None
        self._groups: list[int] = []
        given = {
            "STORAGE__DATA_DIR": folder / "data",
            "WEB__PORT": _free_port(),
            "LOG__LEVEL": "debug",
        } | settings
        clean = {k: v for k, v in os.environ.items() if not k.startswith("VISIONBOT_")}
        self.url = f"http://127.0.0.1:{given['WEB__PORT']}"
        self._environment = clean | {f"VISIONBOT_{k}": str(v) for k, v in given.items()}

    async def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bot", "run", "--config", str(ROOT / "config.toml")),
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._groups.append(self._process.pid)

    async def kill(self) -> None:
        """kill -9 of the program alone: its children must notice and end by themselves."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """As Ctrl-C and systemd do it; the exit code."""
        return await self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def engines(self) -> list[int]:
        """Processes of its engine; other programs may run in the same tests."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if b"inference.engine.process.child" in (process / "cmdline").read_bytes():
                    engine = int(process.name)
                    if _parent(engine) == self.pid:
                        found.append(engine)
        return found

    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def output(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def survivors(self) -> list[int]:
        """Process groups of earlier starts in which something still runs."""
        return [group for group in self._groups if _is_alive(group)]

    async def clean_up(self) -> None:
        if self.is_running():
            await self.kill()
        for group in self.survivors():
            os.killpg(group, signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self.is_running():
            self._process.send_signal(number)
        async with asyncio.timeout(60):
            return await self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _parent(process: int) -> int:
    stat = Path(f"/proc/{process}/stat").read_text("ascii")
    return int(stat.rpartition(")")[2].split()[1])


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
