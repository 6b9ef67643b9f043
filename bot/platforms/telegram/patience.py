"""What to do when Telegram does not let us receive: wait, say why, try again, for ever."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError

from bot.platforms.telegram.client import Timings
from bot.platforms.telegram.failures import Flooded, platform_error

log = logging.getLogger(__name__)

T = TypeVar("T")


class Uncommitted(Exception):
    """An event could not be written down; Telegram keeps its update until it could."""

    def __init__(self, update_id: int, reason: str) -> None:
        super().__init__(f"update {update_id} was not committed: {reason}")


class Patience:
    """Repeats one step until it succeeds, with longer pauses after every failure in a row."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._failures = 0

    async def persist(self, what: str, step: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                result = await step()
            except Exception as error:  # keeps the account receiving, whatever went wrong
                self._failures += 1
                pause_s = self._pause_s(error)
                _tell(what, error, pause_s)
                await asyncio.sleep(pause_s)
            else:
                self._failures = 0
                return result

    def _pause_s(self, error: Exception) -> float:
        match error:
            case Flooded():
                return error.retry_after_s
            case InvalidToken():
                return self._timings.revoked_pause_s
            case Conflict():
                return self._timings.conflict_pause_s * random.uniform(1.0, 1.5)
            case _:
                longest = self._timings.first_pause_s * 2.0 ** min(self._failures - 1, 16)
                return min(longest, self._timings.most_pause_s) * random.uniform(0.5, 1.0)


def _tell(what: str, error: Exception, pause_s: float) -> None:
    match error:
        case InvalidToken():
            log.error(
                "telegram: the token is not accepted any more; nothing is received or sent. "
                "Get a valid one from @BotFather, set VISIONBOT_TELEGRAM__TOKEN and restart. "
                "Next try in %.0f s",
                pause_s,
            )
        case Conflict():
            log.error(
                "telegram: another program receives with this token (%s). Stop it: messages reach "
                "only one of the two. Next try in %.0f s",
                error.message,
                pause_s,
            )
        case BadRequest():
            log.error("telegram: %s refused: %s. Next try in %.0f s", what, error.message, pause_s)
        case TelegramError():
            reason = platform_error(error)
            log.warning("telegram: %s failed: %s. Next try in %.1f s", what, reason, pause_s)
        case Uncommitted():
            log.error("telegram: %s. Next try in %.1f s", error, pause_s)
        case _:
            log.exception("telegram: %s failed. Next try in %.1f s", what, pause_s)
