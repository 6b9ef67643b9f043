"""Does anything grow? `python -m bench.soak [--minutes 10] [--quick]`. Ends with 1 when memory,
tasks or open files do.

The program as people start it, with the demo model, is asked without a pause, each time about a
photo that it has never seen. The first part of the run, in which caches fill, is not counted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.api import until_ready
from bench.clients import Crowd, photos
from bench.memory import descendants
from bench.report import Options, Report, parser
from bench.scrape import values
from tests.e2e.program import Program

_CLIENTS = 8
_LOOK_EVERY_S = 5.0
_WARM_SHARE = 0.4
_MINUTES, _QUICK_MINUTES = 10.0, 1.0
_MOST_MB_PER_HOUR = 60.0
_MOST_MORE = 5  # tasks or files between the halves of what is counted


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    memory_mb: float  # of all its processes
    own_mb: float  # of the program alone, without the engine's and the photos' processes
    files: int
    tasks: int


_COUNTED: dict[str, Callable[[Sample], int]] = {
    "more_tasks": lambda one: one.tasks,
    "more_files": lambda one: one.files,
}


def main() -> int:
    """The exit code."""
    arguments = parser("does anything grow while it is asked without a pause")
    arguments.add_argument("--minutes", type=float, help="10, or with --quick 1")
    given = arguments.parse_args()
    minutes = given.minutes or (_QUICK_MINUTES if given.quick else _MINUTES)
    report = Report("soak", Options(given.out, given.quick), model="demo", minutes=minutes)
    asyncio.run(bench(minutes * 60, report))
    grows = any(report.counts[name] > _MOST_MORE for name in _COUNTED)
    # in a minute no slope of the memory can be seen
    return (
        1 if grows or (not given.quick and report.ratios["mb_per_hour"] > _MOST_MB_PER_HOUR) else 0
    )


async def bench(seconds: float, report: Report) -> None:
    with TemporaryDirectory() as folder:
        before = descendants()
        program = Program(Path(folder), LINE__MAX_PER_PERSON=64, LOG__LEVEL="warning")
        await program.start()
        try:
            await until_ready(program)
            look = partial(_look, program, before)
            samples, answers = await _soak(program.url, seconds, look, report)
        finally:
            await program.stop()
            await program.clean_up()
    give_out(report, samples, answers)


async def _soak(
    url: str, seconds: float, look: Callable[[float], Awaitable[Sample]], report: Report
) -> tuple[list[Sample], int]:
    began, samples, answers = time.monotonic(), list[Sample](), 0
    for number in count():
        if time.monotonic() - began >= seconds:
            return samples, answers
        crowd = Crowd(_CLIENTS, 2, 32, f"soak {number}")
        taken = await asyncio.to_thread(photos, crowd)
        heard = await crowd.ask(url, "demo", taken)
        answers += sum(one.status == 200 for one in heard)
        at = time.monotonic() - began
        if not samples or at - samples[-1].at_s >= _LOOK_EVERY_S:
            samples.append(await look(at))
            report.progress(f"{answers} answers, {samples[-1].memory_mb:.0f} MB")
    raise AssertionError


async def _look(program: Program, before: frozenset[int], at_s: float) -> Sample:
    told = await values(program.url)
    processes = [psutil.Process(pid) for pid in descendants() - before]
    memory = sum(process.memory_info().rss for process in processes)
    files = sum(process.num_fds() for process in processes)
    own = psutil.Process(program.pid).memory_info().rss
    return Sample(at_s, memory / 2**20, own / 2**20, files, int(told["visionbot_tasks"]))


def give_out(report: Report, samples: Sequence[Sample], answers: int) -> None:
    counted = samples[int(len(samples) * _WARM_SHARE) :]
    middle = len(counted) // 2
    early, late = counted[:middle], counted[middle:]
    slope = _slope([(one.at_s, one.memory_mb) for one in counted]) * 3600
    own_slope = _slope([(one.at_s, one.own_mb) for one in counted]) * 3600
    report.table(
        ("minute", "memory, MB", "the program's own", "open files", "tasks"),
        [(one.at_s / 60, one.memory_mb, one.own_mb, one.files, one.tasks) for one in samples],
    )
    report.count("answers", answers)
    for name, of in _COUNTED.items():
        more = fmean(map(of, late)) - fmean(map(of, early))
        report.count(name, round(more), at_most=_MOST_MORE)
    report.ratio("mb_per_hour", slope, at_most=_MOST_MB_PER_HOUR)
    report.figure("own_mb_per_hour", own_slope)
    report.note(
        f"The first {_WARM_SHARE:.0%} of the run is not counted. mb_per_hour: the slope of the line"
        " through all that is; own_mb_per_hour: of the program without the processes of its engine"
        " and its photos; more_tasks, more_files: the mean of its second half less that of its"
        " first."
    )
    report.finish([asdict(one) for one in samples], lambda figure: _draw(figure, samples))


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line with the least squares."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def _draw(figure: Any, samples: Sequence[Sample]) -> None:  # Any: matplotlib's
    minutes = [one.at_s / 60 for one in samples]
    for axes, of in zip(figure.subplots(1, 3), ("memory_mb", "files", "tasks"), strict=True):
        axes.plot(minutes, [getattr(one, of) for one in samples])
        axes.set_title(of.replace("_mb", ", MB"))
        axes.set_xlabel("minutes")
        axes.set_ylim(bottom=0)


if __name__ == "__main__":
    sys.exit(main())
