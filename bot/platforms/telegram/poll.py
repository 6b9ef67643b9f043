"""Our own long poll: an update is acknowledged only after it was committed.

Telegram keeps what it sent until a poll asks for a later number. So a program that dies at any
point in here gets the same updates again, and the inbox drops those it has already.
"""

from __future__ import annotations

import logging
from typing import Any

from telegram.error import Conflict, TelegramError

from bot.event import Event
from bot.platforms.base import Accept
from bot.platforms.telegram import wire
from bot.platforms.telegram.client import Client
from bot.platforms.telegram.patience import Uncommitted

log = logging.getLogger(__name__)


class Poll:
    def __init__(self, client: Client, account: wire.Account, accept: Accept) -> None:
        self._client = client
        self._account = account
        self._accept = accept
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
        event = read(update, number, self._account)
        if event is not None:
            await commit(event, number, self._accept)
        self._offset = max(self._offset, number + 1)


def read(update: dict[str, Any], number: int, account: wire.Account) -> Event | None:
    """None: nothing for us, or nothing anyone could read; it must not come again."""
    try:
        event = wire.parse_update(update, account)
    except Exception as error:
        # No traceback: the parser's words may quote the message.
        log.error("telegram: update %s cannot be read: %s", number, type(error).__name__)  # noqa: TRY400
        return None
    if event is None:
        log.info("telegram: update %s is not for us", number)
    return event


async def commit(event: Event, number: int, accept: Accept) -> None:
    try:
        await accept(event)
    except Exception as error:
        # `from None`: a database's words may quote the message.
        raise Uncommitted(number, type(error).__name__) from None
