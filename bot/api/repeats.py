"""Idempotency-Key: a request repeated under its key gets the answer that the first one got.

Only answers are kept, for a day: what was refused or broke off is tried anew when it is repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from bot.api.caller import Caller
from bot.api.errors import ApiError
from bot.storage.errors import NotNow
from bot.storage.repeats import KeptAnswers

log = logging.getLogger(__name__)

_HEADER = "Idempotency-Key"
_LONGEST_KEY = 255
_KEY = re.compile(rf"[\x20-\x7e]{{1,{_LONGEST_KEY}}}")
_SOON_S = 1  # when to ask again for what is still being answered
_LARGEST = 2**20  # characters of an answer that is kept
_PURGE_EVERY_S = 600.0


class Repeat:
    """One request under its key. `answer`: what was answered before; None: nothing yet, and who
    answers calls `keep`."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.kept: str | None = None

    def keep(self, answer: str) -> None:
        """Written when the block ends: the caller's own text, from which it can answer again."""
        self.kept = answer


class Repeats:
    def __init__(
        self, kept: KeptAnswers, discreet: Callable[[str], str] = lambda answer: answer
    ) -> None:
        """`discreet`: makes of an answer what may be kept of it, and is given again."""
        self._kept = kept
        self._discreet = discreet
        self._running: dict[tuple[str, str], bytes] = {}  # by person and key: the request's digest

    @asynccontextmanager
    async def once(self, caller: Caller, key: str | None, request: bytes) -> AsyncIterator[Repeat]:
        """`request`: all that makes it what it is, such as path and body. Without a key it is new
        in any case. Raises ApiError: the key is no key, belongs to another request, or to one
        that is still being answered."""
        if key is None:
            yield Repeat(None)
            return
        if not _KEY.fullmatch(key):
            raise ApiError("api_repeat_no_key", param=_HEADER, limit=_LONGEST_KEY)
        name, digest = (caller.person, _digest(key.encode())), hashlib.sha256(request).digest()
        self._refuse_running(self._running.get(name), digest)
        self._running[name] = digest
        try:
            elsewhere = await self._kept.begin(*name, digest.hex())
            self._refuse_running(bytes.fromhex(elsewhere or ""), digest)
            repeat = Repeat(await self._answered(name, digest))
            try:
                yield repeat
            finally:  # who went before it had all of its answer comes again for it
                if repeat.kept is not None and len(repeat.kept) <= _LARGEST:
                    await self._keep(name, digest, repeat.kept)
        finally:
            del self._running[name]
            with suppress(NotNow):  # then it stays ours until we begin it again, or end
                await self._kept.end(*name)

    def under_way(self, person: str) -> set[tuple[str, str]]:
        """Of "api:id" and the users whom that names: what may be kept in a moment."""
        return {
            name for name in self._running if name[0] == person or name[0].startswith(f"{person}:")
        }

    async def run(self) -> None:
        """Forgets what is too old, until cancelled."""
        while True:
            try:
                if count := await self._kept.purge():
                    log.debug("forgot %s answers kept for repeated requests", count)
            except Exception:  # the database may be away for now; they stay for a while
                log.exception("answers for repeated requests could not be forgotten")
            await asyncio.sleep(_PURGE_EVERY_S)

    def _refuse_running(self, running: bytes | None, digest: bytes) -> None:
        if not running:
            return
        if running != digest:
            raise ApiError("api_repeat_other", param=_HEADER)
        raise ApiError("api_repeat_running", retry_after_s=_SOON_S, seconds=_SOON_S)

    async def _keep(self, name: tuple[str, str], digest: bytes, answer: str) -> None:
        discreet = await asyncio.to_thread(self._discreet, answer)
        try:
            await self._kept.put(*name, digest.hex(), discreet)
        except NotNow as error:  # who asked has the answer; asking again costs another one
            log.warning("an answer is not kept for repetitions: %s", error)

    async def _answered(self, name: tuple[str, str], digest: bytes) -> str | None:
        found = await self._kept.find(*name)
        if found is not None and found.request != digest.hex():
            raise ApiError("api_repeat_other", param=_HEADER)
        return found.answer if found else None


def _digest(key: bytes) -> str:
    """Keys are what clients make of them, perhaps with somebody's name in them."""
    return hashlib.sha256(key).hexdigest()
