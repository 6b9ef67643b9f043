"""What systemd is told: that the program is ready, that it lives, that it stops; elsewhere, nobody.

It lives while the event loop runs and the engine moves when it has work. A program of which nothing
is heard is killed and started anew by systemd, as WatchdogSec= of its unit says.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inference.engine.base import EngineStats

log = logging.getLogger(__name__)

_BEATS = 3  # in the time that systemd waits


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to hear of us."""

    address: str = ""  # a socket; empty: nobody
    every_s: float = 0.0  # the longest it waits for a sign of life; 0: it wants none


class Pulse:
    """Whether the engine moves while it has work."""

    def __init__(
        self,
        stats: Callable[[], EngineStats],
        *,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience_s`: longer than the engine takes to notice by itself that it hangs."""
        self._stats, self._patience_s, self._clock = stats, patience_s, clock
        self._steps, self._moved_at = 0, clock()

    def beats(self) -> bool:
        now, stats = self._clock(), self._stats()
        # one that starts has its own time limit; a server elsewhere shows no steps
        rests = stats.state != "up" or stats.running + stats.waiting == 0 or not stats.pages
        if rests or stats.steps != self._steps:
            self._steps, self._moved_at = stats.steps, now
        return now - self._moved_at < self._patience_s


class Systemd:
    def __init__(self, watcher: Watcher | None = None) -> None:
        self._watcher = watcher or Watcher()

    def tell(self, state: str) -> None:
        """READY=1, STOPPING=1. Nothing is worse for it than silence, so it never raises."""
        if not self._watcher.address:
            return
        # "@" stands for the NUL of an address that is no file
        address = self._watcher.address.replace("@", "\0", 1)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as letter:
                letter.setblocking(False)
                letter.connect(address)
                letter.send(state.encode())
        except OSError as error:
            log.warning("systemd cannot be told %s: %s", state, error)

    async def feed(
        self,
        beats: Callable[[], bool],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """For ever: signs of life, as long as there is life."""
        if not self._watcher.every_s:
            await asyncio.Event().wait()
        while True:
            if beats():
                self.tell("WATCHDOG=1")
            else:
                log.critical("the engine stands still; systemd is told no more that we live")
            await sleep(self._watcher.every_s / _BEATS)
