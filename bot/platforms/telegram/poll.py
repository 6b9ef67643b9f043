"""Our own long poll: an update is acknowledged only after it was committed.

Telegram keeps what it sent until a poll asks for a later number. So a program that dies at any
point in here gets the same updates again, and the inbox drops those it has already.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram.error import Conflict, TelegramError

from bot.event import Event
from bot.platforms.patience import Uncommitted
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.receiver import Receiver

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Update:
    number: int
    raw: dict[str, Any]
    event: Event | None  # None: nothing for us


@dataclass(frozen=True, slots=True)
class _Failed:
    number: int
    error: Uncommitted


class Poll:
    def __init__(self, client: Client, receiver: Receiver) -> None:
        self._client = client
        self._receiver = receiver
        self._offset = 0  # 0: everything Telegram still keeps, the oldest first

    async def once(self) -> None:
        """Ask, commit what comes, move on as far as all was committed. Chats do not wait for each
        other; within one all is committed in its order."""
        updates = await self._ask()
        before = self._offset
        chats: defaultdict[str, list[_Update]] = defaultdict(list)
        for one in filter(None, map(self._read, updates)):
            chats[one.event.conversation.chat if one.event else ""].append(one)
        failed = await asyncio.gather(*map(self._keep, chats.values()))
        first = min(filter(None, failed), key=lambda one: one.number, default=None)
        numbers = [one.number for chat in chats.values() for one in chat]
        upto = first.number if first else max(numbers, default=-1) + 1
        self._offset = max(self._offset, upto)
        if first is not None:
            raise first.error
        if updates and self._offset == before:
            # Nothing to acknowledge by: without a pause we would ask again at once, for ever.
            raise TelegramError(f"{len(updates)} updates without a new number")

    async def _ask(self) -> list[Any]:  # Any: JSON, perhaps malformed
        try:
            return await self._client.updates(self._offset)
        except Conflict as error:
            # Somebody set a webhook meanwhile; while it stands, no poll is answered.
            if "webhook" in error.message.lower():
                await self._client.bot.delete_webhook(drop_pending_updates=False)
            raise

    def _read(self, update: Any) -> _Update | None:  # Any: JSON, perhaps malformed
        number = update.get("update_id") if isinstance(update, dict) else None
        if not isinstance(number, int):
            log.error("telegram: an update without a number is skipped")
            return None
        return _Update(number, update, self._receiver.read(update, number))

    async def _keep(self, chat: Sequence[_Update]) -> _Failed | None:
        """Up to the first that cannot be committed."""
        for one in chat:
            try:
                await self._receiver.keep(one.raw, one.number, one.event)
            except Uncommitted as error:
                return _Failed(one.number, error)
        return None
