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
        self.module = "bot"  # or one that makes it fail, see tests/faults/faulty_engine.py
        self.data_dir = Path(str(settings.get("STORAGE__DATA_DIR", folder / "data")))
        self._log = folder / "program.log"
        self._order = folder / "crash_at"
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

    async def start(self, *, crash_at: str = "", settings: dict[str, object] | None = None) -> None:
        """`crash_at`: it kills itself there, see tests/faults/crashing.py, or where `crash_at` of
        this class says, if it is "where told"; `settings`: only for this start."""
        more = {f"VISIONBOT_{name}": str(value) for name, value in (settings or {}).items()}
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command(crash_at),
                cwd=ROOT,
                env=self._environment | more | self._crash(crash_at),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._groups.append(self._process.pid)

    def command(self, crash_at: str) -> list[str]:
        module = "tests.faults.crashing" if crash_at else self.module
        return [sys.executable, "-m", module, "run", "--config", str(ROOT / "config.toml")]

    def crash_at(self, point: str) -> None:
        """The next time it comes there, if it was started to crash "where told"; empty: nowhere."""
        written = self._order.with_suffix(".new")
        written.write_text(point, "ascii")
        written.replace(self._order)

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
                command = (process / "cmdline").read_bytes()
                if b"engine.process.child" in command or b"engine.faulty_child" in command:
                    engine = int(process.name)
                    if _parent(engine) == self.pid:
                        found.append(engine)
        return found

    async def ended(self, *, within_s: float = 60.0) -> int:
        """The exit code, once it has ended by itself; a killed one has a negative one."""
        assert self._process is not None
        async with asyncio.timeout(within_s):
            return await self._process.wait()

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

    def _crash(self, crash_at: str) -> dict[str, str]:
        self._order.unlink(missing_ok=True)  # it was meant for the one before
        return {"CRASH_AT": crash_at, "CRASH_ORDER": str(self._order)}

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
