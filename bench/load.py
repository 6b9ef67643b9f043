"""More people than it can answer: `python -m bench.load [--quick] [--out DIR]`. Ends with 1 when
somebody hears nothing, or a target is missed.

1. The program's line is full. A thousand people write to the bot within ten seconds, photos and
   words, on the strict Bot API server of the tests, which takes 30 calls a second as Telegram does;
   then as many again, and as many clients of the API.
2. The same with the platform's limit lifted, so that it is seen what else keeps people waiting; and
   one person who asks fifty questions at once, beside others who ask one.
3. Ten thousand event streams are opened at once against the program, which may open 1,024 files.

The model's words come from a scripted server at a known pace (tests/faults/model.py).
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from bench.crowd import Crowd, Seen, Told, ask_api, ideal, jain, joined
from bench.lifted import CALLS_PER_S
from bench.report import Options, Report, parser, percentile
from bench.scrape import Buckets, scrape
from bench.streams import Received, opened
from tests.emulators.telegram.flood import FloodRules
from tests.emulators.telegram.server import Emulator
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants

TOLD_WITHIN_S = 2.0
LAG_MS = 100.0

_AT_ONCE = 8
_WAITING = 64
_WORD_EVERY_S = 0.25  # of an answer, which has about nine
_ASKERS = 40  # beside the one who asks much
_MORE_MB = 10.0
_PUSHED_BACK = 1.25
_FILES = 1024  # that the program may open while streams are
_USUAL_CALLS_PER_S = 30
_LOOK_EVERY_S = 0.25
_FULL_WITHIN_S = 60.0
_LAG = "visionbot_event_loop_lag_seconds"
_EXHAUSTED = ("Too many open files", "out of system resource")
_COLUMNS = ("who", "number", "answered", "told p50, s", "p95", "max", "decided p95, s", "max")


@dataclass(frozen=True, slots=True)
class Plan:
    people: int = 1000
    within_s: float = 10.0
    streams: int = 10_000


FULL = Plan()
QUICK = Plan(people=200, within_s=2.0, streams=2000)


@dataclass(frozen=True, slots=True)
class Memory:
    """Of all processes of the program, in MB."""

    before: float
    peak: float
    after: float


@dataclass(frozen=True, slots=True)
class Rush:
    """What a crowd met. `late`: how much later than the platform's limit alone would have it."""

    calls_per_s: int
    seen: tuple[Seen, ...]
    memory: Memory
    lag: Buckets
    early: tuple[Seen, ...]  # those who filled the line before

    @property
    def lost(self) -> int:
        return sum(one.is_lost for one in (*self.seen, *self.early))

    def times(self, name: str) -> list[float]:
        """Those of Seen, of all who have one."""
        found = (getattr(one, name) for one in self.seen)
        return [one for one in found if one is not None]

    def late(self) -> list[float]:
        could = ideal([one.asked for one in self.seen], self.calls_per_s)
        was = sorted(one.told for one in self.seen if one.told is not None)
        return [told - moment for told, moment in zip(was, could, strict=False)]


@dataclass(frozen=True, slots=True)
class Streams:
    received: Sequence[Received]
    answers: Sequence[float]  # seconds that each question on Telegram took meanwhile
    most_files: float
    exhausted: int  # lines of the log that say so


def main() -> int:
    """The exit code."""
    given = parser("more people, clients and streams than it can answer").parse_args()
    plan = QUICK if given.quick else FULL
    report = Report("load", Options(given.out, given.quick), **asdict(plan))
    asyncio.run(bench(plan, report))
    return 1 if report.missed() else 0


async def bench(plan: Plan, report: Report) -> None:
    usual, again, told = await _usual(plan, report)
    lifted, alone, beside = await _lifted(plan, report)
    streams = await _streams(plan, report)
    give_out(report, usual, again, lifted)
    give_out_fairness(report, usual, alone, beside)
    give_out_api(report, told)
    give_out_streams(report, streams)
    report.note(
        "Told: the first message of the bot after asking; decided: the program's log says that it "
        f"has its place in the line, or is refused. The line has room for {_WAITING}, {_AT_ONCE} "
        f"answers are written at once, each of nine words, one every {_WORD_EVERY_S:g} s. The "
        f"platform takes {_USUAL_CALLS_PER_S} calls a second, so nobody could tell {plan.people} "
        f"people faster than in {plan.people / _USUAL_CALLS_PER_S:.0f} s; late: what came on top."
    )
    report.finish(
        {
            "usual": [asdict(one) for one in usual.seen],
            "again": [asdict(one) for one in again.seen],
            "lifted": [asdict(one) for one in lifted.seen],
            "api": [asdict(one) for one in told],
            "alone": [asdict(one) for one in alone],
            "beside": [asdict(one) for one in beside],
            "streams": {"statuses": Counter(one.status for one in streams.received)},
            "loop_lag_s": {"usual": usual.lag.counts, "lifted": lifted.lag.counts},
            "memory_mb": {"usual": asdict(usual.memory), "again": asdict(again.memory)},
        },
        lambda figure: _draw(figure, usual, lifted),
    )


