"""An engine elsewhere: any server that speaks OpenAI's API, such as vLLM, SGLang or Ray Serve.

A question is sent again only until its first token has come. After that a broken answer ends with
EngineDown, and who asked decides whether to ask anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from inference.engine.base import EngineStats
from inference.engine.rate import Rate
from inference.engine.server.answer import RemoteAnswer
from inference.engine.server.body import render_request
from inference.engine.server.client import Client, Timings
from inference.engine.server.estimate import estimate
from inference.engine.server.faults import Dying, Passing, Unreachable
from inference.engine.server.watch import Watch
from inference.errors import EngineDown
from inference.request import ChatRequest, Delta, Tools, Turn, Usage

log = logging.getLogger(__name__)

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    base_url: str  # up to and with /v1
    model: str = ""  # as the server calls it; empty: the only one that it offers
    api_key: str = field(default="", repr=False)
    max_sequences: int = 8
    max_context_tokens: int = 8192
    share_prefixes: Literal["tenant", "person"] = "tenant"
    start_timeout_s: float = 600.0
    timings: Timings = field(default_factory=Timings)


class RemoteEngine:
    def __init__(self, settings: RemoteSettings) -> None:
        self._settings, self._timings = settings, settings.timings
        self._client = Client(
            settings.base_url,
            settings.api_key,
            settings.timings,
            most_questions=settings.max_sequences,
        )
        self._watch = Watch(self._client, settings.model, settings.timings)
        self._seats = asyncio.Semaphore(settings.max_sequences)
        self._secret = secrets.token_bytes(_SALT_BYTES)
        self._rate = Rate()
        self._running = self._waiting = 0
        self._used = Usage(0, 0)

    async def start(self) -> None:
        """Waits until the server is reachable. Raises ModelUnusable also when it stays away."""
        self._client.open()
        await self._watch.start(self._settings.start_timeout_s)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        if self._watch.state in ("starting", "down"):
            raise EngineDown("the engine is not running")
        shaped = request.format is not None or request.tools != Tools()
        last = Delta()
        async with self._seat():  # first: bodies are large, and of those who wait there are many
            body = await asyncio.to_thread(self._render, request)
            async with aclosing(self._answer(body, shaped=shaped)) as deltas:
                async for delta in deltas:
                    if delta.finish is None:
                        yield delta
                    last = delta
        yield last  # when its seat is free: a guard may need one to look at the whole answer

    async def measure(self, turn: Turn) -> int:
        """An estimate: servers agree on no call that counts a prompt's tokens, pictures included.
        It is on the high side, so a window made by it fits, and is smaller than it might be."""
        return estimate(turn)

    async def forget(self) -> None:
        """No such call is common to servers. What carries our salt is not found again under a new
        one; what carries none stays until the server drops it."""
        self._secret = secrets.token_bytes(_SALT_BYTES)

    def stats(self) -> EngineStats:
        """What can be seen from here; pages and steps are the server's own."""
        return EngineStats(
            model=self._watch.offer.id,
            context_tokens=self._context_tokens,
            running=self._running,
            waiting=self._waiting,
            prompt_tokens=self._used.prompt_tokens,
            cached_tokens=self._used.cached_tokens,
            completion_tokens=self._used.completion_tokens,
            tokens_per_s=self._rate.per_s(),
            restarts=self._watch.restarts,
            state=self._watch.state,
        )

    async def close(self) -> None:
        """Answers under way end with EngineDown."""
        try:
            await self._watch.close()
        finally:
            await self._client.close()

    @property
    def _context_tokens(self) -> int:
        most = self._settings.max_context_tokens
        return min(most, self._watch.offer.context_tokens or most)

    def _render(self, request: ChatRequest) -> bytes:
        """Takes long when there are pictures. Raises BadFormat."""
        # Servers refuse an answer that might not fit, where the local engine cuts it. The prompt is
        # only estimated, on the high side, so a quarter of the context is the answer's in any case.
        context = self._context_tokens
        room = context - sum(estimate(turn) for turn in request.turns)
        pieces = render_request(
            request,
            model=self._watch.offer.id,
            max_tokens=min(request.sampling.max_tokens, max(room, context // 4)),
            salt=self._salt(request),
        )
        return b"".join(pieces)

    def _salt(self, request: ChatRequest) -> str:
        """Nobody there can tell from it whose question it is. Empty: anybody may share."""
        of_person = self._settings.share_prefixes == "person"
        whose = f"{request.tenant}\0{request.person}" if of_person else request.tenant
        if not whose:
            return ""
        return hashlib.blake2b(whose.encode(), key=self._secret, digest_size=16).hexdigest()

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._seats.acquire()
        finally:
            self._waiting -= 1
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._seats.release()

    async def _answer(self, body: bytes, *, shaped: bool) -> AsyncGenerator[Delta, None]:
        begins_until = asyncio.get_running_loop().time() + self._timings.first_token_s
        for pause_s in self._pauses():
            answer = RemoteAnswer(begins_until, self._timings)
            try:
                async with self._client.asked(body, begins_until, shaped=shaped) as reading:
                    while (delta := await answer.next(reading)) is not None:
                        self._watch.find()
                        self._rate.count()  # a token, mostly
                        yield delta
                yield self._account(answer.end())
            except (Passing, EngineDown) as error:
                await self._bear(error, answer, pause_s, begins_until)
            else:
                return

    def _pauses(self) -> Iterator[float | None]:
        """After each try; None after the last."""
        pause_s = self._timings.first_pause_s
        for _ in range(self._timings.tries - 1):
            yield pause_s
            pause_s = min(2 * pause_s, self._timings.longest_pause_s)
        yield None

    async def _bear(
        self, error: Passing | EngineDown, answer: RemoteAnswer, pause_s: float | None, until: float
    ) -> None:
        """Returns when the question may be sent again. Raises EngineDown when it shall not."""
        if isinstance(error, Unreachable | Dying):  # not for one answer that was given up
            self._watch.lose(error)
        wished_s = getattr(error, "after_s", None) or 0.0
        now = asyncio.get_running_loop().time()
        if (
            answer.begun
            or pause_s is None
            or self._watch.state == "down"
            or wished_s > self._timings.longest_pause_s
            or now + max(pause_s, wished_s) > until
        ):
            raise EngineDown(str(error)) from error
        log.info("the question is sent again: %s", error)
        await asyncio.sleep(max(pause_s, wished_s))

    def _account(self, last: Delta) -> Delta:
        if (usage := last.usage) is not None:
            used = self._used
            self._used = Usage(
                used.prompt_tokens + usage.prompt_tokens,
                used.completion_tokens + usage.completion_tokens,
                used.cached_tokens + usage.cached_tokens,
            )
        return last
