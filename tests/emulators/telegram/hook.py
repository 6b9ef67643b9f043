"""Updates posted to the bot's own route, one after the other, until it says 200."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from tests.emulators.telegram.pulse import Pulse
from tests.emulators.telegram.updates import Updates


class Hook:
    def __init__(self, updates: Updates, pulse: Pulse, *, pause_s: float) -> None:
        self._updates = updates
        self._pulse = pulse
        self._pause_s = pause_s  # Telegram: 1 s, doubling
        self._posting: asyncio.Task[None] | None = None
        self.url = ""
        self.secret = ""
        self.statuses: list[int] = []  # what the bot answered; 0: nothing

    async def set(self, url: str, secret: str) -> None:
        """An empty url ends it; what waits is kept for the next poll."""
        if self._posting is not None:
            self._posting.cancel()
            with suppress(asyncio.CancelledError):
                await self._posting
            self._posting = None
        self.url, self.secret = url, secret
        if url:
            self._updates.end_poll()
            self._posting = asyncio.create_task(self._post_all())
        self._pulse.beat()

    async def _post_all(self) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        limits = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(headers=headers, timeout=limits) as session:
            while True:
                update = await self._updates.next()
                status = await self._post(session, update)
                self.statuses.append(status)
                if 200 <= status < 300:
                    self._updates.acknowledge_before(update["update_id"] + 1)
                else:
                    self._pulse.beat()
                    await asyncio.sleep(self._pause_s)

    async def _post(self, session: aiohttp.ClientSession, update: object) -> int:
        try:
            async with session.post(self.url, json=update) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
