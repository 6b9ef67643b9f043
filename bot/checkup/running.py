"""Our own program, if it runs already: which process, and what it says of itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.api.addresses import authority_here
from bot.config import Settings
from bot.storage.holding import holder

_PATIENCE = aiohttp.ClientTimeout(total=5.0)


@dataclass(frozen=True, slots=True)
class Running:
    process: int
    health: dict[str, Any] = field(default_factory=dict)  # as /health has it; empty: no answer


async def find_running(settings: Settings) -> Running | None:
    """None: nobody holds the data folder."""
    process = await asyncio.to_thread(holder, settings.storage.data_dir)
    if process is None:
        return None
    return Running(process, await _health(settings.web.host, settings.web.port))


async def _health(host: str, port: int) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as client,
            client.get(f"http://{authority_here(host, port)}/health") as response,
        ):
            found = json.loads(await response.text())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}
    return found if isinstance(found, dict) and "status" in found else {}
