"""One update: read, committed, and its button released. Shared by the poll and the webhook."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from telegram import Bot
from telegram.error import TelegramError

from bot.event import Event
from bot.platforms.base import Accept
from bot.platforms.patience import Uncommitted
from bot.platforms.telegram import wire
from bot.platforms.telegram.failures import platform_error
from bot.platforms.telegram.words import Account

log = logging.getLogger(__name__)

_MOST_PRESSED = 1000  # buttons that wait to be released; beyond that they release themselves
_RELEASE_S = 10.0


class Receiver:
    def __init__(self, bot: Bot, account: Account, accept: Accept) -> None:
        self._bot = bot
        self._account = account
        self._accept = accept
        self._pressed: asyncio.Queue[str] = asyncio.Queue(_MOST_PRESSED)

    async def take(self, update: dict[str, Any], number: int) -> None:
        """Raises Uncommitted, and then Telegram must not be told that we have it."""
        await self.keep(update, number, self.read(update, number))

    async def keep(self, update: dict[str, Any], number: int, event: Event | None) -> None:
        """`take` of what was read already."""
        if event is not None:
            await self._commit(event, number)
        query = wire.parse_query(update)
        if query is not None and not self._pressed.full():
            self._pressed.put_nowait(query)

    async def release(self) -> None:
        """Until cancelled: ends the wait that an app shows on a button, after its press is kept.

        What fails here does no harm: the app gives up by itself.
        """
        while True:
            query = await self._pressed.get()
            try:
                async with asyncio.timeout(_RELEASE_S):
                    await self._bot.answer_callback_query(query)
            except TelegramError as error:
                log.info("telegram: a button was not released: %s", platform_error(error))
            except Exception as error:  # one button must not keep the others pressed
                log.info("telegram: a button was not released: %s", type(error).__name__)

    def read(self, update: dict[str, Any], number: int) -> Event | None:
        """None: nothing for us, or nothing anyone could read; it must not come again."""
        try:
            event = wire.parse_update(update, self._account)
        except Exception as error:
            # No traceback: the parser's words may quote the message.
            log.error("telegram: update %s cannot be read: %s", number, type(error).__name__)  # noqa: TRY400
            return None
        if event is None:
            log.info("telegram: update %s is not for us", number)
        return event

    async def _commit(self, event: Event, number: int) -> None:
        try:
            await self._accept(event)
        except Exception as error:
            # `from None`: a database's words may quote the message.
            raise Uncommitted(f"update {number}", type(error).__name__) from None
