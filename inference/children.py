"""Work on strangers' files in processes that can be killed; the parent's end of the pipe.

A child has little memory, knows no secrets, and ends with the job that it took too long for.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from contextlib import suppress
from pathlib import Path

_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 10.0
_DIED = (EOFError, OSError)  # what talking to a dead child raises
_HEAD = struct.Struct(">cQ")
# Else numpy takes addresses for a thread on each core, of which a child has few.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


class ChildDied(Exception):
    """A fresh one died over the job, or answered what no honest one does."""


class NoChild(Exception):
    """None can be started."""


class Children:
    """Processes of one module, started when first needed; `close` ends them."""

    def __init__(
        self,
        module: str,
        argument: str,
        *,
        most: int,
        jobs_each: int,
        timeout_s: float,
        max_body: int,
        start_timeout_s: float = _START_TIMEOUT_S,
    ) -> None:
        """`jobs_each`: then a fresh one, what a library leaks goes with it. `max_body`: no honest
        answer is longer."""
        self._command = ("-P", "-m", module, argument)
        self._jobs_each = jobs_each
        self._timeout_s = timeout_s
        self._max_body = max_body
        self._start_timeout_s = start_timeout_s
        self._free = asyncio.Semaphore(most)
        self._idle: list[_Child] = []

    async def ask(self, job: bytes) -> tuple[bytes, bytes]:
        """The answer's kind and body. Raises TimeoutError, ChildDied, NoChild."""
        async with self._free:
            if self._idle:
                with suppress(ChildDied):  # it may have died of something else while it waited
                    return await self._ask(self._idle.pop(), job)
            return await self._ask(await self._start(), job)

    async def close(self) -> None:
        """Call it when no `ask` is running any more."""
        while self._idle:
            await self._idle.pop().end()

    async def _ask(self, child: _Child, job: bytes) -> tuple[bytes, bytes]:
        patience = asyncio.timeout(self._timeout_s)
        try:
            async with patience:
                return await child.ask(job)
        except _DIED as error:  # TimeoutError is an OSError
            if patience.expired():
                raise
            raise ChildDied from error
        finally:
            if child.is_whole and child.jobs < self._jobs_each:
                self._idle.append(child)
            else:
                await child.end()

    async def _start(self) -> _Child:
        """Its environment holds no secrets: what reads strangers' files shall know none."""
        home = str(Path(__file__).parents[1])  # where our packages lie
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # libraries quote there what they stumble over
                env={"PYTHONPATH": home, **dict.fromkeys(_ONE_THREAD, "1")},
                start_new_session=True,  # Ctrl-C is for the parent, which ends its children itself
            )
        except OSError as error:
            raise NoChild(f"{self._command[2]} cannot be started: {error}") from error
        child = _Child(process, self._max_body)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await child.ready()
        except _DIED as error:
            await child.end()
            raise NoChild(f"{self._command[2]} does not start") from error
        except asyncio.CancelledError:
            await child.end()
            raise
        return child


class _Child:
    """One process, one job at a time; of no use any more once an exchange was cut short."""

    def __init__(self, process: asyncio.subprocess.Process, max_body: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self._max_body = max_body
        self.jobs = 0
        self._between = True  # False: an exchange has begun and not ended

    @property
    def is_whole(self) -> bool:
        return self._between and self._process.returncode is None

    async def ready(self) -> None:
        await self._get()

    async def ask(self, job: bytes) -> tuple[bytes, bytes]:
        self._between = False
        self.jobs += 1
        self._in.write(len(job).to_bytes(8, "big"))
        self._in.write(job)
        await self._in.drain()
        answer = await self._get()
        self._between = True
        return answer

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._process.communicate()  # also reads what is left, and closes the pipes

    async def _get(self) -> tuple[bytes, bytes]:
        kind, length = _HEAD.unpack(await self._out.readexactly(_HEAD.size))
        if length > self._max_body:  # a child that was taken over may say anything
            raise EOFError(f"the child announced {length} bytes")
        return kind, await self._out.readexactly(length)
