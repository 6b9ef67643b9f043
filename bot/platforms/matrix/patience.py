"""When to ask the homeserver again, and what the operator is told about it."""

from __future__ import annotations

import logging
from typing import Literal

from bot.platforms.base import PlatformError, Revoked, TooFast
from bot.platforms.matrix.client import Timings
from bot.platforms.patience import Patience, Pauses, Uncommitted

log = logging.getLogger(__name__)


def patience(timings: Timings) -> Patience:
    def asked_s(error: Exception) -> float | None:
        match error:
            case TooFast():
                return error.retry_after_s
            case Revoked():
                return timings.revoked_pause_s
        return None

    return Patience(Pauses(timings.first_pause_s, timings.most_pause_s, asked_s), _tell, _verdict)


def _verdict(error: Exception) -> Literal["revoked"] | None:
    return "revoked" if isinstance(error, Revoked) else None


def _tell(what: str, error: Exception, pause_s: float) -> None:
    match error:
        case Revoked():
            log.error(
                "matrix: %s; nothing is received or sent. Set VISIONBOT_MATRIX__PASSWORD to the"
                " account's password and restart. Next try in %.0f s",
                error,
                pause_s,
            )
        case PlatformError():
            log.warning("matrix: %s failed: %s. Next try in %.1f s", what, error, pause_s)
        case Uncommitted():
            log.error("matrix: %s. Next try in %.1f s", error, pause_s)
        case _:
            # No traceback: words of the library or the database may quote the message.
            log.error(
                "matrix: %s failed: %s. Next try in %.1f s", what, type(error).__name__, pause_s
            )
