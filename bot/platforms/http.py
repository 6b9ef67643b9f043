"""Files of other people's servers, fetched with a cap on bytes and time.

A file's address may carry a token, so no error here names it.
"""

from __future__ import annotations

from http import HTTPStatus

import aiohttp

from bot.platforms.base import NotSent, PlatformError, Refused, Revoked, TooFast, Unclear

_CHUNK_BYTES = 64 * 1024
_PATIENCE_S = 5.0  # after a 429 that does not say how long to wait


async def download(url: str, *, max_bytes: int, times: aiohttp.ClientTimeout) -> bytes:
    """Raises Refused as soon as there is more than `max_bytes`; follows no redirect."""
    try:
        async with (
            # A session of its own: nothing to close at the end of the program, and a photo
            # is rare enough that a fresh connection does not matter.
            aiohttp.ClientSession(timeout=times, trust_env=True) as session,
            session.get(
                url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise _refusal(response)
            return await _read(response, max_bytes)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotSent(f"no connection for the file: {type(error).__name__}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unclear(f"the file did not arrive whole: {type(error).__name__}") from None


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if (response.content_length or 0) > max_bytes:
        raise _too_large(response.content_length or 0, max_bytes)
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            raise _too_large(len(data), max_bytes)
    return bytes(data)


def _too_large(size: int, max_bytes: int) -> Refused:
    return Refused(f"the file has at least {size} bytes, the limit is {max_bytes}")


def _refusal(response: aiohttp.ClientResponse) -> PlatformError:
    status = response.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        after = response.headers.get("Retry-After", "")
        return TooFast(float(after) if after.isdecimal() else _PATIENCE_S)
    if status == HTTPStatus.UNAUTHORIZED:
        return Revoked("the file server does not know our token")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unclear(f"the file server answered {status}")
    return Refused(f"the file server answered {status}")
