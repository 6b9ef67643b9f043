"""What changed on the page lately, so that every open window of a chat can follow.

There is no queue for a reader: it names the revision it has seen and gets the newest state of what
changed since. Who reads slowly skips what was in between; who missed too much takes a snapshot.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.platforms.web.errors import PageError
from bot.platforms.web.wire import Message

_MESSAGES = 64  # remembered for a chat
_CHATS = 1000
_READERS_OF_CHAT = 8
_READERS = 500


@dataclass(slots=True)
class _Chat:
    horizon: int  # changes up to here may have been forgotten
    changed: OrderedDict[int, tuple[int, Message]] = field(default_factory=OrderedDict)
    readers: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    def __init__(self, first_revision: int) -> None:
        """`first_revision` must be beyond all that an earlier run of the program gave out."""
        self.revision = first_revision
        self.is_open = True
        self._chats: OrderedDict[str, _Chat] = OrderedDict()
        self._readers = 0

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        """Every reader wakes up and sees that it is over."""
        self.is_open = False
        for chat in self._chats.values():
            _ring(chat)

    def publish(self, name: str, message: Message) -> None:
        chat = self._chat(name)
        self.revision += 1
        chat.changed[message.id] = (self.revision, message)
        chat.changed.move_to_end(message.id)
        while len(chat.changed) > _MESSAGES:
            _, (chat.horizon, _) = chat.changed.popitem(last=False)
        _ring(chat)

    def forget(self, name: str, message_ids: Iterable[int]) -> None:
        """They are gone: every reader takes a snapshot."""
        chat = self._chat(name)
        for message_id in message_ids:
            chat.changed.pop(message_id, None)
        self.revision += 1
        chat.horizon = self.revision
        _ring(chat)

    def drop(self, name: str) -> None:
        """All of a chat."""
        self.forget(name, list(self._chat(name).changed))

    def newest(self, name: str, message_id: int) -> Message | None:
        known = self._chat(name).changed.get(message_id)
        return known[1] if known else None

    def overlay(self, name: str, stored: Iterable[Message]) -> list[Message]:
        """What is stored, with what we know better: previews are never written to disk."""
        return [self.newest(name, message.id) or message for message in stored]

    def changes(self, name: str, after: int) -> list[tuple[int, Message]] | None:
        """Newest states with their revisions, oldest change first; None: take a snapshot."""
        chat = self._chat(name)
        if not chat.horizon <= after <= self.revision:
            return None
        return [change for change in chat.changed.values() if change[0] > after]

    async def wait(self, name: str, after: int, timeout_s: float) -> None:
        """Until something changed after that revision, at most `timeout_s`."""
        chat = self._chat(name)
        if not self.is_open or self.changes(name, after) != []:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await chat.wake.wait()
        except TimeoutError:
            return

    @contextmanager
    def reader(self, name: str) -> Iterator[None]:
        """One open window; raises PageError when there are too many."""
        chat = self._chat(name)
        if chat.readers >= _READERS_OF_CHAT or self._readers >= _READERS:
            raise PageError("crowded")
        chat.readers += 1
        self._readers += 1
        try:
            yield
        finally:
            chat.readers -= 1
            self._readers -= 1

    def _chat(self, name: str) -> _Chat:
        chat = self._chats.get(name)
        if chat is None:
            self._forget_one()
            chat = self._chats[name] = _Chat(horizon=self.revision)
        self._chats.move_to_end(name)
        return chat

    def _forget_one(self) -> None:
        if len(self._chats) >= _CHATS:
            idle = next((name for name, chat in self._chats.items() if not chat.readers), None)
            if idle is not None:
                del self._chats[idle]


def _ring(chat: _Chat) -> None:
    chat.wake.set()
    chat.wake = asyncio.Event()
