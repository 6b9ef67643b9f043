"""Reads the short JSON bodies of the page's calls, with a limit."""

from __future__ import annotations

import asyncio

from aiohttp import ClientPayloadError, web

from bot.platforms.web.errors import PageError

_MOST_BYTES = 4096
_TIMEOUT_S = 10.0


async def read_json(request: web.Request) -> bytes:
    """Not parsed yet. Raises PageError."""
    if request.content_type != "application/json":
        raise PageError("malformed")
    body = bytearray()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            async for piece in request.content.iter_chunked(_MOST_BYTES):
                body += piece
                if len(body) > _MOST_BYTES:
                    raise PageError("malformed")
    except TimeoutError as error:
        raise PageError("too_slow", limit=_TIMEOUT_S) from error
    except (web.RequestPayloadError, ClientPayloadError) as error:
        raise PageError("malformed") from error
    return bytes(body)
