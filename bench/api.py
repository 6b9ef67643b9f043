"""Many clients of the API at once, each with a photo of 12 megapixels:
`python -m bench.api [--quick] [--clients 64]`. Ends with 1 when an answer is lost or a ratio that
has a target could not be measured.

The program as people start it, with the demo model, and `transformers serve` on the same weights,
one after the other. Answers come as streams. How long the program's event loop was held up is what
the program itself measures, read from /metrics before and after.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from tokenizers import Tokenizer

from bench.clients import Crowd, Heard, photos
from bench.memory import descendants, peak_mb, reset_peaks
from bench.report import Options, Report, parser, percentile
from bench.scrape import Buckets, scrape
from bench.serve import ServeFailed, install, serving
from tests.e2e.program import Program

TARGETS = {
    "tokens_per_s_vs_serve_16": {"at_least": 5.0},
    "ttft_p95_vs_serve_16": {"at_most": 1 / 3},
}
Whose = Callable[[], frozenset[int]]  # processes, as they are now

_DEMO = Path(__file__).parents[1] / "inference" / "demo" / "weights"
_WITH_SERVE = 16
_KV_MEMORY_MB = 64  # the talks of all clients; the demo model needs little for each
_DECODED_AT_ONCE = 8
_LAG_MS = 50.0
_START_S = 90.0
_LOOK_EVERY_S = 0.2
_COLUMNS = (
    "clients",
    "who answers",
    "requests/s",
    "tokens/s",
    "first p50",
    "p95",
    "whole p50",
    "p95",
    "refused",
    "memory, MB",
)


@dataclass(frozen=True, slots=True)
class Plan:
    clients: int = 64
    turns: int = 6
    tokens: int = 64


FULL = Plan()
QUICK = Plan(turns=4)


@dataclass(frozen=True, slots=True)
class Run:
    who: str
    clients: int
    heard: tuple[Heard, ...]
    tokens: int
    peak_mb: float

    @property
    def refused(self) -> int:
        return sum(one.status != 200 for one in self.heard)

    @property
    def took_s(self) -> float:
        return max(one.ended for one in self.heard)

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.took_s

    def first(self, share: float) -> float:
        return percentile([one.first - one.asked for one in self.heard if one.first], share)

    def whole(self, share: float) -> float:
        return percentile([one.ended - one.asked for one in self.heard], share)

    def row(self) -> tuple[object, ...]:
        answered = len(self.heard) - self.refused
        times = (self.first(0.5), self.first(0.95), self.whole(0.5), self.whole(0.95))
        rates = (answered / self.took_s, self.tokens_per_s)
        return (self.clients, self.who, *rates, *times, self.refused, self.peak_mb)


def main() -> int:
    """The exit code."""
    arguments = parser("many clients of the API at once, against transformers serve")
    arguments.add_argument("--clients", type=int, default=FULL.clients)
    given = arguments.parse_args()
    base = QUICK if given.quick else FULL
    plan = Plan(given.clients, base.turns, base.tokens)
    report = Report("api", Options(given.out, given.quick), model="demo", **asdict(plan))
    report.progress("first step, not counted: the server, where missing")
    has_serve = _install(report)
    report.begin()
    asyncio.run(bench(plan, report, has_serve=has_serve))
    return 1 if report.counts["answers_lost"] else report.exit_code(TARGETS)


async def bench(plan: Plan, report: Report, *, has_serve: bool) -> None:
    with_serve = min(_WITH_SERVE, plan.clients)
    async with _visionbot(plan) as (url, whose):
        await _play(report, "visionbot", url, "demo", whose, Crowd(2, 1, 4, "warm up"))
        runs = [
            await _play(report, "visionbot", url, "demo", whose, crowd)
            for crowd in (
                Crowd(with_serve, plan.turns, plan.tokens, "both"),
                Crowd(plan.clients, plan.turns, plan.tokens, "all"),
            )
        ]
        lag = await _lag(url, report)
    if has_serve:
        before = descendants()
        async with serving(_DEMO) as url:
            whose = partial(_since, before)
            name = str(_DEMO.resolve())
            await _play(report, "serve", url, name, whose, Crowd(2, 1, 4, "warm up serve"))
            crowd = Crowd(with_serve, plan.turns, plan.tokens, "both")
            runs.append(await _play(report, "transformers serve", url, name, whose, crowd))
    give_out(report, runs, lag)


async def _play(report: Report, who: str, url: str, model: str, whose: Whose, crowd: Crowd) -> Run:
    taken = await asyncio.to_thread(photos, crowd)
    reset_peaks(whose())
    heard = await crowd.ask(url, model, taken)
    tokenizer = Tokenizer.from_file(str(_DEMO / "tokenizer.json"))
    tokens = sum(len(tokenizer.encode(one.text).ids) for one in heard)
    run = Run(who, crowd.clients, tuple(heard), tokens, peak_mb(whose()))
    report.progress(f"{who} answered {crowd.clients} clients in {run.took_s:.1f} s")
    return run


async def _lag(url: str, report: Report) -> Buckets:
    """Of the event loop while photos are decoded; each is asked about with one token."""
    crowd = Crowd(_DECODED_AT_ONCE, 1, 1, "decoded")
    taken = await asyncio.to_thread(photos, crowd)
    before = await scrape(url, "visionbot_event_loop_lag_seconds")
    await crowd.ask(url, "demo", taken)
    after = await scrape(url, "visionbot_event_loop_lag_seconds")
    report.progress(f"{_DECODED_AT_ONCE} photos were decoded at once")
    return after - before


def give_out(report: Report, runs: Sequence[Run], lag: Buckets) -> None:
    report.table(_COLUMNS, [run.row() for run in runs])
    ours = [run for run in runs if run.who == "visionbot"]
    report.count("answers_lost", sum(run.refused for run in ours), at_most=0)
    report.ratio("loop_lag_p99_ms", 1000 * lag.quantile(0.99), at_most=_LAG_MS)
    theirs = [run for run in runs if run not in ours]
    for rival in theirs:
        both = ours[0]
        values = {
            "tokens_per_s_vs_serve_16": both.tokens_per_s / rival.tokens_per_s,
            "ttft_p95_vs_serve_16": both.first(0.95) / rival.first(0.95),
        }
        for name, value in values.items():
            report.ratio(name, value, **TARGETS[name])
        same = {(one.client, one.turn, one.text) for one in both.heard}
        equal = len(same & {(one.client, one.turn, one.text) for one in rival.heard})
        report.note(
            f"{equal} of {len(both.heard)} answers were the same to the letter; the two servers "
            "shrink a photo in different ways."
        )
    report.note(
        f"Each client shows a photo of 4000 x 3000 pixels (JPEG) and asks "
        f"{len({one.turn for one in ours[0].heard})} time(s); first: seconds to the first token; "
        "memory: the most that all processes of the server held. loop_lag_p99_ms: the upper end of "
        f"the histogram's bucket, while {_DECODED_AT_ONCE} photos were decoded at once."
    )
    measured = {
        "runs": [
            {"who": run.who, "clients": run.clients, "peak_mb": run.peak_mb, "tokens": run.tokens}
            | {"answers": [asdict(one) | {"text": len(one.text)} for one in run.heard]}
            for run in runs
        ],
        "loop_lag_s": lag.counts,
    }
    report.finish(measured, lambda figure: _draw(figure, runs))


def _draw(figure: Any, runs: Sequence[Run]) -> None:  # Any: matplotlib's
    axes = figure.subplots(1, 1)
    for run in runs:
        waits = sorted(one.first - one.asked for one in run.heard if one.first)
        shares = [(place + 1) / len(waits) for place in range(len(waits))]
        axes.plot(waits, shares, drawstyle="steps-post", label=f"{run.who}, {run.clients} clients")
    axes.set_xlabel("seconds to the first token")
    axes.set_ylabel("share of the answers")
    axes.legend()


def _install(report: Report) -> bool:
    try:
        install()
    except ServeFailed as error:
        report.note(f"`transformers serve` could not be measured: {error}")
        return False
    return True


@asynccontextmanager
async def _visionbot(plan: Plan) -> AsyncIterator[tuple[str, Whose]]:
    with tempfile.TemporaryDirectory() as folder:
        program = Program(
            Path(folder),
            ENGINE__MAX_SEQUENCES=_WITH_SERVE,
            ENGINE__KV_MEMORY_MB=_KV_MEMORY_MB,
            API__MAX_AT_ONCE=max(64, plan.clients),
            LINE__MAX_WAITING=max(64, plan.clients),
            LINE__MAX_PER_PERSON=max(64, plan.clients),
            LOG__LEVEL="info",
            CACHE__ANSWERS="false",  # the model is measured, not what was kept of it
        )
        before = descendants()
        await program.start()
        try:
            await until_ready(program)
            yield program.url, partial(_since, before)
        finally:
            await program.stop()
            await program.clean_up()


def _since(before: frozenset[int]) -> frozenset[int]:
    """A server starts processes also later, for its first photos."""
    return descendants() - before


async def until_ready(program: Program) -> None:
    async with asyncio.timeout(_START_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{program.url}/readyz") as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                if not program.is_running():
                    raise RuntimeError(f"the program ended: {program.output()[-2000:]}") from None
            await asyncio.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
