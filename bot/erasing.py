"""Forgets people, one after the other: ends their work, deletes what is kept, drops the caches.

Whoever was ordered to be forgotten stands in the database until nothing is left, so that a crash
in the middle is made good at the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from typing import Protocol

from bot import texts
from bot.delivery import Undelivered
from bot.intake import Deliveries
from bot.pacing import Sleep
from bot.platforms.base import Gone, Post, Refused, Remembering
from bot.storage.erasing.erasure import Eraser
from bot.storage.erasing.erasures import Erasure, Erasures

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 2.0  # another program may have ordered it
_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_AFTER_FAULT_S = 10.0
_CACHES_S = 60.0  # a step of the engine may take so long


class Work(Protocol):
    """What is being done for people."""

    async def stop(self, who: Erasure) -> None:
        """Ends what waits and runs of theirs, as far as it came before the order."""

    def in_hand(self, who: Erasure, chats: Sequence[str]) -> set[Hashable]:
        """What is still being done of that, or being said to them in these chats."""

    def calls(self, who: Erasure) -> set[Hashable]:
        """Of the API, that are being answered to them."""


class Erasing:
    def __init__(
        self,
        erasures: Erasures,
        eraser: Eraser,
        work: Work,
        deliveries: Deliveries,
        forget_caches: Callable[[], Awaitable[None]],
        *,
        leads: Callable[[], bool] = lambda: True,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`leads`: of several programs that share the database one does."""
        self._erasures = erasures
        self._eraser = eraser
        self._work = work
        self._deliveries = deliveries
        self._forget_caches = forget_caches
        self._leads = leads
        self._sleep = sleep
        self._is_tidy = False  # an earlier run may have left something

    async def run(self) -> None:
        """Until cancelled. First those whom an earlier run did not come to the end of."""
        async with asyncio.TaskGroup() as group:
            under_way = set[tuple[str, str]]()
            while True:
                try:
                    for who in await self._erasures.pending():
                        if (who.platform, who.person) not in under_way:
                            under_way.add((who.platform, who.person))
                            group.create_task(self._see_to(who, under_way))
                    if not (self._is_tidy or under_way):
                        self._is_tidy = await self._eraser.tidy()
                except Exception:  # the database may be full or locked; it is tried again
                    log.exception("people who are to be forgotten must wait")
                    await self._sleep(_AFTER_FAULT_S)
                await self._erasures.ordered(_LOOK_EVERY_S)

    async def let_go(self) -> None:
        """Until cancelled: end what this program does for them, while another one forgets them."""
        done = set[Erasure]()
        while True:
            await self._sleep(_LOOK_EVERY_S)
            if self._leads():
                continue
            try:
                pending = await self._erasures.pending()
                done.intersection_update(pending)
                for who in [one for one in pending if one not in done]:
                    await self._let_go(who)
                    done.add(who)
            except Exception:  # the database may be away; it is tried again
                log.exception("people who are to be forgotten must wait")

    async def _let_go(self, who: Erasure) -> None:
        scope = await self._eraser.scope(who)
        await self._eraser.close(scope)
        held = self._work.in_hand(who, scope.private) | self._work.calls(who)
        await self._until_let_go(who, scope.private, held)
        await self._eraser.forget_answers(who)
        await self._drop_caches(who)
        await self._erasures.let_go(who)

    async def _see_to(self, who: Erasure, under_way: set[tuple[str, str]]) -> None:
        try:
            await self._forget(who)
        except Exception:  # one may fail, the others go on; it is tried again
            log.exception("somebody could not be forgotten yet")
            await self._sleep(_AFTER_FAULT_S)
        finally:
            under_way.discard((who.platform, who.person))

    async def _forget(self, who: Erasure) -> None:
        scope = await self._eraser.scope(who)
        await self._eraser.close(scope)  # from now on nothing more of it is begun, or answered
        calls = self._work.calls(who)
        while True:
            held = self._work.in_hand(who, scope.private) | calls
            others = await self._erasures.others_at_it(who)
            await self._work.stop(who)
            await self._eraser.erase(who, scope)
            held |= self._work.in_hand(who, scope.private)
            if not (held or others):
                break
            await self._until_let_go(who, scope.private, held)
            while await self._erasures.others_at_it(who):
                await self._sleep(_PAUSE_S)
            calls = set()  # those that have come since are new
        await self._drop_caches(who)
        await self._eraser.tidy()
        await self._tell(who)
        await self._erasures.end(who)
        self._is_tidy = await self._eraser.tidy()  # the order named them too
        log.info("somebody was forgotten")

    async def _until_let_go(self, who: Erasure, chats: Sequence[str], held: set[Hashable]) -> None:
        pause_s = _PAUSE_S
        while held := held & (self._work.in_hand(who, chats) | self._work.calls(who)):
            await self._work.stop(who)  # what was being prepared may have come into the line
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _drop_caches(self, who: Erasure) -> None:
        """An engine that does not answer is restarted, and begins with nothing."""
        delivery = self._deliveries.get(who.platform)
        if delivery is not None and isinstance(delivery.platform, Remembering):
            delivery.platform.forget(who.person)
        try:
            async with asyncio.timeout(_CACHES_S):
                await self._forget_caches()
        except TimeoutError:
            log.warning("the engine did not say that it dropped what it keeps")

    async def _tell(self, who: Erasure) -> None:
        """Not where the words would be kept by us again."""
        to = who.tell
        if to is None or to.platform not in self._deliveries:
            return
        delivery = self._deliveries[to.platform]
        if not delivery.limits(to).kept_by_us:
            said = Post(texts.say("forgotten", who.language))
            with suppress(Gone, Refused, Undelivered):
                await delivery.say(to, said, reply_to=None, key=f"forgotten-{who.at:.6f}")
