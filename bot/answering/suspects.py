"""Questions at their last attempt: the program, or the engine, died during all those before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from weakref import WeakSet

from bot.question import Question

_DELIVERED_S = 60.0  # so long one waits for the answers of others to be delivered


class Suspects:
    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts
        self._one = asyncio.Lock()
        self._innocent = WeakSet[Question]()  # those that were written to their end

    def alone(self, question: Question, attempt: int) -> AbstractAsyncContextManager[None]:
        """At its last attempt a question takes no other suspect down with it."""
        last = attempt > 1 and attempt == self._max_attempts
        return self._alone(question) if last else nullcontext()

    @asynccontextmanager
    async def _alone(self, question: Question) -> AsyncIterator[None]:
        """Not before people have what those before it wrote, or it might be lost with them."""
        async with self._one:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DELIVERED_S):
                    for other in list(self._innocent):
                        await other.ended.wait()
            yield
            self._innocent.add(question)
