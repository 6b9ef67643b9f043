"""The whole program with its demo model, and where its page is."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from aiohttp import ClientError, ClientSession

from tests.e2e.program import Program

_START_S = 90.0


class PageProgram:
    """`settings` as those of Program."""

    def __init__(self, folder, **settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self.program = Program(folder, WEB__PORT=port, **settings)

    async def start(self):
        """Returns when it can be asked."""
        await self.program.start()
        try:
            async with asyncio.timeout(_START_S), ClientSession() as client:
                while not await self._is_healthy(client):  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"the program did not start\n{self.program.output()[-4000:]}")

    async def _is_healthy(self, client):
        if not self.program.is_running():
            pytest.fail(f"the program ended\n{self.program.output()[-4000:]}")
        with suppress(ClientError):
            async with client.get(f"{self.url}health") as response:
                return response.status == 200
        return False