async def rush(
    house: House,
    people: int,
    within_s: float,
    name: str,
    calls_per_s: int,
    *,
    held: bool = False,
) -> Rush:
    """A crowd that comes when the line is full. `held`: no answer comes to its end, and so no place
    is free, before everybody was told something."""
    url = house.program.url
    early = await fill(house, f"early {name}")
    before, lag = _memory_mb(house), await scrape(url, _LAG)
    crowd = Crowd(house, people, name)
    async with _sampled(partial(_memory_mb, house)) as samples:
        if not held:
            house.model.gate.set()
        await crowd.ask(within_s)
        await crowd.until_told()
        house.model.gate.set()
        await crowd.until_all_is_done()
    lag = await scrape(url, _LAG) - lag
    memory = Memory(before, max(samples), _memory_mb(house))
    seen, filled = tuple(crowd.seen()), tuple(one for some in early for one in some.seen())
    return Rush(calls_per_s, seen, memory, lag, filled)


async def fill(house: House, name: str) -> list[Crowd]:
    """The line to its last place, with people who ask with words; no answer comes to its end until
    the model's gate is opened."""
    house.model.gate.clear()
    answered = Crowd(house, _AT_ONCE, f"{name}, first", photos=False)
    await answered.ask(0.1)
    await _until(lambda: house.model.writing == _AT_ONCE)
    waiting = Crowd(house, _WAITING, f"{name}, then", photos=False)
    await waiting.ask(0.5)
    await _until(lambda: joined(house) == _AT_ONCE + _WAITING)
    return [answered, waiting]


async def _until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(_FULL_WITHIN_S):
        while not look():  # noqa: ASYNC110  (of another process)
            await asyncio.sleep(_LOOK_EVERY_S / 5)


@asynccontextmanager
async def started(
    calls_per_s: int = _USUAL_CALLS_PER_S, *, files: int = 0, **settings: object
) -> AsyncIterator[House]:
    """`files`: that it may open; 0: as many as we. At the end all invariants are checked."""
    flood = FloodRules(all_per_s=calls_per_s)
    more = {"LOG__LEVEL": "info", "LOG__FORMAT": "json", "API__MAX_AT_ONCE": 10_000}
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(flood=flood)
        housing = housed(
            Path(folder), emulator=emulator, pause_s=_WORD_EVERY_S, **(more | settings)
        )
        async with housing as house:
            house.program.module = "bench.lifted" if calls_per_s == CALLS_PER_S else "bot"
            await house.program.start()
            if files:  # before it listens
                resource.prlimit(house.program.pid, resource.RLIMIT_NOFILE, (files, files))
            await house.until_ready()
            await _warm_up(house)
            yield house
            await check_invariants(house)


async def _warm_up(house: House) -> None:
    """The processes that look at photos start with the first one."""
    first = Crowd(house, 2, "first")
    await first.ask(0.1)
    await first.until_all_is_done()


async def _usual(plan: Plan, report: Report) -> tuple[Rush, Rush, list[Told]]:
    async with started() as house:
        rushes = []
        for name in ("crowd", "second"):
            report.progress(f"{plan.people} people, 30 calls a second: {name}")
            rushes.append(await rush(house, plan.people, plan.within_s, name, _USUAL_CALLS_PER_S))
        report.progress(f"{plan.people} clients of the API")
        filled = await fill(house, "before the API")
        house.model.gate.set()
        told = await ask_api(house.program.url, plan.people, plan.within_s)
        for crowd in filled:
            await crowd.until_answered()
        return rushes[0], rushes[1], told


async def _lifted(plan: Plan, report: Report) -> tuple[Rush, list[Seen], list[Seen]]:
    async with started(CALLS_PER_S) as house:
        report.progress(f"one who asks fifty questions beside {_ASKERS}")
        alone, beside = await fairness(house)
        report.progress(f"{plan.people} people, {CALLS_PER_S} calls a second")
        return await rush(house, plan.people, plan.within_s, "lifted", CALLS_PER_S), alone, beside


async def fairness(house: House) -> tuple[list[Seen], list[Seen]]:
    """The same number of people twice, the second time behind one with fifty questions."""
    found = []
    for name in ("alone", "beside"):
        if name == "beside":
            glutton = house.emulator.person("Glutton")
            for number in range(50):
                glutton.says(f"glutton {number}?")
        crowd = Crowd(house, _ASKERS, name, photos=False)
        await crowd.ask(0.2)
        await crowd.until_answered()
        found.append(crowd.seen())
    return found[0], found[1]


async def _streams(plan: Plan, report: Report) -> Streams:
    async with started(files=_FILES, API__MAX_AT_ONCE=32) as house:
        report.progress(f"{plan.streams} streams")
        return await crowded(house, plan.streams)


async def crowded(house: House, streams: int) -> Streams:
    """Somebody on Telegram asks again and again while they are opened and held."""
    asker, answers = house.emulator.person("Asker"), list[float]()

    async def ask() -> None:
        for number in count():
            began = time.monotonic()
            asker.says(f"meanwhile {number}?")
            await house.until_answered(asker)
            answers.append(time.monotonic() - began)

    async with _sampled(partial(_open_files, house)) as files:
        asking = asyncio.create_task(ask())
        try:
            async with opened(house.program.url, streams) as received:
                so_far = len(answers)
                await house.until(lambda: len(answers) > so_far + 1)
        finally:
            asking.cancel()
        await house.until_answered(asker)
    output = house.program.output()
    return Streams(received, answers, max(files), sum(map(output.count, _EXHAUSTED)))


