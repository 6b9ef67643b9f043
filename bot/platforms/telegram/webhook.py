"""The route Telegram posts updates to; it answers 200 only for what is committed."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import Any

from aiohttp import web

from bot.platforms.patience import Uncommitted
from bot.platforms.telegram.receiver import Receiver

log = logging.getLogger(__name__)

PATH = "/telegram/webhook"
_MOST_BYTES = 1024 * 1024  # an update is a few kilobytes
_BODY_S = 10.0
_RETRY_AFTER = {"Retry-After": "5"}  # Telegram keeps to it


class Webhook:
    """Closed until `open`: before that we do not know who we are and could commit nothing."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._receiver: Receiver | None = None

    def open(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def close(self) -> None:
        self._receiver = None

    async def receive(self, request: web.Request) -> web.Response:
        if not self._knows_the_secret(request):
            log.warning("telegram: a webhook call without the right secret was turned away")
            return web.Response(status=403)
        receiver = self._receiver
        if receiver is None:
            return web.Response(status=503, headers=_RETRY_AFTER)
        try:
            body = await _body(request)
        except TimeoutError:
            return web.Response(status=408)
        if body is None:
            return web.Response(status=413)
        update = _parse_body(body)
        if update is None:
            return web.Response(status=400)
        try:
            await receiver.take(update, update["update_id"])
        except Uncommitted as error:
            log.error("telegram: %s; it will come again", error)  # noqa: TRY400
            return web.Response(status=503, headers=_RETRY_AFTER)
        return web.Response()

    def _knows_the_secret(self, request: web.Request) -> bool:
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        # As bytes: compare_digest raises on a str beyond ASCII.
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret)


async def _body(request: web.Request) -> bytes | None:
    """None: too long. The app's own limit is for the web page's photos."""
    data = bytearray()
    async with asyncio.timeout(_BODY_S):
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > _MOST_BYTES:
                return None
    return bytes(data)


def _parse_body(body: bytes) -> dict[str, Any] | None:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        return None
    return update
