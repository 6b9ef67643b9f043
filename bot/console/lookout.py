"""Looks every two seconds at what needs no database, and keeps half an hour of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.call import Call
from bot.console.memory import resident_bytes
from bot.console.samples import Samples
from bot.line import Line
from bot.pacing import Sleep
from bot.question import Question
from bot.watching.cards import Card, Cards
from bot.watching.counts import Counts, Histogram, Histograms
from inference.engine.base import EngineStats
from inference.service import Service

EVERY_S = 2.0
COLUMNS = (
    "at",
    "waiting",
    "answering",
    "questions",  # since the start, as all that follow up to the times
    "tokens_in",
    "tokens_cached",
    "tokens_out",
    "schedule_s",
    "vision_s",
    "prefill_s",
    "decode_s",
    "sample_s",
    "tokens_per_s",
    "pages",
    "pages_used",
    "pages_cached",
    "token_p50",  # seconds to the first token and the first text, of the last minute
    "token_p95",
    "text_p50",
    "text_p95",
    "memory_mb",
    "card_busy",  # of all graphics cards: the mean share of time, the memory of them together
    "card_used_mb",
)

_MOST = 900  # half an hour
_MINUTE = 30  # samples
_WINDOW = 150  # samples that the figures beside the plots sum up: five minutes
_PEEKS = 8  # between two samples
_CARDS_EVERY = 5  # samples: the driver takes its time
_API = "api"


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    waiting: int
    longest_s: float | None  # None: nobody waits


class Lookout:
    def __init__(
        self,
        line: Line[Question | Call],
        service: Service,
        counts: Counts,
        *,
        doors: Sequence[str],
        cards: Cards,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`doors`: those told of even while nobody waits there."""
        self._line = line
        self._service = service
        self._counts = counts
        self._doors = doors
        self._cards = cards
        self._clock = clock
        self._sleep = sleep
        self.samples = Samples(COLUMNS, most=_MOST)
        self.first_token = Lately(counts.first_token_s)
        self.first_text = Lately(counts.first_text_s)
        self.cards: tuple[Card, ...] = ()
        self._most_waiting = self._most_answering = 0  # since the last sample
        self._since: dict[Question | Call, float] = {}  # when we first saw them wait

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self.samples.number % _CARDS_EVERY == 0:
                self.cards = await self._cards.read()
            self.look()
            for _ in range(_PEEKS):
                await self._sleep(EVERY_S / _PEEKS)
                self.peek()

    def peek(self) -> None:
        """A quick answer is over between two samples: of these the highest number counts."""
        self._most_waiting = max(self._most_waiting, len(self._line))
        self._most_answering = max(self._most_answering, self._line.busy)

    def look(self) -> None:
        self.peek()
        now = self._clock()
        self._since = {one: self._since.get(one, now) for one in self._line.waiting()}
        for lately in (self.first_token, self.first_text):
            lately.look()
        engine = self._service.stats()
        self.samples.add(
            {
                "at": round(now, 1),
                "waiting": self._most_waiting,
                "answering": self._most_answering,
                "questions": self._counts.questions.total(),
                "memory_mb": round(resident_bytes() / 2**20, 1),
                **_engine_values(engine),
                **_times("token", self.first_token),
                **_times("text", self.first_text),
                **_card_values(self.cards),
            }
        )
        self._most_waiting = self._most_answering = 0

    def doors(self) -> list[Door]:
        """Who waits where, and how long already."""
        now = self._clock()
        waiting: Counter[str] = Counter()
        longest: dict[str, float] = {}
        for one in self._line.waiting():
            door = _door(one)
            waiting[door] += 1
            waited_s = max(0.0, now - self._since.get(one, now))
            longest[door] = max(longest.get(door, 0.0), waited_s)
        names = dict.fromkeys((*self._doors, *waiting))
        return [Door(name, waiting[name], longest.get(name)) for name in names]


class Lately:
    """What a histogram counted within the last minutes."""

    def __init__(self, of: Histograms) -> None:
        self._of = of
        self._then: deque[list[int]] = deque([of.all().buckets], maxlen=_WINDOW)

    def look(self) -> None:
        self._then.append(self._of.all().buckets)

    def over(self, samples: int = _WINDOW) -> Histogram:
        """Since so many looks ago; its sum is not known."""
        now, then = self._of.all(), self._then[max(0, len(self._then) - 1 - samples)]
        found = Histogram(now.bounds)
        found.buckets = [new - old for new, old in zip(now.buckets, then, strict=True)]
        return found


def _door(one: Question | Call) -> str:
    return one.conversation.platform if isinstance(one, Question) else _API


def _engine_values(engine: EngineStats) -> dict[str, float]:
    times = engine.times
    return {
        "tokens_in": engine.prompt_tokens,
        "tokens_cached": engine.cached_tokens,
        "tokens_out": engine.completion_tokens,
        "tokens_per_s": round(engine.tokens_per_s, 2),
        "schedule_s": round(times.schedule_s, 3),
        "vision_s": round(times.vision_s, 3),
        "prefill_s": round(times.prefill_s, 3),
        "decode_s": round(times.decode_s, 3),
        "sample_s": round(times.sample_s, 3),
        "pages": engine.pages,
        "pages_used": engine.pages_used,
        "pages_cached": engine.pages_cached,
    }


def _times(name: str, lately: Lately) -> dict[str, float | None]:
    minute = lately.over(_MINUTE)
    return {f"{name}_p50": minute.quantile(0.5), f"{name}_p95": minute.quantile(0.95)}


def _card_values(cards: Sequence[Card]) -> dict[str, float | None]:
    if not cards:
        return {}
    busy = [card.busy for card in cards if card.busy is not None]
    used = sum(card.used_bytes for card in cards)
    return {
        "card_busy": round(sum(busy) / len(busy), 3) if busy else None,
        "card_used_mb": round(used / 2**20),
    }
