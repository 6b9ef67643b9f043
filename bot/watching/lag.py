"""How late the event loop is: whoever holds it up holds up every person at once."""

from __future__ import annotations

import asyncio
import time

from bot.pacing import Clock, Sleep
from bot.watching.counts import Counts

_LOOK_EVERY_S = 0.1


async def watch_loop(
    counts: Counts, *, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep
) -> None:
    """Until cancelled."""
    while True:
        due = clock() + _LOOK_EVERY_S
        await sleep(_LOOK_EVERY_S)
        counts.loop_lag_s.observe(clock() - due)
