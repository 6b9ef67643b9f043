"""The NVIDIA cards of this machine, as their driver tells of them; without a driver there are none.

The driver may hang, as after a fault of a card. So it is asked in a thread of its own, and not
again before it has answered.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import pynvml  # type: ignore[import-untyped]  # NVIDIA ships no types

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S = 1.0
_MILLI = 1e-3


@dataclass(frozen=True, slots=True)
class Card:
    """None: this card or driver does not tell."""

    index: int
    name: str
    memory_bytes: int
    used_bytes: int
    busy: float | None = None  # share of the last moments in which it computed
    temperature_c: float | None = None
    watts: float | None = None
    driver: str | None = None  # its version


class Cards:
    def __init__(
        self,
        ask: Callable[[], tuple[Card, ...]] | None = None,
        *,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._ask = ask or _ask_driver
        self._patience_s = patience_s
        self._asking: threading.Thread | None = None

    async def read(self) -> tuple[Card, ...]:
        """Empty: there are none, or the driver does not answer in time."""
        if self._asking is not None and self._asking.is_alive():
            return ()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[Card, ...]] = loop.create_future()

        def ask() -> None:
            cards: tuple[Card, ...] = ()
            try:
                cards = self._ask()
            except Exception:  # figures are worth no more than this log line
                log.exception("the graphics cards cannot be read")
            with suppress(RuntimeError):  # the program has ended meanwhile
                loop.call_soon_threadsafe(_tell, answer, cards)

        # a daemon: the end of the program does not wait for a driver that hangs
        self._asking = threading.Thread(target=ask, name="cards", daemon=True)
        self._asking.start()
        try:
            async with asyncio.timeout(self._patience_s):
                return await answer
        except TimeoutError:
            log.warning("the driver of the graphics cards does not answer")
            return ()


def _tell(answer: asyncio.Future[tuple[Card, ...]], cards: tuple[Card, ...]) -> None:
    if not answer.done():
        answer.set_result(cards)


def _ask_driver() -> tuple[Card, ...]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        return tuple(_card(index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def _card(index: int) -> Card:
    card = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(card)
    busy = _told(lambda: float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu) / 100)
    sensor = pynvml.NVML_TEMPERATURE_GPU
    return Card(
        index,
        str(pynvml.nvmlDeviceGetName(card)),
        int(memory.total),
        int(memory.used),
        busy,
        _told(lambda: float(pynvml.nvmlDeviceGetTemperature(card, sensor))),
        _told(lambda: float(pynvml.nvmlDeviceGetPowerUsage(card)) * _MILLI),
        _told(lambda: str(pynvml.nvmlSystemGetDriverVersion())),
    )


def _told(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except pynvml.NVMLError:  # such as a card that is cut into parts
        return None
