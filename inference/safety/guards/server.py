"""A server of somebody's that is asked by HTTP with JSON; every fault of it is a GuardFailed."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.request
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from inference.safety.guards.guard import GuardFailed

_MOST_BYTES = 1 << 20  # of an answer
_CONNECTIONS = 8


class Server:
    """Connects when first asked; `close` breaks off what is under way."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Any: JSON, whatever it is. Its caller limits the time. Raises GuardFailed."""
        data = io.BytesIO(await asyncio.to_thread(_render, body))  # in pieces: it may be large
        url = f"{self._base_url}{path}"
        try:
            async with self._opened().post(url, data=data, allow_redirects=False) as response:
                if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                    raise GuardFailed("key")
                if response.status != HTTPStatus.OK:
                    raise GuardFailed("refused")
                return json.loads(await _read(response))
        except TimeoutError:  # aiohttp's own too
            raise GuardFailed("timeout") from None
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            raise GuardFailed("answer") from error
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise GuardFailed("unreachable") from error
        except (ValueError, RecursionError) as error:
            raise GuardFailed("answer") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                # not trust_env: it also reads ~/.netrc, whose passwords are none of this server's
                proxy=_proxy(self._base_url),
            )
        return self._session


def _render(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _proxy(base_url: str) -> str | None:
    """As http_proxy, https_proxy and no_proxy name it."""
    url = URL(base_url)
    if not url.host or urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Raises GuardFailed when it is longer than any honest answer."""
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MOST_BYTES:
            raise GuardFailed("answer")
    return body
