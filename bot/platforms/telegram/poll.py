"""Our own long poll: an update is acknowledged only after it was committed.

Telegram keeps what it sent until a poll asks for a later number. So a program that dies at any
point in here gets the same updates again, and the inbox drops those it has already.
"""

from __future__ import annotations

import logging
from typing import Any

from telegram.error import Conflict, TelegramError

from bot.platforms.telegram.client import Client
from bot.platforms.telegram.receiver import Receiver

log = logging.getLogger(__name__)


class Poll:
    def __init__(self, client: Client, receiver: Receiver) -> None:
        self._client = client
        self._receiver = receiver
        self._offset = 0  # 0: everything Telegram still keeps, the oldest first

    async def once(self) -> None:
        """Ask, commit what comes, move on; stops at the first update that cannot be committed."""
        updates = await self._ask()
        before = self._offset
        for update in updates:
            await self._take(update)
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

    async def _take(self, update: Any) -> None:  # Any: JSON, perhaps malformed
        number = update.get("update_id") if isinstance(update, dict) else None
        if not isinstance(number, int):
            log.error("telegram: an update without a number is skipped")
            return
        await self._receiver.take(update, number)
        self._offset = max(self._offset, number + 1)
