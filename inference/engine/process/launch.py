"""The engine process as its parent sees it: started, spoken to, killed."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inference.engine.process.lines import LONGEST_LINE, pass_on
from inference.engine.process.messages import HEAD_BYTES, Fetching, Ready, Unusable, pack, unpack
from inference.engine.settings import EngineSettings
from inference.errors import EngineDown, ModelUnusable

log = logging.getLogger(__name__)

ENGINE = (sys.executable, "-m", "inference.engine.process.child")

_ROOT = Path(__file__).parents[3]  # where Python finds that module
_END_TIMEOUT_S = 5.0
_LAST_WORDS_S = 1.0  # for what a process has written before its end
_LARGE_BYTES = 1 << 20  # packing more than this is left to a thread


class EngineProcess:
    """Use `start`, and `end` in any case. Once it is dead, `receive` raises EOFError and what is
    sent is lost."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        assert process.stderr is not None
        self._log = asyncio.create_task(pass_on(process.stderr))

    @classmethod
    async def start(
        cls, settings: EngineSettings, command: Sequence[str] = ENGINE
    ) -> EngineProcess:
        """`command` gets the number of its end of the line as one more argument. Raises EngineDown
        when the system has no room for a process."""
        try:
            process = await cls._start(command)
        except OSError as error:
            raise EngineDown(f"the engine process cannot be started ({error})") from error
        process.post(settings)
        return process

    @classmethod
    async def _start(cls, command: Sequence[str]) -> EngineProcess:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                reader, writer = await asyncio.open_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
            try:
                process = await _spawn(command, theirs.fileno())
            except BaseException:
                writer.transport.abort()
                raise
        return cls(process, reader, writer)

    async def loaded(self, settings: EngineSettings) -> Ready:
        """When it has loaded the model; the time it takes to fetch the checkpoint does not count.
        Raises ModelUnusable; EngineDown when it died."""
        try:
            while True:
                async with asyncio.timeout(settings.start_timeout_s):
                    message = await self.receive()
                if not isinstance(message, Fetching):
                    break
        except TimeoutError as error:
            raise ModelUnusable(
                f"{settings.model} was not loaded within [engine] start_timeout_s, "
                f"{settings.start_timeout_s:g} s"
            ) from error
        except EOFError as error:
            code = await self.end()
            raise EngineDown(f"the engine process ended with code {code} as it started") from error
        if isinstance(message, Unusable):
            raise ModelUnusable(message.reason)
        assert isinstance(message, Ready)
        return message

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
        """Returns the exit code. Closing our end is what tells it to go; when it does not, or
        nobody waits for that any longer, it is killed."""
        try:
            return await self._end()
        finally:
            await asyncio.wait([self._log], timeout=_LAST_WORDS_S)
            self._log.cancel()

    async def _end(self) -> int:
        self._writer.close()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                with suppress(ConnectionError):
                    await self._writer.wait_closed()
                return await self._process.wait()
        except TimeoutError:
            log.warning("the engine process %d does not end and is killed", self.pid)
        finally:
            if self._process.returncode is None:
                self.kill()
            self._writer.transport.abort()
        try:
            return await asyncio.wait_for(self._process.wait(), _END_TIMEOUT_S)
        except TimeoutError:
            log.error("the engine process %d is killed but not gone", self.pid)  # noqa: TRY400
            return -signal.SIGKILL


async def _spawn(command: Sequence[str], fd: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        str(fd),
        cwd=_ROOT,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        limit=LONGEST_LINE,
        pass_fds=[fd],
        start_new_session=True,  # Ctrl-C in the terminal is not for it
    )
