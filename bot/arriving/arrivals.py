"""New entries in their order, of each chat only so many at a time: the others wait in the inbox."""

from __future__ import annotations

from collections import Counter

from bot.event import Conversation
from bot.storage.inbox import Entry, Inbox

_MOST_IN_HAND = 4096  # given out and not done
_MOST_OF_A_CHAT = 64  # of these; more than anybody says in the time of one answer
_READ_AT_ONCE = 256


class Arrivals:
    """For one caller, who says `done` of each entry."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._last = 0  # the newest entry that was looked at
        self._in_hand: dict[int, Conversation] = {}  # the chat of each entry, as `_chat_of` says
        self._of_chat: Counter[Conversation] = Counter()
        self._behind: dict[Conversation, int] = {}  # chats with more: the last that was given out

    async def next(self) -> list[Entry]:
        """Waits until there are some."""
        while not (entries := await self._more()):
            await self._inbox.arrived()
        return entries

    def done(self, entry: Entry) -> None:
        """Of those that were never given out it changes nothing."""
        chat = self._in_hand.pop(entry.id, None)
        if chat is None:
            return
        was_full = len(self._in_hand) + 1 >= _MOST_IN_HAND
        self._of_chat[chat] -= 1
        if not self._of_chat[chat]:
            del self._of_chat[chat]
        if was_full or self._may_catch_up(chat):
            self._inbox.ring()

    def holds(self, entry_id: int, chat: Conversation) -> bool:
        """Is it given out, or will it be?"""
        return entry_id in self._in_hand or entry_id > self._last or chat in self._behind

    async def _more(self) -> list[Entry]:
        for chat in [chat for chat in self._behind if self._may_catch_up(chat)]:
            if entries := await self._catch_up(chat):
                return entries
        while len(self._in_hand) < _MOST_IN_HAND:
            entries = await self._inbox.new(_READ_AT_ONCE, after=self._last)
            if not entries:
                break
            self._last = entries[-1].id
            if taken := [entry for entry in entries if self._take(entry)]:
                return taken
        return []

    def _may_catch_up(self, chat: Conversation) -> bool:
        return chat in self._behind and self._of_chat[chat] <= _MOST_OF_A_CHAT // 2

    async def _catch_up(self, chat: Conversation) -> list[Entry]:
        room = _MOST_OF_A_CHAT - self._of_chat[chat]
        after = self._behind[chat]
        entries = await self._inbox.new_in(chat, room, after=after, until=self._last)
        if len(entries) < room:
            del self._behind[chat]
        else:
            self._behind[chat] = entries[-1].id
        for entry in entries:
            self._hold(entry)
        return entries

    def _take(self, entry: Entry) -> bool:
        """False: its chat has enough in hand; it is read again when that is done."""
        chat = _chat_of(entry)
        if chat in self._behind:
            return False
        if self._of_chat[chat] >= _MOST_OF_A_CHAT:
            self._behind[chat] = entry.id - 1
            return False
        self._hold(entry)
        return True

    def _hold(self, entry: Entry) -> None:
        chat = _chat_of(entry)
        self._in_hand[entry.id] = chat
        self._of_chat[chat] += 1


def _chat_of(entry: Entry) -> Conversation:
    """All threads and people of a chat count together."""
    where = entry.event.conversation
    return Conversation(where.platform, where.chat)
