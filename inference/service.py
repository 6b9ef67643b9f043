"""The one door to inference: photos made ready, turns measured, questions answered."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Literal, Protocol

from inference.engine.base import Engine, EngineStats
from inference.engine.times import timed
from inference.errors import BadPicture
from inference.request import ChatRequest, Delta, Picture, Turn
from inference.trace import current

log = logging.getLogger("inference.images")  # where what it tells of belongs

_KEPT_BYTES = 192 << 20  # about eighty photos made ready: those of the talks of the moment

# What became of a photo, and how long that took; "kept": it was seen lately, and not decoded again.
Prepared = Callable[[Literal["decoded", "kept", "refused"], float], None]


class PhotoDecoder(Protocol):
    async def decode(self, photo: bytes) -> Picture:
        """Raises BadPicture."""

    async def close(self) -> None: ...


class Service:
    """Owns the engine and the decoder; `close` ends both."""

    def __init__(
        self,
        engine: Engine,
        decoder: PhotoDecoder,
        *,
        kept_bytes: int = _KEPT_BYTES,
        prepared: Prepared | None = None,
    ) -> None:
        """`prepared` is told of every photo."""
        self._engine = engine
        self._decoder = decoder
        self._kept = _KeptPictures(kept_bytes)
        self._prepared = prepared or (lambda how, took_s: None)

    async def start(self) -> None:
        """Raises ModelUnusable. The decoder starts with the first photo."""
        await self._engine.start()

    async def prepare(self, photo: bytes) -> Picture:
        """Raises BadPicture. A photo seen lately is not decoded again."""
        # a large file takes longer to hash than the loop may wait
        key = await asyncio.to_thread(lambda: hashlib.sha256(photo).digest())
        picture = self._kept.get(key)
        if picture is not None:
            log.debug("a photo of %(bytes)d bytes was seen lately", {"bytes": len(photo)})
            self._prepared("kept", 0.0)
            return picture
        began = time.monotonic()
        try:
            picture = await self._decoder.decode(photo)
        except BadPicture:
            self._prepared("refused", time.monotonic() - began)
            raise
        self._prepared("decoded", time.monotonic() - began)
        self._kept.put(key, picture)
        return picture

    async def measure(self, turn: Turn) -> int:
        """How many tokens this turn takes in a prompt, with its markers."""
        return await self._engine.measure(turn)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Use it with `aclosing`: closing cancels. Raises as Engine.stream does."""
        request = request if request.id else replace(request, id=current())
        return timed(request, self._engine.stream(request))

    def stats(self) -> EngineStats:
        return self._engine.stats()

    async def close(self) -> None:
        try:
            await self._decoder.close()
        finally:
            await self._engine.close()


class _KeptPictures:
    """Pictures by the hash of the file they came from; the one unused longest goes first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pictures: OrderedDict[bytes, Picture] = OrderedDict()

    def get(self, key: bytes) -> Picture | None:
        picture = self._pictures.get(key)
        if picture is not None:
            self._pictures.move_to_end(key)
        return picture

    def put(self, key: bytes, picture: Picture) -> None:
        if key in self._pictures:
            return
        self._pictures[key] = picture
        self._bytes += len(picture.rgb)
        while self._bytes > self._max_bytes:
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= len(gone.rgb)
