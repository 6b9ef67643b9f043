"""The one door to inference: photos made ready, turns measured, questions answered."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Literal, Protocol

from inference.earlier.answers import Answers
from inference.engine.base import Engine, EngineStats
from inference.engine.server.estimate import estimate
from inference.engine.times import timed
from inference.errors import BadPicture
from inference.fallback import Fallback, Instead, Step
from inference.images.keeping import Covering, render_covered
from inference.images.reading import TextReader
from inference.request import ChatRequest, Delta, Picture, Turn
from inference.safety.guards.guard import Guards
from inference.safety.safety import Safety
from inference.trace import current

log = logging.getLogger("inference.images")  # where what it tells of belongs

_COVERED = 256  # photos of which it is known that nothing is left to be covered
_KEPT_BYTES = 192 << 20  # about eighty photos made ready: those of the talks of the moment

# What became of a photo, and how long that took; "kept": it was seen lately, and not decoded again.
Prepared = Callable[[Literal["decoded", "kept", "refused"], float], None]


class PhotoDecoder(Protocol):
    async def decode(self, photo: bytes) -> Picture:
        """Raises BadPicture."""

    async def bare(self, photo: bytes) -> bytes:
        """The file with nothing in it but what draws the picture; the same bytes every time, also
        of its own result. Raises BadPicture, but not for what `decode` alone would refuse."""

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
        safety: Safety | None = None,
        answers: Answers | None = None,
        fallback: Fallback | None = None,
        covering: Covering | None = None,
        guards: Guards | None = None,
        reader: TextReader | None = None,
    ) -> None:
        """`prepared` is told of every photo. `guards` start and end with the engine; the reader
        ends with it."""
        self.safety = safety or Safety()
        self._answers = answers or Answers()
        self._fallback = fallback
        self._engine = engine
        self._decoder = decoder
        self._covering = covering
        self._guards = guards or Guards()
        self._reader = reader
        self._kept = _KeptPictures(kept_bytes)
        self._covered: deque[str] = deque(maxlen=_COVERED)  # by Picture.source
        self._prepared = prepared or (lambda how, took_s: None)

    async def start(self) -> None:
        """Raises ModelUnusable. The decoder starts with the first photo."""
        await self._guards.start()
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
            picture = replace(await self._decoder.decode(photo), source=key.hex())
        except BadPicture:
            self._prepared("refused", time.monotonic() - began)
            raise
        self._prepared("decoded", time.monotonic() - began)
        self._kept.put(key, picture)
        return picture

    async def stored(self, photo: bytes) -> bytes:
        """What is to be kept of a photo and shown to others: without metadata, and covered where
        that is wanted. What is stored decodes to the same picture, and is stored as it is. Raises
        BadPicture, EngineDown."""
        began = time.monotonic()
        try:
            bare = await self._decoder.bare(photo)
        except BadPicture:
            self._prepared("refused", time.monotonic() - began)
            raise
        if self._covering is None:
            return bare
        picture = await self.prepare(bare)
        if picture.source in self._covered:  # else a page's photo is read twice
            return bare
        boxes = await self._covering.find(picture)
        if not boxes:
            return bare
        covered = await asyncio.to_thread(render_covered, picture, boxes)
        self._covered.append((await self.prepare(covered)).source)
        return covered

    async def measure(self, turn: Turn) -> int:
        """How many tokens this turn takes in a prompt, with its markers; while no engine can tell,
        an estimate on the high side, so that what is kept can be found all the same."""
        if not self._engine.stats().up:
            return estimate(turn)
        return await self._engine.measure(turn)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Use it with `aclosing`: closing cancels. Raises Blocked, SeenSimilar, and as
        Engine.stream does."""
        request = request if request.id else replace(request, id=current())
        return timed(request, self._answer(request))

    async def instead(self, request: ChatRequest, possible: Collection[Step]) -> Instead | None:
        """What can be given without the engine, as far as these steps are possible; None: nothing.
        Raises Blocked."""
        if self._fallback is None:
            return None
        request = await self.safety.admit(await self._answers.named(request))
        return await self._fallback.instead(
            request, possible, earlier=self._earlier, cleared=self._cleared
        )

    async def forget(self) -> None:
        """Pictures made ready, and what the engine keeps of prompts, are dropped: everybody's, for
        nothing there says whose it is. It only costs time to make them again."""
        self._kept.clear()
        self._covered.clear()
        self._guards.forget()
        if self._reader is not None:
            self._reader.forget()
        await self._engine.forget()

    def stats(self) -> EngineStats:
        return self._engine.stats()

    async def close(self) -> None:
        """All of it, whatever one of them raises."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._engine.close)
            if self._reader is not None:
                stack.push_async_callback(self._reader.close)
            stack.push_async_callback(self._guards.close)
            stack.push_async_callback(self.safety.close)
            stack.push_async_callback(self._decoder.close)

    async def _answer(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Checked before, looked up, checked while it is written, kept."""
        request = await self.safety.admit(await self._answers.named(request))
        earlier = await self._answers.find(request)
        if earlier is None and self._engine.stats().state in ("starting", "down"):
            earlier = await self._answers.stale(request)  # better than nothing
        if earlier is not None:
            answer = self.safety.watched(request, earlier)
        else:
            written = self.safety.watched(request, self._engine.stream(self.safety.marked(request)))
            answer = self._answers.keeping(request, written)
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                yield delta

    async def _earlier(self, request: ChatRequest) -> AsyncGenerator[Delta, None] | None:
        kept = await self._answers.stale(request)
        return None if kept is None else self.safety.watched(request, kept)

    async def _cleared(self, request: ChatRequest, text: str) -> str | None:
        """The text as an answer to this might be shown; None: it may not be."""
        said = Delta(self.safety.masked(text), finish="stop")
        watched = self.safety.watched(request, _only(said))
        async with aclosing(watched) as deltas:
            shown = [delta async for delta in deltas]
        if any(delta.finish == "blocked" for delta in shown):
            return None
        return "".join(delta.text for delta in shown)


async def _only(delta: Delta) -> AsyncGenerator[Delta, None]:
    yield delta


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

    def clear(self) -> None:
        self._pictures.clear()
        self._bytes = 0

    def put(self, key: bytes, picture: Picture) -> None:
        if key in self._pictures:
            return
        self._pictures[key] = picture
        self._bytes += len(picture.rgb)
        while self._bytes > self._max_bytes:
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= len(gone.rgb)
