"""The asyncio face of picture decoding: photos go to children that can be killed; no Pillow."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, Field

from inference.errors import BadPicture, EngineDown
from inference.images.limits import Limits, check_bytes
from inference.request import Picture

_CHILDREN = 2
_JOBS_PER_CHILD = 200  # then a fresh one: what a decoder leaks goes with it
_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 10.0
_DIED = (EOFError, OSError)  # what talking to a dead child raises
_HEAD = struct.Struct(">cQ")
_SIDES = struct.Struct(">II")


class PicturesSection(BaseModel, extra="forbid", frozen=True):
    max_file_mb: int = Field(20, ge=1, le=100)
    max_pixels: int = Field(40_000_000, ge=10_000, le=50_000_000)  # the child's memory ends there
    min_side: int = Field(28, ge=1, le=1024)
    longest_side: int = Field(1024, ge=28, le=4096)
    max_ratio: int = Field(
        100, ge=1, le=150
    )  # the picture processor refuses 200, and shrinking rounds
    timeout_s: float = Field(5.0, ge=0.1, le=60.0)

    def limits(self) -> Limits:
        return Limits(
            max_bytes=self.max_file_mb << 20,
            max_pixels=self.max_pixels,
            min_side=self.min_side,
            longest_side=self.longest_side,
            max_ratio=self.max_ratio,
        )


class Decoder:
    """At most two children, started when first needed; `close` ends them."""

    def __init__(self, section: PicturesSection, *, children: int = _CHILDREN) -> None:
        self._limits = section.limits()
        self._timeout_s = section.timeout_s
        self._free = asyncio.Semaphore(children)
        self._idle: list[_Child] = []

    async def decode(self, photo: bytes) -> Picture:
        """Raises BadPicture; EngineDown when no child can be started."""
        check_bytes(photo, self._limits)
        async with self._free:
            if self._idle:
                with suppress(*_DIED):  # it may have died of something else while it waited
                    return await self._ask(self._idle.pop(), photo)
            try:
                return await self._ask(await _start(self._limits), photo)
            except _DIED as error:  # a fresh one: it was the photo
                raise BadPicture("broken") from error

    async def close(self) -> None:
        """Call it when no `decode` is running any more."""
        while self._idle:
            await self._idle.pop().end()

    async def _ask(self, child: _Child, photo: bytes) -> Picture:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await child.ask(photo)
        except TimeoutError:
            limit = self._timeout_s
            raise BadPicture("timeout", value=limit, limit=limit) from None
        finally:
            if child.usable:
                self._idle.append(child)
            else:
                await child.end()


class _Child:
    """One process, one photo at a time; of no use any more once an exchange was cut short."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._in, self._out = process, process.stdin, process.stdout
        self._max_body = _SIDES.size + 3 * limits.longest_side**2
        self._jobs = 0
        self._whole = True  # False: an exchange has begun and not ended

    @property
    def usable(self) -> bool:
        return self._whole and self._jobs < _JOBS_PER_CHILD and self._process.returncode is None

    async def ready(self) -> None:
        await self._get()

    async def ask(self, photo: bytes) -> Picture:
        self._whole = False
        self._jobs += 1
        self._in.write(len(photo).to_bytes(8, "big"))
        self._in.write(photo)
        await self._in.drain()
        kind, body = await self._get()
        self._whole = True
        if kind == b"F":
            raise BadPicture(**json.loads(body))
        width, height = _SIDES.unpack_from(body)
        if len(body) != _SIDES.size + 3 * width * height:
            raise EOFError("the decoding child sent too few or too many pixels")
        return Picture(width, height, body[_SIDES.size :])

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._process.communicate()  # also reads what is left, and closes the pipes

    async def _get(self) -> tuple[bytes, bytes]:
        kind, length = _HEAD.unpack(await self._out.readexactly(_HEAD.size))
        if length > self._max_body:  # a decoder that was taken over may say anything
            raise EOFError(f"the decoding child announced {length} bytes")
        return kind, await self._out.readexactly(length)


async def _start(limits: Limits) -> _Child:
    """Its environment holds no secrets: what decodes strangers' files shall know none."""
    home = str(Path(__file__).parents[2])  # where `inference` lies
    command = ("-P", "-m", "inference.images.child", json.dumps(asdict(limits)))
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": home},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children itself
        )
    except OSError as error:
        raise EngineDown(f"the picture decoder cannot be started: {error}") from error
    child = _Child(process, limits)
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            await child.ready()
    except _DIED as error:  # TimeoutError is an OSError
        await child.end()
        raise EngineDown("the picture decoder does not start") from error
    except asyncio.CancelledError:
        await child.end()
        raise
    return child
