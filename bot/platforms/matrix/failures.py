"""What a failed call to a homeserver means for us: its answers and errors as PlatformErrors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp
from nio import ErrorResponse, LocalProtocolError, Response
from nio.exceptions import EncryptionError, GroupEncryptionError, OlmTrustError

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
_PATIENCE_S = 5.0  # after a 429 that does not say how long to wait
_NO_TOKEN = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
_NO_ACCOUNT = ("M_USER_DEACTIVATED", "M_USER_LOCKED", "M_USER_SUSPENDED")


def check(response: Response | ErrorResponse) -> None:
    """Raises the PlatformError that a failed call's answer means."""
    transport = response.transport_response
    status = transport.status if transport is not None else 0
    if isinstance(response, ErrorResponse) or status >= HTTPStatus.BAD_REQUEST:
        code = getattr(response, "status_code", None) or ""
        wait_ms = getattr(response, "retry_after_ms", None)
        raise platform_error(status, str(code), getattr(response, "message", ""), wait_ms)


def platform_error(status: int, code: str, message: str, wait_ms: float | None) -> PlatformError:
    said = f"{status} {code} {message}"[:_MOST_CHARACTERS]
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "M_LIMIT_EXCEEDED":
        return TooFast(wait_ms / 1000 if wait_ms else _PATIENCE_S)
    if code in _NO_TOKEN or code in _NO_ACCOUNT:
        return Revoked(said)
    if not code or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unclear(said)  # a proxy's page, or a server in trouble
    if code == "M_FORBIDDEN":
        return Gone(said)
    if "unknown event" in message.lower():
        return LostMessage(said)
    return Refused(said)


@contextmanager
def translated() -> Iterator[None]:
    """NOTE: ClientConnectorError is a ClientConnectionError, so the order matters."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotSent(f"no connection: {type(error).__name__}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unclear(f"the answer was lost: {type(error).__name__}") from None
    except LocalProtocolError as error:
        raise _of_our_own_state(error) from None
    except (EncryptionError, GroupEncryptionError, OlmTrustError) as error:
        raise NotSent(f"not encrypted: {type(error).__name__}") from None


def _of_our_own_state(error: LocalProtocolError) -> PlatformError:
    said = str(error)[:_MOST_CHARACTERS]
    return Gone(said) if "No such room" in said else NotSent(said)
