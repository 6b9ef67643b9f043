"""What Prometheus reads at /metrics; the only file that knows its client library.

The names start with "visionbot_" and end with the unit. Labels are doors, platforms and other names
of our own, never people, chats or messages.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TypeVar, get_args

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from pydantic import BaseModel, SecretStr, field_validator

from bot.api.addresses import is_foreign, is_forwarded, is_loopback, is_own_name
from bot.watching.cards import Card
from bot.watching.counts import Counts, Histogram, Histograms, Outcome, Prepared
from bot.watching.vitals import Vitals
from inference.engine.base import EngineStats
from inference.errors import Where
from inference.safety.section import USUAL

_PATH = "/metrics"
_OF_ENGINE = {  # counters that are fields of EngineStats
    "steps": "Steps of the engine.",
    "preemptions": "Answers that were put back since the KV cache was full.",
    "pictures_encoded": "Pictures that the model looked at; the others were found in kept pages.",
    "restarts": "Starts of the engine's process after the first one.",
}
_OF_CARD = {  # gauges that are fields of Card
    "memory_used_bytes": ("used_bytes", "Memory of the card in use."),
    "memory_total_bytes": ("memory_bytes", "Memory of the card."),
    "busy_ratio": ("busy", "Share of the last moments in which it computed."),
    "temperature_celsius": ("temperature_c", "Temperature of the card."),
    "power_watts": ("watts", "What the card draws."),
}

Labels = TypeVar("Labels", bound=tuple[str, ...])
Look = Callable[[], Awaitable[Vitals]]


class MetricsSection(BaseModel, extra="forbid", frozen=True):
    """`[metrics]`; the token never stands in config.toml."""

    enabled: bool = True
    token: SecretStr = SecretStr("")

    @field_validator("token")
    @classmethod
    def _is_hard_to_guess(cls, token: SecretStr) -> SecretStr:
        value = token.get_secret_value()
        if value and not re.fullmatch(r"[!-~]{16,256}", value):
            raise ValueError("must be 16 to 256 printable ASCII characters without spaces")
        return token


def metrics_routes(
    section: MetricsSection, counts: Counts, look: Look, *, host: str, doors: Sequence[str]
) -> list[web.RouteDef]:
    """`host`: what the server listens on. Beyond this machine nothing is told without the token;
    nor, where there is none, to a proxy that asks for somebody else, or to a page of others that
    somebody here has open."""
    if not section.enabled:
        return []
    token = section.token.get_secret_value()
    at_home = is_loopback(host)

    async def on_metrics(request: web.Request) -> web.Response:
        if token and not _shows(request, token):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        if not token and not (at_home and _is_from_here(request, host)):
            raise web.HTTPNotFound
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Board(counts, await look(), doors))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return [web.get(_PATH, on_metrics)]


def _is_from_here(request: web.Request, host: str) -> bool:
    of_others = is_forwarded(request) or is_foreign(request)
    return is_own_name(request, host) and not of_others


def _shows(request: web.Request, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return secrets.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())


class _Board(Collector):
    """All series of one moment. Those of a door or platform that may come later begin at 0, so
    that their first increase is seen."""

    def __init__(self, counts: Counts, vitals: Vitals, doors: Sequence[str]) -> None:
        self._counts = counts
        self._vitals = vitals
        self._doors = doors
        self._platforms = tuple(vitals.platforms)

    def collect(self) -> Iterator[Metric]:
        yield from self._people()
        yield from self._messages()
        yield from self._work()
        yield from self._waiting()
        yield from _engine(self._vitals.engine)
        yield from self._program()
        yield from _cards(self._vitals.cards)

    def _people(self) -> Iterator[Metric]:
        counts, doors = self._counts, self._doors
        ends = [(door, outcome) for door in doors for outcome in get_args(Outcome)]
        kinds = [(door, kind) for door in doors for kind in ("prompt", "cached", "completion")]
        yield _counters(
            "questions",
            "Questions by where they came in and how they ended.",
            ("door", "outcome"),
            counts.questions,
            ends,
        )
        for name, help_text, histograms in (
            ("line_wait", "From joining the line to being called.", counts.in_line_s),
            ("first_token", "From acceptance to the engine's first token.", counts.first_token_s),
            ("first_text", "From acceptance to the first visible text.", counts.first_text_s),
            ("answer", "From acceptance to the whole answer.", counts.answer_s),
        ):
            yield _histograms(f"{name}_seconds", help_text, histograms, doors)
        yield _counters(
            "tokens",
            "Tokens of questions and answers; cached ones are also prompt ones.",
            ("door", "kind"),
            counts.tokens,
            kinds,
        )

    def _messages(self) -> Iterator[Metric]:
        counts, platforms = self._counts, self._platforms
        calls = (("send", "first"), ("send", "final"), ("edit", "preview"), ("edit", "final"))
        yield _counters(
            "events",
            "What people did, by platform; again: sent once more, and dropped.",
            ("platform", "seen"),
            counts.events,
            [(name, seen) for name in platforms for seen in ("new", "again")],
        )
        yield _counters(
            "messages",
            "Calls that show people something; every try counts.",
            ("platform", "call", "kind"),
            counts.messages,
            [(name, *call) for name in platforms for call in calls],
        )
        yield _counters(
            "platform_errors",
            "Calls that failed; too_fast: the platform asked us to wait (429).",
            ("platform", "error"),
            counts.faults,
            [(name, error) for name in platforms for error in ("too_fast", "unclear")],
        )
        yield _counters(
            "http_requests",
            "Requests to our own server.",
            ("method", "route", "status"),
            counts.requests,
        )
        yield _counters(
            "safety",
            "What content safety blocked, covered up or wants looked at.",
            ("where", "action", "category"),
            counts.safety,
            [(where, USUAL[one], one) for where in get_args(Where) for one in USUAL],
        )

    def _work(self) -> Iterator[Metric]:
        counts, engine = self._counts, self._vitals.engine
        pictures, answers = counts.pictures, counts.answers
        yield _counters(
            "pictures",
            "Photos made ready; kept: seen lately, and not decoded again.",
            ("result",),
            {(how,): pictures[how] for how in get_args(Prepared)},
        )
        lookups = Counter(
            {
                ("picture", "hit"): pictures["kept"],
                ("picture", "miss"): pictures["decoded"] + pictures["refused"],
                ("answer", "hit"): answers["hit"],
                ("answer", "stale"): answers["stale"],
                ("answer", "miss"): answers["miss"],
                ("prefix", "hit"): engine.cached_tokens,
                ("prefix", "miss"): max(0, engine.prompt_tokens - engine.cached_tokens),
            }
        )
        yield _counters(
            "cache_lookups",
            "What was found and what was not; picture: photos decoded before;"
            " answer: earlier ones, stale: too old, given while nobody could answer;"
            " prefix: tokens of prompts in kept pages.",
            ("cache", "result"),
            lookups,
        )
        yield _histogram("picture_decode_seconds", "A photo made ready.", counts.decode_s)
        guards = [name for name, _ in counts.guard_s]
        looks = "A guard's look at words or a picture."
        yield _histograms("guard_seconds", looks, counts.guard_s, guards, "guard")
        yield _counters(
            "guard_failures", "Looks that failed.", ("guard", "failure"), counts.guard_failures
        )
        yield _histogram(
            "event_loop_lag_seconds", "How late the event loop was.", counts.loop_lag_s
        )

    def _waiting(self) -> Iterator[Metric]:
        vitals, kept = self._vitals, self._vitals.kept
        yield _gauge("line_waiting", "Questions that wait for the engine.", vitals.waiting)
        yield _gauge("line_capacity", "How many may wait.", vitals.most_waiting)
        yield _gauge("line_answering", "Questions that the engine works on.", vitals.at_engine)
        if vitals.wait_s is not None:
            about = "How long who joins the line now will wait, about."
            yield _gauge("line_estimate_seconds", about, vitals.wait_s)
        yield _gauges(
            "inbox_open",
            "Accepted, and without an end yet.",
            ("state",),
            {("new",): kept.new, ("waiting",): kept.waiting},
        )
        yield _gauge("inbox_oldest_seconds", "Age of the oldest of these.", kept.oldest_s)
        yield _gauge("letters_waiting", "Messages that answer nothing, to be sent.", vitals.letters)
        yield _gauges(
            "calls_waiting",
            "Sends and edits that wait for their turn.",
            ("platform",),
            {(name,): number for name, number in vitals.calls.items()},
        )
        yield _gauge("lost_questions", "Accepted, but nobody sees to it: must be 0.", kept.lost)
        yield _counter(
            "repeated_answers",
            "Answers to what had its end before: must be 0.",
            self._counts.repeated,
        )
        yield _counter(
            "resumed_questions",
            "Questions that waited when the program ended, and were taken up again.",
            self._counts.resumed,
        )

    def _program(self) -> Iterator[Metric]:
        vitals, process = self._vitals, self._vitals.process
        yield _gauges("build_info", "Always 1.", ("version",), {(version("visionbot"),): 1})
        since_1970 = "When the program began, since 1970."
        yield _gauge("start_time_seconds", since_1970, vitals.began_at)
        yield _gauge("tasks", "Tasks of the event loop.", vitals.tasks)
        yield _gauges(
            "memory_bytes",
            "Memory in use; children: the engine, and those who read photos and documents.",
            ("process",),
            {("bot",): process.memory_bytes, ("children",): process.children_bytes},
        )
        yield _counter("cpu_seconds", "Processor time, without children.", process.cpu_s)
        yield _gauge("open_files", "Open files and connections.", process.files)
        yield _gauge("open_files_limit", "How many may be open.", process.most_files)
        yield _gauge("disk_free_bytes", "On the disk with the data.", vitals.free_bytes)
        yield _gauge("commit_age_seconds", "Since the newest write.", vitals.committed_s)
        yield _gauges(
            "platform_silence_seconds",
            "Since a platform that we poll answered last.",
            ("platform",),
            {(name,): silent_s for name, silent_s in vitals.silent_s.items()},
        )


def _engine(engine: EngineStats) -> Iterator[Metric]:
    yield _gauge("engine_up", "Whether it can be asked now: 1 or 0.", engine.up)
    for name, help_text in _OF_ENGINE.items():
        yield _counter(f"engine_{name}", help_text, getattr(engine, name))
    yield _gauge("engine_running", "Answers that are being written.", engine.running)
    yield _gauge("engine_waiting", "Answers that wait inside the engine.", engine.waiting)
    yield _counters(
        "engine_tokens",
        "Tokens that the engine read and wrote; cached ones are also prompt ones.",
        ("kind",),
        {
            ("prompt",): engine.prompt_tokens,
            ("cached",): engine.cached_tokens,
            ("completion",): engine.completion_tokens,
        },
    )
    free = max(0, engine.pages - engine.pages_used - engine.pages_cached)
    yield _gauges(
        "engine_pages",
        "Pages of the KV cache; cached: free, but found again by who has the same prefix.",
        ("state",),
        {
            ("used",): engine.pages_used,
            ("cached",): engine.pages_cached,
            ("free",): free,
            ("host",): engine.pages_host,
        },
    )
    times = engine.times
    yield _counters(
        "engine_step_seconds",
        "Where the time of the steps went.",
        ("part",),
        {
            ("schedule",): times.schedule_s,
            ("vision",): times.vision_s,
            ("prefill",): times.prefill_s,
            ("decode",): times.decode_s,
            ("sample",): times.sample_s,
        },
    )


def _cards(cards: Iterable[Card]) -> Iterator[Metric]:
    """No series at all without a card."""
    cards = list(cards)
    if cards:
        names = {(str(card.index), card.name): 1 for card in cards}
        yield _gauges("gpu_info", "Always 1.", ("gpu", "name"), names)
    for name, (field, help_text) in _OF_CARD.items():
        told = {(str(card.index),): getattr(card, field) for card in cards}
        told = {key: value for key, value in told.items() if value is not None}
        if told:
            yield _gauges(f"gpu_{name}", help_text, ("gpu",), told)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"visionbot_{name}", help_text, value=value)


def _counters(
    name: str,
    help_text: str,
    labels: Sequence[str],
    values: Mapping[Labels, float],
    expected: Iterable[Labels] = (),
) -> Metric:
    family = CounterMetricFamily(f"visionbot_{name}", help_text, labels=labels)
    for key, value in sorted({**dict.fromkeys(expected, 0.0), **values}.items()):
        family.add_metric(key, value)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"visionbot_{name}", help_text, value=value)


def _gauges(
    name: str, help_text: str, labels: Sequence[str], values: Mapping[Labels, float]
) -> Metric:
    family = GaugeMetricFamily(f"visionbot_{name}", help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(f"visionbot_{name}", help_text)
    family.add_metric([], _buckets(histogram), histogram.sum)
    return family


def _histograms(
    name: str, help_text: str, histograms: Histograms, expected: Iterable[str], label: str = "door"
) -> Metric:
    family = HistogramMetricFamily(f"visionbot_{name}", help_text, labels=(label,))
    for value in expected:
        histogram = histograms[value]
        family.add_metric([value], _buckets(histogram), histogram.sum)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*(f"{bound:g}" for bound in histogram.bounds), "+Inf"]
    return list(zip(bounds, histogram.cumulative(), strict=True))
