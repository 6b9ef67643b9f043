"""What a failed call to Telegram means for us: its errors as PlatformErrors.

The hard question is whether a message was sent although no answer came. Telegram has no key that
makes sending twice harmless, so only failures before the request left count as not sent.
"""

from __future__ import annotations

import httpx
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    TelegramError,
)

from bot.platforms.base import (
    Gone,
    LostMessage,
    NotSent,
    PlatformError,
    Refused,
    Revoked,
    TooFast,
    Unclear,
)

_MOST_CHARACTERS = 200  # of a description: it goes into our log

# httpx.ProxyError: the proxy refused the tunnel. RuntimeError: the client is closed already.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    RuntimeError,
)
_NOBODY_THERE = (
    "chat not found",
    "peer_id_invalid",
    "user not found",
    "group chat was deactivated",
    "not enough rights",
    "have no rights to send",
    "chat_write_forbidden",
    "chat_restricted",
    "topic_closed",
    "topic_deleted",
    "message thread not found",
)
_MESSAGE_LOST = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
)
_NO_PHOTO = (
    "photo_invalid_dimensions",
    "photo_save_file_invalid",
    "image_process_failed",
    "too big for a photo",
    "request entity too large",
)


class Flooded(TelegramError):
    """Our own reading of a 429: the library's warns about its units with every one."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"asked to wait {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


def platform_error(error: TelegramError) -> PlatformError:
    """NOTE: BadRequest is a NetworkError in this library, so the order of the cases matters."""
    said = error.message[:_MOST_CHARACTERS]
    match error:
        case Flooded():
            return TooFast(error.retry_after_s)
        case Forbidden():
            return Gone(said)
        case InvalidToken() | EndPointNotFound():
            return Revoked(said)
        case Conflict():
            return NotSent(said)
        case BadRequest():
            return _bad_request(said)
        case _ if isinstance(error.__cause__, _BEFORE_SENDING):
            return NotSent(said)
        case _:
            return Unclear(said)


def is_unchanged(error: BaseException) -> bool:
    """An edit that changes nothing is an error to Telegram and a success to us."""
    return isinstance(error, BadRequest) and "message is not modified" in error.message.lower()


def is_about_markup(error: BaseException) -> bool:
    """The same text without its entities may be accepted."""
    return isinstance(error, BadRequest) and "entit" in error.message.lower()


def is_about_photo(error: BaseException) -> bool:
    """The same picture as a file may be accepted: it is too large, or too long and thin."""
    if not isinstance(error, TelegramError) or isinstance(error, Flooded):
        return False
    return any(sign in error.message.lower() for sign in _NO_PHOTO)


def _bad_request(said: str) -> PlatformError:
    lowered = said.lower()
    if any(sign in lowered for sign in _MESSAGE_LOST):
        return LostMessage(said)
    if any(sign in lowered for sign in _NOBODY_THERE):
        return Gone(said)
    return Refused(said)
