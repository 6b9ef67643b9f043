"""python-telegram-bot's Bot as API client, with every timeout in one place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.platforms.telegram.failures import Flooded
from bot.platforms.telegram.wire import ALLOWED_UPDATES
from bot.platforms.telegram.words import Account

_CONNECTIONS = 64  # calls at the same time; more wait for a free one
_MOST_ERROR_BYTES = 4096  # of an error page; descriptions are far shorter


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds everything outside may take, and how long to pause after a failure."""

    connect_s: float = 10.0
    read_s: float = 20.0
    free_connection_s: float = 20.0
    download_s: float = 60.0
    poll_s: int = 30  # how long Telegram holds a poll that has nothing to say
    draft_s: float = 20.0  # a draft that does not change is shown again; it lives for 30 s
    draft_abandoned_s: float = 1800.0  # unless it has not changed for so long
    first_pause_s: float = 1.0  # doubled with every further failure
    most_pause_s: float = 60.0
    conflict_pause_s: float = 10.0  # another program polls with our token
    revoked_pause_s: float = 300.0  # our token is not valid any more


class Client:
    """One account's HTTP side. Usable at once; closed by leaving the `async with`."""

    def __init__(self, token: str, base_url: str, timings: Timings) -> None:
        base = base_url.rstrip("/")
        self._timings = timings
        self._api = f"{base}/bot{token}"
        self._files = f"{base}/file/bot{token}/"
        self._polls = _request(timings, connections=1)
        self._calls = _request(timings, connections=_CONNECTIONS)
        self.bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._calls,
            get_updates_request=self._polls,
        )

    async def __aenter__(self) -> Self:
        await self._polls.initialize()
        await self._calls.initialize()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._polls.shutdown()
        await self._calls.shutdown()

    async def account(self) -> Account:
        me = await self.bot.get_me()
        return Account(me.id, me.username or "")

    async def updates(self, offset: int) -> list[Any]:  # Any: JSON, perhaps malformed
        """Waits up to `poll_s`; whatever is older than `offset` is acknowledged by this.

        Not Bot.get_updates: that one fails for all updates when one of them is malformed, and
        writes them into the log.
        """
        query = urlencode(
            {
                "offset": offset,
                "timeout": self._timings.poll_s,
                "allowed_updates": json.dumps(ALLOWED_UPDATES),
            }
        )
        found = await self._polls.post(
            f"{self._api}/getUpdates?{query}",
            read_timeout=self._timings.poll_s + self._timings.read_s,
        )
        if not isinstance(found, list):
            raise TelegramError("getUpdates answered with something that is no list")
        return found

    def is_file_address(self, url: str) -> bool:
        """A Bot API server in local mode answers with a path on its own disk."""
        return url.startswith(self._files)

    def download_times(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=self._timings.download_s,
            sock_connect=self._timings.connect_s,
            sock_read=self._timings.read_s,
        )


def _request(timings: Timings, *, connections: int) -> HTTPXRequest:
    return _Request(
        connection_pool_size=connections,
        connect_timeout=timings.connect_s,
        read_timeout=timings.read_s,
        write_timeout=timings.read_s,
        pool_timeout=timings.free_connection_s,
    )


class _Request(HTTPXRequest):
    """The library's, but it reads 429 itself and writes no bodies into the log."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,  # Any: the library's own type is private
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        status, body = await super().do_request(
            url, method, request_data, read_timeout, write_timeout, connect_timeout, pool_timeout
        )
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Flooded(_parse_retry_after(body))
        return status, body if status < HTTPStatus.BAD_REQUEST else body[:_MOST_ERROR_BYTES]

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:  # Any: JSON
        try:
            found = json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise TelegramError("the answer is no JSON") from None
        if not isinstance(found, dict):
            raise TelegramError("the answer is no JSON object")
        return found


def _parse_retry_after(body: bytes) -> float:
    """Seconds; 5 where the answer does not say."""
    try:
        return max(float(json.loads(body)["parameters"]["retry_after"]), 1.0)
    except (ValueError, RecursionError, KeyError, TypeError):
        return 5.0
