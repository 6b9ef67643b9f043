"""Many people at once on Telegram: `python -m bench.chat [--quick] [--people 100]`. Ends with 1
when an answer of ours is lost.

The program as people start it, and a plain bot that edits its message every second
(naive_bot.py), on the strict Bot API server of the tests, one after the other. Both get the same
answers at the same pace (scripted.py), so that only the way to people differs. The server's limits
are a guess at Telegram's, on the strict side; nothing here was measured at Telegram itself.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from bench.report import Options, Report, parser, percentile
from bench.scripted import ScriptedModel, answer, question
from bot.markup import styled
from tests.e2e.program import ROOT, Program
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Call, Emulator

_LOOK_EVERY_S = 0.25
_TELL_EVERY_S = 5.0
_QUIET_S = 5.0  # without a call: nothing more will come
_LONGEST_S = 600.0
_START_S = 90.0
_COLUMNS = (
    "who",
    "finals lost",
    "429s",
    "calls though asked to wait",
    "first sign p50",
    "p95",
    "first words p50",
    "p95",
    "whole p50",
    "p95",
    "edits per answer",
    "all done",
)


@dataclass(frozen=True, slots=True)
class Plan:
    people: int = 100
    at_once: int = 32  # answers the model writes side by side
    length: int = 900  # characters of an answer
    pieces: int = 100
    pause_s: float = 0.1  # after each piece


FULL = Plan()
QUICK = Plan(at_once=50, length=500, pieces=40)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one person saw, in seconds after asking; None: never."""

    sign: float | None
    words: float | None
    whole: float | None


@dataclass(frozen=True, slots=True)
class Run:
    seen: tuple[Seen, ...]
    calls: int
    edits: int  # that were carried out
    refused: int  # 429
    early: int  # calls to a chat while the server had asked to wait
    took_s: float

    @property
    def lost(self) -> int:
        return sum(one.whole is None for one in self.seen)


@dataclass(frozen=True, slots=True)
class Contestant:
    """`start`: inside, it runs and writes its log to the file. `shown`: Markdown as people see it
    in the end."""

    name: str
    start: Callable[[Emulator, ScriptedModel, Path, Plan], AbstractAsyncContextManager[Path]]
    shown: Callable[[str], str]


def main() -> int:
    """The exit code."""
    arguments = parser("many people at once on Telegram, against a plain bot")
    arguments.add_argument("--people", type=int, default=FULL.people)
    given = arguments.parse_args()
    base = QUICK if given.quick else FULL
    plan = Plan(given.people, base.at_once, base.length, base.pieces, base.pause_s)
    report = Report("chat", Options(given.out, given.quick), **asdict(plan))
    asyncio.run(bench(plan, report))
    return 1 if report.counts["finals_lost"] else 0


async def bench(plan: Plan, report: Report) -> None:
    ours = await _run(_OURS, plan, report)
    naive = await _run(_NAIVE, plan, report)
    report.table(_COLUMNS, [_row(_OURS.name, ours), _row(_NAIVE.name, naive)])
    report.count("finals_lost", ours.lost, at_most=0)
    report.count("too_many_requests", ours.refused)
    report.count("early_calls", ours.early, at_most=0)
    report.count("finals_lost_naive", naive.lost)
    report.count("too_many_requests_naive", naive.refused)
    report.count("early_calls_naive", naive.early)
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        ours_s, naive_s = (_percentile(run, "words", share) for run in (ours, naive))
        if ours_s and naive_s:
            report.ratio(f"first_words_{name}_naive_over_ours", naive_s / ours_s)
    report.ratio("calls_naive_over_ours", naive.calls / ours.calls)
    report.note(
        "Seconds after asking. First sign: any message of the bot; first words: of the answer; "
        "whole: the complete answer, formatted where the bot formats. Who never saw it is left out "
        "of the times and counted under finals lost."
    )
    report.finish({"visionbot": asdict(ours), "naive": asdict(naive)})


async def _run(who: Contestant, plan: Plan, report: Report) -> Run:
    report.progress(f"{who.name}: starts")
    model = ScriptedModel(
        at_once=plan.at_once, length=plan.length, pieces=plan.pieces, pause_s=plan.pause_s
    )
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Emulator() as emulator,
            model,
            who.start(emulator, model, Path(folder), plan) as log,
        ):
            watch = _Watch(who, emulator, model, plan)
            try:
                await watch.warm_up()
            except TimeoutError:
                raise SystemExit(f"{who.name} is silent:\n{log.read_text()[-4000:]}") from None
            await watch.ask()
            await watch.until_done(lambda text: report.progress(f"{who.name}: {text}"))
            return watch.result()


