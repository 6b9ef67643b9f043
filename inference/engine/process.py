"""The engine process as its parent sees it: started, spoken to, killed."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path

from inference.engine.messages import HEAD_BYTES, pack, unpack
from inference.engine.settings import EngineSettings

_ROOT = Path(__file__).parents[2]  # where `python -m inference.engine.loop` finds the package
_END_TIMEOUT_S = 5.0
_LARGE_BYTES = 1 << 20  # packing more than this is left to a thread


class EngineProcess:
    """Use `start`, and `end` in any case. Once it is dead, `receive` raises EOFError and what is
    sent is lost."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def start(cls, settings: EngineSettings) -> EngineProcess:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "inference.engine.loop", str(theirs.fileno())),
                    cwd=_ROOT,
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C in the terminal is not for it
                )
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_connection(sock=ours)
        started = cls(process, reader, writer)
        started.post(settings)
        return started

    @property
    def pid(self) -> int:
        return self._process.pid

    def post(self, message: object) -> None:
        """For small messages: does not wait."""
        if not self._writer.is_closing():
            self._writer.write(pack(message))

    async def send(self, message: object, *, bytes_within: int) -> None:
        """Returns when the process keeps up; `bytes_within` says how much there is to pack."""
        large = bytes_within > _LARGE_BYTES
        frame = await asyncio.to_thread(pack, message) if large else pack(message)
        with suppress(ConnectionError):
            self._writer.write(frame)
            await self._writer.drain()

    async def receive(self) -> object:
        try:
            head = await self._reader.readexactly(HEAD_BYTES)
            return unpack(await self._reader.readexactly(int.from_bytes(head, "big")))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError("the engine process is gone") from error

    def kill(self) -> None:
        """At once; `end` is still to follow."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> int:
        """Returns the exit code. Closing our end is what tells it to go."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        try:
            return await asyncio.wait_for(self._process.wait(), _END_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            return await self._process.wait()
