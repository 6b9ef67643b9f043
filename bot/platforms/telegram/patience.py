"""When to ask Telegram again to let us receive, and what the operator is told about it."""

from __future__ import annotations

import logging
import random
from typing import Literal

from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError

from bot.platforms.patience import Patience, Pauses, Uncommitted
from bot.platforms.telegram.client import Timings
from bot.platforms.telegram.failures import Flooded, platform_error

log = logging.getLogger(__name__)


def patience(timings: Timings) -> Patience:
    def asked_s(error: Exception) -> float | None:
        match error:
            case Flooded():
                return error.retry_after_s
            case InvalidToken():
                return timings.revoked_pause_s
            case Conflict():
                return timings.conflict_pause_s * random.uniform(1.0, 1.5)  # nosec B311  (no secret)
        return None

    return Patience(Pauses(timings.first_pause_s, timings.most_pause_s, asked_s), _tell, _verdict)


def _verdict(error: Exception) -> Literal["revoked", "conflict"] | None:
    match error:
        case InvalidToken():
            return "revoked"
        case Conflict():
            return "conflict"
    return None


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
