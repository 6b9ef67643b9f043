"""Entries that are ours to deal with, of each chat only so many at a time: the others wait in the
inbox, where another program may take them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from bot.event import Conversation
from bot.pacing import Sleep
from bot.storage.claims import Chat, Claims
from bot.storage.errors import NotNow
from bot.storage.inbox import Entry, Inbox

log = logging.getLogger(__name__)

_MOST_IN_HAND = 4096  # given out and not done
_MOST_OF_A_CHAT = 64  # of these; more than anybody says in the time of one answer
_READ_AT_ONCE = 256
_LOOK_EVERY_S = 0.3  # for what others accept, and what the dead leave
_AFTER_FAULT_S = 1.0


class Arrivals:
    """For one caller, who says `done` of each entry."""

    def __init__(
        self,
        inbox: Inbox,
        claims: Claims,
        *,
        has_others: Callable[[], bool] = lambda: False,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`has_others`: other programs accept entries too."""
        self._inbox = inbox
        self._claims = claims
        self._has_others = has_others
        self._sleep = sleep
        self._in_hand: dict[int, Chat] = {}  # the chat of each entry
        self._of_chat: Counter[Chat] = Counter()
        self._full: set[Chat] = set()  # until half of what they have in hand is done
        self._taken: Sequence[int] = ()  # ours, but not read yet

    async def next(self) -> list[Entry]:
        """Waits until there are some; those that were `waiting` had their place in the line, and
        perhaps a message, before somebody died."""
        while True:
            try:
                if entries := await self._more():
                    return entries
            except Exception as error:  # the database may be away; nothing is lost by waiting
                for_now = isinstance(error, NotNow)
                log.error("the inbox cannot be read: %s", error, exc_info=not for_now)  # noqa: TRY400
                await self._sleep(_AFTER_FAULT_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S if self._has_others() else None):
                    await self._inbox.arrived()

    def done(self, entry: Entry) -> None:
        """Of those that were never given out it changes nothing."""
        chat = self._in_hand.pop(entry.id, None)
        if chat is None:
            return
        was_full = len(self._in_hand) + 1 >= _MOST_IN_HAND
        self._of_chat[chat] -= 1
        if self._of_chat[chat] <= _MOST_OF_A_CHAT // 2 and chat in self._full:
            self._full.remove(chat)
            was_full = True
        if not self._of_chat[chat]:
            del self._of_chat[chat]
        if was_full:
            self._inbox.ring()

    def holds(self, entry_id: int) -> bool:
        """Is it given out, or about to be?"""
        return entry_id in self._in_hand or entry_id in self._taken

    async def _more(self) -> list[Entry]:
        while (most := min(_READ_AT_ONCE, _MOST_IN_HAND - len(self._in_hand))) > 0:
            self._taken = self._taken or await self._claims.take(
                self._room(), usual=_MOST_OF_A_CHAT, most=most
            )
            if not self._taken:
                break
            entries = await self._inbox.these(self._taken)
            self._taken = ()
            for entry in entries:
                self._hold(entry)
            if entries:
                return entries
        return []

    def _room(self) -> dict[Chat, int]:
        room = {chat: _MOST_OF_A_CHAT - number for chat, number in self._of_chat.items()}
        return room | dict.fromkeys(self._full, 0)

    def _hold(self, entry: Entry) -> None:
        """All threads and people of a chat count together."""
        where: Conversation = entry.event.conversation
        chat = where.platform, where.chat
        self._in_hand[entry.id] = chat
        self._of_chat[chat] += 1
        if self._of_chat[chat] >= _MOST_OF_A_CHAT:
            self._full.add(chat)
