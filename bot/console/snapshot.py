"""What the operator's page is told every two seconds, as JSON; numbers and ids, never words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.access.periods import Periods
from bot.api.errors import FAULTS
from bot.console.desk import Desk
from bot.console.lookout import EVERY_S, Door, Lately, Lookout
from bot.console.recent import Trouble
from bot.storage.overview import View
from bot.storage.pauses import Pause
from bot.storage.people import FOR_EVER
from bot.watching.cards import Card
from bot.watching.counts import Counts
from inference.engine.base import EngineStats

End = Literal["answered", "refused", "ended", "failed"]

_ENDS: dict[str, End] = {
    "answered": "answered",
    "refused": "refused",
    "quota": "refused",
    "line_full": "refused",
    "stopped": "ended",
    "expired": "ended",
    "disconnected": "ended",
    "undeliverable": "ended",
    "dead": "failed",
    # codes of the API that say 503, but not because anything is broken
    "paused": "refused",
    "too_many_connections": "refused",
    "queue_timeout": "ended",
}
_SERVER_ERROR = 500
_TROUBLES = 30  # of the newest that go with each snapshot


@dataclass(frozen=True, slots=True)
class Lines:
    """The line as a whole."""

    doors: Sequence[Door]
    answering: int
    at_once: int
    most: int
    wait_s: float | None


def render_state(
    health: Mapping[str, Any],  # Any: /health's JSON
    line: Lines,
    engine: EngineStats,
    lookout: Lookout,
    counts: Counts,
    desk: Desk,
    troubles: Sequence[Trouble],
    *,
    seen: tuple[str, int],
    now: float,
    periods: Periods,
) -> dict[str, Any]:
    """`seen`: the run and number of the newest sample that the page has."""
    samples = lookout.samples
    return {
        "now": now,
        "every_s": EVERY_S,
        "program": _program(health),
        "line": _line(line),
        "engine": _engine(engine),
        "first_token": _quantiles(lookout.first_token),
        "first_text": _quantiles(lookout.first_text),
        "questions": _questions(counts),
        "platforms": _platforms(counts),
        "cards": [_card(card) for card in lookout.cards],
        "desk": _desk(desk, periods),
        "troubles": [asdict(one) for one in troubles[:_TROUBLES]],
        "samples": {
            "run": samples.run,
            "columns": samples.columns,
            "newest": samples.number,
            "rows": samples.after(*seen),
        },
    }


def _program(health: Mapping[str, Any]) -> dict[str, Any]:
    engine = health["engine"]
    wanted = ("ok", "status", "version", "uptime_seconds")
    return {name: health[name] for name in wanted} | {"model": engine["model"]}


def _line(line: Lines) -> dict[str, Any]:
    return {
        "doors": [
            {"door": one.name, "waiting": one.waiting, "longest_s": one.longest_s}
            for one in line.doors
        ],
        "answering": line.answering,
        "at_once": line.at_once,
        "most": line.most,
        "wait_s": line.wait_s,
    }


def _engine(engine: EngineStats) -> dict[str, Any]:
    told = asdict(engine)
    del told["model"]  # a checkpoint's may be a path; /health names it without
    return told | {"hit_rate": engine.hit_rate}


def _quantiles(lately: Lately) -> dict[str, Any]:
    found = lately.over()
    quantiles = {"p50": found.quantile(0.5), "p95": found.quantile(0.95)}
    return quantiles | {"count": found.count}


def _questions(counts: Counts) -> list[dict[str, Any]]:
    ends: Counter[tuple[str, End]] = Counter()
    for (door, outcome), number in counts.questions.items():
        ends[door, end_of(outcome)] += number
    return [
        {"door": door, "end": end, "count": number} for (door, end), number in sorted(ends.items())
    ]


def end_of(outcome: str) -> End:
    """What it is to the operator; an outcome that we do not know is our fault. A call to the API
    may end with an error's code."""
    if outcome in _ENDS:
        return _ENDS[outcome]
    statuses = [fault.status for fault in FAULTS.values() if fault.code == outcome]
    return "refused" if statuses and max(statuses) < _SERVER_ERROR else "failed"


def _platforms(counts: Counts) -> list[dict[str, Any]]:
    names = {name for name, *_ in (*counts.messages, *counts.faults)}
    return [
        {
            "platform": name,
            "sends": _sum(counts.messages, name, "send"),
            "edits": _sum(counts.messages, name, "edit"),
            "too_fast": counts.faults[name, "too_fast"],
            "faults": sum(n for (of, what), n in counts.faults.items() if of == name)
            - counts.faults[name, "too_fast"],
        }
        for name in sorted(names)
    ]


def _sum(messages: Mapping[tuple[str, str, str], int], platform: str, call: str) -> int:
    return sum(n for (of, how, _), n in messages.items() if (of, how) == (platform, call))


def _card(card: Card) -> dict[str, Any]:
    return asdict(card)


def _desk(desk: Desk, periods: Periods) -> dict[str, Any]:
    view: View = desk.view
    pause = view.pause
    return {
        "pause": None if pause is None else _pause(pause, periods),
        "tickets": view.tickets,
        "oldest": [asdict(one) for one in view.oldest],
        "letters": view.letters,
        "people": asdict(desk.crowd),
        "today": asdict(desk.today),
    }


def _pause(pause: Pause, periods: Periods) -> dict[str, Any]:
    until = None if pause.until is None or pause.until >= FOR_EVER else pause.until
    written = "" if until is None else periods.written(until)
    return {"since": pause.since, "until": until, "until_written": written, "text": pause.text}
