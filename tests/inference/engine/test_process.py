"""The engine process and its line: how both end, whatever happens to the other."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inference.engine.local import LocalEngine
from inference.engine.messages import Ask, Fetching, Ready, pack
from inference.engine.process import EngineProcess
from inference.engine.settings import EngineSettings
from inference.request import ChatRequest

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(90)]

SettingsOf = Callable[..., EngineSettings]
MANY = b"0" * (8 << 20)  # more than the line takes while nobody reads

HANGING_PARENT = """
import asyncio, os, signal, sys
from inference.engine.local import EngineSettings, LocalEngine
from inference.request import ChatRequest, Sampling, Turn

async def main():
    engine = LocalEngine(EngineSettings(model=sys.argv[1], device="cpu"))
    await engine.start()
    print(engine.pid, flush=True)
    await anext(engine.stream(ChatRequest((Turn("user", "Go on."),), Sampling(max_tokens=900))))
    os.kill(os.getpid(), signal.SIGSTOP)

asyncio.run(main())
"""

BROKEN_DEVICE = """
import torch
from inference.engine import loop

def step(self):
    raise torch.AcceleratorError("illegal memory access")

loop.EngineLoop.step = step
loop.main()
"""


@asynccontextmanager
async def started(*arguments: str, settings: EngineSettings) -> AsyncIterator[EngineProcess]:
    """A Python program that is handed its end of a line as EngineProcess.start does it."""
    ours, theirs = socket.socketpair()
    with theirs:
        fd = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, str(fd), pass_fds=[fd]
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    engine = EngineProcess(process, reader, writer)
    engine.post(settings)
    try:
        yield engine
    finally:
        engine.kill()
        await engine.end()


def stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on: state, ..., utime [11], stime [12]."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def lives(pid: int) -> bool:
    """A zombie does not: here nobody may be left to reap it."""
    try:
        return stat(pid)[0] != "Z"
    except FileNotFoundError:
        return False


async def hear_out(process: EngineProcess) -> None:
    """Raises EOFError at the end."""
    while True:
        await process.receive()


async def until(truth: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not truth():  # noqa: ASYNC110  # of another process: it tells nobody
            await asyncio.sleep(0.01)


async def test_engine_ends_quietly_when_a_parent_that_hung_is_killed(
    random_checkpoint: Path,
) -> None:
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGING_PARENT, str(random_checkpoint)), stdout=pipe, stderr=pipe
    )
    assert parent.stdout
    assert parent.stderr
    pid = int(await parent.stdout.readline())
    await until(lambda: stat(parent.pid)[0] == "T")
    ticks = int(stat(pid)[11])
    await until(lambda: int(stat(pid)[11]) > ticks + 5)  # it has written what nobody reads

    parent.kill()
    await parent.wait()

    try:
        await until(lambda: not lives(pid))
    finally:
        if lives(pid):
            os.kill(pid, signal.SIGKILL)
    assert b"Traceback" not in await parent.stderr.read()


async def test_process_whose_device_fails_ends_at_once(
    random_checkpoint: Path, settings_of: SettingsOf, ask: Callable[..., ChatRequest]
) -> None:
    settings = settings_of(random_checkpoint)
    async with started("-c", BROKEN_DEVICE, settings=settings) as process:
        assert isinstance(await process.receive(), Ready)

        process.post(Ask(1, ask("hello"), 0))

        with pytest.raises(EOFError):
            await asyncio.wait_for(hear_out(process), 20)
        assert await process.end() == 1


async def test_process_that_fetches_its_model_keeps_saying_so(
    settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging: list[asyncio.StreamWriter] = []
    hub = await asyncio.start_server(lambda _, writer: hanging.append(writer), "127.0.0.1")
    port = hub.sockets[0].getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings = settings_of(Path("somebody/some-model"))
    async with started("-m", "inference.engine.loop", settings=settings) as process:
        said = [await process.receive() for _ in range(2)]
    hub.close()
    for writer in hanging:
        writer.close()

    assert said == [Fetching(), Fetching()]


async def test_start_goes_on_when_the_model_has_been_fetched(settings_of: SettingsOf) -> None:
    class Line(EngineProcess):
        def __init__(self) -> None:
            self._reader = asyncio.StreamReader()
            for message in (Fetching(), Fetching(), Ready(1024, 7)):
                self._reader.feed_data(pack(message))

    assert await LocalEngine(settings_of(Path("x/y")))._first_word(Line()) == Ready(1024, 7)


async def test_process_that_reads_nothing_is_killed_in_the_end(settings_of: SettingsOf) -> None:
    process = await EngineProcess.start(settings_of(Path("nowhere")))
    os.kill(process.pid, signal.SIGSTOP)
    process.post(MANY)

    async with asyncio.timeout(20):
        code = await process.end()

    assert code == -signal.SIGKILL


async def test_process_is_killed_when_nobody_waits_for_its_end(settings_of: SettingsOf) -> None:
    process = await EngineProcess.start(settings_of(Path("nowhere")))
    os.kill(process.pid, signal.SIGSTOP)
    process.post(MANY)
    ending = asyncio.create_task(process.end())
    await asyncio.sleep(0)

    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending
    await until(lambda: not lives(process.pid))
    await process._process.wait()


async def test_closing_the_engine_can_be_cancelled(
    random_checkpoint: Path, settings_of: SettingsOf
) -> None:
    engine = LocalEngine(settings_of(random_checkpoint))
    await engine.start()
    pid = engine.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    keeper = engine._keeper
    assert keeper
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)

    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing
    await until(lambda: not lives(pid))
    await asyncio.wait([keeper])