class _Watch:
    """All ask at the same moment; then we look what each of them sees."""

    def __init__(
        self, who: Contestant, emulator: Emulator, model: ScriptedModel, plan: Plan
    ) -> None:
        self._emulator, self._model, self._plan = emulator, model, plan
        self._shown = who.shown
        self._people: list[Person] = []
        self._asked: list[float] = []
        self._first_call = self._first_early = 0
        self._began = 0.0

    async def warm_up(self) -> None:
        """One question that does not count: the program, its decoder, the connections are there.
        Its first words are enough, for a naive bot may lose the rest."""
        person = self._emulator.person("first")
        person.sends_photo(_photo(0), question(0))
        self._began = time.monotonic()
        while (now := time.monotonic()) - self._began < _START_S:
            if self._has_words(person, 0) and self._is_quiet(now):
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        raise TimeoutError

    async def ask(self) -> None:
        self._first_call = len(self._emulator.calls)
        self._first_early = len(self._emulator.flood.early)
        photos = [_photo(number) for number in range(1, self._plan.people + 1)]
        self._people = [self._emulator.person(f"person {n}") for n in range(len(photos))]
        self._began = time.monotonic()
        for number, (person, photo) in enumerate(zip(self._people, photos, strict=True), 1):
            self._asked.append(time.monotonic())
            person.sends_photo(photo, question(number))

    async def until_done(self, tell: Callable[[str], None]) -> None:
        told = 0.0
        while (now := time.monotonic()) - self._began < _LONGEST_S:
            done = sum(self._seen(number).whole is not None for number in self._numbers())
            if done == len(self._people) or self._is_quiet(now):
                tell(f"{done} of {len(self._people)} have their answer")
                return
            if now - told > _TELL_EVERY_S:
                told = now
                tell(f"{done} of {len(self._people)} have their answer")
            await asyncio.sleep(_LOOK_EVERY_S)

    def result(self) -> Run:
        calls = self._calls()
        seen = tuple(self._seen(number) for number in self._numbers())
        ends = [
            asked + one.whole for asked, one in zip(self._asked, seen, strict=True) if one.whole
        ]
        return Run(
            seen,
            calls=len(calls),
            edits=sum(call.method == "editMessageText" and call.status == 200 for call in calls),
            refused=sum(call.status == 429 for call in calls),
            early=len(self._emulator.flood.early) - self._first_early,
            took_s=max(ends, default=time.monotonic()) - self._began,
        )

    def _numbers(self) -> range:
        return range(1, len(self._people) + 1)

    def _calls(self) -> list[Call]:
        calls = self._emulator.calls[self._first_call :]
        return [call for call in calls if call.method != "getUpdates"]

    def _is_quiet(self, now: float) -> bool:
        newest = max((call.at for call in self._calls()), default=self._began)
        return not self._model.answering and now - max(newest, self._began) > _QUIET_S

    def _has_words(self, person: Person, number: int) -> bool:
        said = self._emulator.said(person.chat)
        return any(_words(number) in version.text for one in said for version in one.versions)

    def _seen(self, number: int) -> Seen:
        asked, person = self._asked[number - 1], self._people[number - 1]
        versions = [
            version for message in self._emulator.said(person.chat) for version in message.versions
        ]

        def first(fits: Callable[[str], bool]) -> float | None:
            return next((one.at - asked for one in versions if fits(one.text)), None)

        whole = self._whole(number)
        return Seen(
            first(bool),
            first(lambda text: _words(number) in text),
            first(lambda text: text == whole),
        )

    def _whole(self, number: int) -> str:
        return self._shown(answer(number, self._plan.length))


@asynccontextmanager
async def _visionbot(
    emulator: Emulator, model: ScriptedModel, folder: Path, plan: Plan
) -> AsyncIterator[Path]:
    program = Program(
        folder,
        TELEGRAM__BASE_URL=emulator.url,
        TELEGRAM__TOKEN=emulator.token,
        ENGINE__KIND="remote",
        ENGINE__BASE_URL=model.url,
        ENGINE__MAX_SEQUENCES=plan.at_once,
        LINE__MAX_WAITING=max(64, plan.people),
        LOG__LEVEL="info",
    )
    await program.start()
    try:
        yield folder / "program.log"
    finally:
        await program.stop()
        await program.clean_up()


@asynccontextmanager
async def _naive_bot(
    emulator: Emulator, model: ScriptedModel, folder: Path, plan: Plan
) -> AsyncIterator[Path]:
    command = [sys.executable, "-m", "bench.naive_bot", "--telegram", emulator.url]
    command += ["--token", emulator.token, "--model", model.url]
    file = folder / "naive.log"
    with file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield file
    finally:
        process.kill()
        await process.wait()


def _words(number: int) -> str:
    """The first ones of its answer."""
    return f"Photo {number}"


def _photo(number: int) -> bytes:
    """A photo that no other person has, or it would be looked at only once."""
    out = io.BytesIO()
    colour = (200, 30 + number % 200, 30 + number // 200)
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def _percentile(run: Run, what: str, share: float) -> float | None:
    """None: nobody saw it."""
    times = [found for one in run.seen if (found := getattr(one, what)) is not None]
    return percentile(times, share) if times else None


def _row(name: str, run: Run) -> list[object]:
    times = [
        _percentile(run, what, share)
        for what in ("sign", "words", "whole")
        for share in (0.5, 0.95)
    ]
    edits = run.edits / len(run.seen)
    return [name, run.lost, run.refused, run.early, *times, edits, run.took_s]


_OURS = Contestant("visionbot", _visionbot, lambda markdown: styled(markdown).text)
_NAIVE = Contestant("naive edits", _naive_bot, str)

if __name__ == "__main__":
    sys.exit(main())
