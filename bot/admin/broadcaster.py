"""What goes to every chat: /broadcast, and the end of it told to who ordered it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from bot.access.quota import Misread
from bot.admin.actor import Actor
from bot.admin.orders import BroadcastOrder
from bot.event import Conversation
from bot.pacing import Sleep
from bot.storage.audit import Audit, Outcome
from bot.storage.broadcasts import Broadcast, Broadcasts
from bot.storage.db import Transaction
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from bot.texts import Key, Language, say

log = logging.getLogger(__name__)

LONGEST = 4000  # characters of a broadcast: one message on every platform
_LOOK_EVERY_S = 5.0  # also for what another program on this machine has confirmed


class Broadcaster:
    def __init__(
        self,
        broadcasts: Broadcasts,
        people: People,
        outbox: Outbox,
        audit: Audit,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._broadcasts = broadcasts
        self._people = people
        self._outbox = outbox
        self._audit = audit
        self._sleep = sleep

    async def write(self, actor: Actor, text: str) -> tuple[str, int | None]:
        """What to say, and the number to confirm; None: it has been confirmed or cancelled."""
        if len(text) > LONGEST:
            raise Misread("broadcast_too_long", given=len(text), limit=LONGEST)

        async def change(transaction: Transaction) -> Outcome:
            number = await self._broadcasts.write_with(
                transaction, actor.act.event, actor.act.actor, text, actor.language, actor.report_to
            )
            chats = len(await self._people.reachable_with(transaction))
            return actor.outcome("", "broadcast_written", number=number, chats=chats)

        said = await self._audit.once(actor.act, change)
        written = await self._broadcasts.of_event(actor.act.event)
        return said, written.number if written and written.state == "draft" else None

    async def carry_out(self, actor: Actor, order: BroadcastOrder) -> str:
        """Any step but the first."""
        if order.step == "status" or order.number is None:
            return await self.status(actor, order.number)
        if order.step == "confirm":
            return await self.confirm(actor, order.number)
        return await self.cancel(actor, order.number)

    async def confirm(self, actor: Actor, number: int) -> str:
        """From now on it goes out; a second confirmation changes nothing."""

        async def change(transaction: Transaction) -> Outcome:
            found = await self._broadcasts.get_with(transaction, number)
            if found is None or found.state != "draft":
                return self._no_draft(actor, number, found)
            letters = [_letter(found, to) for to in await self._people.reachable_with(transaction)]
            await self._outbox.put_with(transaction, letters)
            await self._broadcasts.move_with(transaction, number, "sending", chats=len(letters))
            return actor.outcome("", "broadcast_begun", number=number, chats=len(letters))

        said = await self._audit.once(actor.act, change)
        self._outbox.ring()
        return said

    async def cancel(self, actor: Actor, number: int) -> str:
        async def change(transaction: Transaction) -> Outcome:
            found = await self._broadcasts.get_with(transaction, number)
            if found is None or found.state != "draft":
                return self._no_draft(actor, number, found)
            await self._broadcasts.move_with(transaction, number, "cancelled")
            return actor.outcome("", "broadcast_cancelled", number=number)

        return await self._audit.once(actor.act, change)

    async def status(self, actor: Actor, number: int | None) -> str:
        found = await self._broadcasts.find(number)
        if found is None:
            return actor.say("broadcast_none")
        if found.state in ("draft", "cancelled"):
            key: Key = "broadcast_is_draft" if found.state == "draft" else "broadcast_was_cancelled"
            return actor.say(key, number=found.number)
        return await self._progress(found, actor.language)

    async def run(self, platforms: Collection[str]) -> None:
        """Until cancelled: tell who ordered a broadcast when it is done. `platforms`: that are
        on."""
        while True:
            try:
                await self.look(platforms)
            except Exception:  # the database may be away for now; the next look sees the same
                log.exception("the broadcasts were not looked at")
            await self._sleep(_LOOK_EVERY_S)

    async def look(self, platforms: Collection[str]) -> None:
        """At all that are under way, whoever has confirmed them."""
        for one in await self._broadcasts.under_way():
            await self._look(one, platforms)

    async def _look(self, one: Broadcast, platforms: Collection[str]) -> None:
        """Nobody waits for the chats of a platform that is off: the news would be old by then."""
        await self._outbox.leave(one.batch, platforms)
        counts = await self._outbox.progress(one.batch)
        if counts.get("waiting", 0):
            self._outbox.ring()  # another program may have put its letters
            return
        await self._people.lose(await self._broadcasts.unreached(one))
        words = await self._progress(one, one.language)
        notice = Letter(f"{one.batch}/end", one.report_to, words) if one.report_to else None
        await self._broadcasts.finish(one.number, self._outbox, [notice] if notice else [])
        self._outbox.ring()
        log.info("broadcast %s is done: %s", one.number, counts)

    async def _progress(self, one: Broadcast, language: Language) -> str:
        counts = await self._outbox.progress(one.batch)
        said = say(
            "broadcast_progress" if counts.get("waiting") else "broadcast_done",
            language,
            number=one.number,
            chats=one.chats,
            sent=counts.get("sent", 0),
            waiting=counts.get("waiting", 0),
            unclear=counts.get("unclear", 0),
            failed=counts.get("failed", 0),
        )
        left = counts.get("left", 0)
        return f"{said}{say('broadcast_left', language, left=left)}" if left else said

    def _no_draft(self, actor: Actor, number: int, found: Broadcast | None) -> Outcome:
        if found is None:
            return actor.refusal("", "broadcast_unknown", number=number)
        return actor.refusal("", "broadcast_not_draft", number=number)


def _letter(one: Broadcast, to: Conversation) -> Letter:
    key = f"{one.batch}/{to.platform}/{to.chat}"
    return Letter(key, to, one.text, batch=one.batch, patient=True)