@asynccontextmanager
async def _sampled(look: Callable[[], float]) -> AsyncIterator[list[float]]:
    samples = [look()]

    async def sample() -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            samples.append(look())

    sampling = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        sampling.cancel()


def _memory_mb(house: House) -> float:
    program = psutil.Process(house.program.pid)
    everybody = [program, *program.children(recursive=True)]
    return float(sum(one.memory_info().rss for one in everybody)) / 2**20


def _open_files(house: House) -> float:
    return float(psutil.Process(house.program.pid).num_fds())


def give_out(report: Report, usual: Rush, again: Rush, lifted: Rush) -> None:
    rushes = {"the first": usual, "the second": again, "without the limit": lifted}
    report.table(_COLUMNS, [_row(name, one) for name, one in rushes.items()])
    report.count("heard_nothing", sum(one.lost for one in rushes.values()), at_most=0)
    for name, one in {"usual": usual, "lifted": lifted}.items():
        decided, told = one.times("decided_after"), one.times("told_after")
        report.figure(f"decided_{name}_max_s", max(decided), at_most=TOLD_WITHIN_S)
        target = TOLD_WITHIN_S if one is lifted else None
        report.figure(f"told_{name}_p50_s", percentile(told, 0.5))
        report.figure(f"told_{name}_max_s", max(told), at_most=target)
        report.figure(f"told_{name}_late_max_s", max(one.late()), at_most=TOLD_WITHIN_S)
        report.figure(f"loop_lag_{name}_p99_ms", 1000 * one.lag.quantile(0.99), at_most=LAG_MS)
    report.figure("memory_before_mb", usual.memory.before)
    report.figure("memory_peak_mb", usual.memory.peak)
    report.figure("memory_after_mb", usual.memory.after)
    more = again.memory.after - usual.memory.after
    report.figure("memory_more_after_second_mb", more, at_most=_MORE_MB)


def give_out_fairness(
    report: Report, usual: Rush, alone: Sequence[Seen], beside: Sequence[Seen]
) -> None:
    waits = [one.ended_after for one in usual.seen if one.answered and one.ended_after]
    report.ratio("jain_of_waits_in_line", jain(waits))
    report.ratio("longest_over_shortest_wait_in_line", max(waits) / min(waits))
    quiet, pushed = (
        percentile([one.ended_after for one in seen if one.ended_after], 0.95)
        for seen in (alone, beside)
    )
    report.ratio("wait_p95_beside_glutton_over_alone", pushed / quiet, at_most=_PUSHED_BACK)


def give_out_api(report: Report, told: Sequence[Told]) -> None:
    refused = [one for one in told if one.status == 429]
    bare = [one for one in told if one.status not in (200, 429) or one.is_bare]
    report.count("api_answered", len(told) - len(refused))
    report.count("api_refused", len(refused))
    report.count("api_neither_nor", len(bare), at_most=0)
    longest = max(one.took_s for one in refused)
    report.figure("api_refused_max_s", longest, at_most=TOLD_WITHIN_S)


def give_out_streams(report: Report, streams: Streams) -> None:
    times = [one.took_s for one in streams.received]
    rude = [one for one in streams.received if not one.is_polite]
    report.count("streams_received", sum(one.status == 200 for one in streams.received))
    report.count("streams_refused", sum(one.status in (429, 503) for one in streams.received))
    report.count("streams_reset_or_late", len(rude), at_most=0)
    report.count("most_open_files", int(streams.most_files), at_most=_FILES - 1)
    report.count("descriptors_exhausted", streams.exhausted, at_most=0)
    report.figure("stream_told_p50_s", percentile(times, 0.5))
    report.figure("stream_told_max_s", max(times))
    report.figure("telegram_answer_meanwhile_max_s", max(streams.answers))


def _row(name: str, one: Rush) -> list[object]:
    told, decided = one.times("told_after"), one.times("decided_after")
    shares = [percentile(told, 0.5), percentile(told, 0.95), max(told)]
    late = [percentile(decided, 0.95), max(decided)]
    return [name, len(one.seen), sum(seen.answered for seen in one.seen), *shares, *late]


def _draw(figure: Any, usual: Rush, lifted: Rush) -> None:  # Any: matplotlib's
    left, right = figure.subplots(1, 2)
    for axes, one, title in ((left, usual, "30 calls a second"), (right, lifted, "not limited")):
        for name in ("told", "decided"):
            seconds = sorted(one.times(f"{name}_after"))
            shares = [(place + 1) / len(seconds) for place in range(len(seconds))]
            axes.plot(seconds, shares, drawstyle="steps-post", label=name)
        axes.set_title(title)
        axes.set_xlabel("seconds after asking")
        axes.legend()


if __name__ == "__main__":
    sys.exit(main())
