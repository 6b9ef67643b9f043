"""Pictures fetched by their address, from public hosts that the operator allows and no others.

Looked at is the address that the socket really connects to, whatever name, redirect or answer of
the name service led there.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from yarl import URL

from bot.api.addresses import Network, parse_address
from bot.api.errors import ApiError, Why
from bot.api.publicness import is_public
from bot.api.resolving import ThreadedNames
from inference.errors import BadPicture

log = logging.getLogger(__name__)

_LONGEST_URL = 2048
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_AT_ONCE = 8  # each may hold a whole file in memory
_TOTAL_S = 10.0
_CHUNK_BYTES = 64 * 1024
_HEAD_BYTES = 12
_LONGEST_SHOWN = 100
_PORTS = frozenset({80, 443})
_WEB_SCHEMES = ("http", "https")


class _NotPublic(OSError):
    """So that a public one of several addresses may still be tried."""


class Fetcher:
    def __init__(
        self,
        hosts: Sequence[str] = (),
        networks: Sequence[Network] = (),
        *,
        max_bytes: int,
        total_s: float = _TOTAL_S,
        at_once: int = _AT_ONCE,
        ports: Collection[int] = _PORTS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """`hosts`: "img.example.org", ".example.org" for it and all below it, "*"; none: nothing is
        fetched. `networks` count as public. `ports` and `resolver` are for tests."""
        self._hosts = hosts
        self._networks = networks
        self._max_bytes = max_bytes
        self._total_s = total_s
        self._ports = ports
        self._resolver = resolver or ThreadedNames()
        self._free = asyncio.Semaphore(at_once)

    async def fetch(self, url: str, *, param: str | None = None) -> bytes:
        """What begins like a JPEG, PNG or WebP. Raises ApiError about the field `param`, and
        BadPicture for what is none or too large."""
        if not self._hosts:
            raise ApiError("api_fetch_off", param=param)
        address = self._checked(url, param)
        host = _shown(address)
        try:
            async with asyncio.timeout(self._total_s), self._free:
                return await self._follow(address, param)
        except TimeoutError:
            why = Why("why_fetch_slow", {"limit": f"{self._total_s:g}"})
            raise _failed(host, why, param) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # one sentence for all of these: what it would tell is who answers within our network
            log.info("a picture was not fetched: %s", type(error).__name__)
            raise _failed(host, Why("why_fetch_no_answer"), param) from None

    async def _follow(self, address: URL, param: str | None) -> bytes:
        """Each address on the way is looked at like the first."""
        connector = aiohttp.TCPConnector(
            socket_factory=self._open,
            resolver=self._resolver,
            use_dns_cache=False,
            force_close=True,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._total_s),
            headers={hdrs.ACCEPT_ENCODING: "identity", hdrs.USER_AGENT: "visionbot"},
            auto_decompress=False,
            trust_env=False,
        ) as session:
            for _ in range(_MOST_REDIRECTS + 1):
                async with session.get(address, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response, param)
                    onwards = response.headers.get(hdrs.LOCATION, "")
                address = self._checked(str(address.join(URL(onwards))), param)
        too_many = Why("why_fetch_redirects", {"limit": _MOST_REDIRECTS})
        raise _failed(_shown(address), too_many, param)

    def _checked(self, url: str, param: str | None) -> URL:
        try:
            address = URL(url)
            port = address.port
        except ValueError:
            raise ApiError("api_fetch_address", param=param, limit=_LONGEST_URL) from None
        is_sound = (
            len(url) <= _LONGEST_URL
            and address.scheme in _WEB_SCHEMES
            and bool(address.host)
            and port in self._ports
            and address.user is None
            and address.password is None
        )
        if not is_sound:
            raise ApiError("api_fetch_address", param=param, limit=_LONGEST_URL)
        if not self._is_allowed((address.raw_host or "").lower().rstrip(".")):
            raise ApiError("api_fetch_host", param=param, host=_shown(address))
        return address

    def _is_allowed(self, host: str) -> bool:
        return any(
            allowed == "*" or host == allowed.removeprefix(".") or _is_below(host, allowed)
            for allowed in self._hosts
        )

    def _open(self, info: Any) -> socket.socket:  # Any: aiohttp's AddrInfoType, of five kinds
        family, kind, protocol, _, where = info
        address = parse_address(str(where[0]))
        if address is None or not is_public(address, self._networks):
            raise _NotPublic(f"{where[0]} is not public")
        if where[1] not in self._ports:
            raise _NotPublic(f"port {where[1]} is not for pictures")
        return socket.socket(family, kind, protocol)

    async def _read(self, response: aiohttp.ClientResponse, param: str | None) -> bytes:
        if response.status != HTTPStatus.OK:
            why = Why("why_fetch_status", {"status": response.status})
            raise _failed(_shown(response.url), why, param)
        self._refuse_large(response.content_length or 0)
        data = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            data += chunk
            self._refuse_large(len(data))
            if len(data) >= _HEAD_BYTES and not _is_picture(data):
                break  # the rest of it is not worth the wait
        if not _is_picture(data):
            raise BadPicture("format" if data else "empty")
        return bytes(data)

    def _refuse_large(self, size: int) -> None:
        if size > self._max_bytes:
            raise BadPicture("too_large", value=size, limit=self._max_bytes)


def _is_below(host: str, allowed: str) -> bool:
    return allowed.startswith(".") and host.endswith(allowed)


def _is_picture(data: bytearray) -> bool:
    """By its first bytes; what a server calls it proves nothing."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return is_webp or data[:3] == b"\xff\xd8\xff" or data[:8] == b"\x89PNG\r\n\x1a\n"


def _failed(host: str, why: Why, param: str | None) -> ApiError:
    return ApiError("api_fetch_failed", param=param, host=host, why=why)


def _shown(address: URL) -> str:
    return (address.host or "")[:_LONGEST_SHOWN]
