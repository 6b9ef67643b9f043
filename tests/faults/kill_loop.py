"""Kills the program while people ask, again and again: `python -m tests.faults.kill_loop`.

SIGKILL of the bot at random moments and at each named point of tests/faults/crashing.py, of the
engine's own process, and of both, with flood errors, lost replies, resets and silence between them.
In the end nothing may be lost, nothing answered twice, and at most one message of waiting in twenty
questions stands behind.

The first part is asked of EchoModel, which knows the whole answer to the letter and lets the
program start at once; the second part, on the same database, of the demo model in an engine process
of its own, which can be killed and takes some seconds to load. `--demo 0` leaves that out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from tests.e2e.drawing import photo
from tests.emulators.telegram.chats import Message
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.people import Person
from tests.faults.asked import LONG, Asked
from tests.faults.crashing import POINTS, WHERE_TOLD
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants, orphans
from tests.faults.records import records, until_all_ended
from tests.postgres import Cluster, programs

Kind = Literal["lost", "reset", "body", "silence", "cut"]

ROOT = Path(__file__).parents[2]
MOST_ORPHANS = 0.05  # of the questions
# what a question on Telegram never comes to; "poison" is for one that deserves it
_ELSEWHERE = ("poison", "dispatcher", "postman", "after_put", "letter", "page", "call", "keeping_")
_OF_LONG_ONES = ("after_key", "after_continuing")
_OF_PHOTOS_ALONE = ("after_keeping", "before_photo_end")
_ODD = "unexplained"  # a cause of which nobody knows
_POINT_S = 15.0  # until it comes there
_ENGINE_S = 30.0  # until there is one; it loads the model
_SOON_S = 3.0
_DISTURBANCES: tuple[tuple[str, Kind, float], ...] = (
    ("sendMessage", "lost", 0.03),
    ("sendMessage", "reset", 0.05),
    ("sendMessage", "silence", 0.01),
    ("sendMessage", "body", 0.03),
    ("editMessageText", "lost", 0.1),
    ("editMessageText", "reset", 0.05),
    ("editMessageText", "silence", 0.02),
    ("editMessageText", "body", 0.05),
    ("getUpdates", "lost", 0.1),
    ("getUpdates", "body", 0.05),
    ("getFile", "reset", 0.05),
    ("file", "cut", 0.05),
)
_DEMO_HELP = "of the kills come while the demo model answers, the others while EchoModel does (0.4)"
_MOST_ATTEMPTS = 1000  # nobody asks for death here
_PATIENCE_S = 180.0
_SETTINGS = {
    "LINE__MAX_ATTEMPTS": _MOST_ATTEMPTS,
    "LINE__MAX_WAITING": 1000,
    "LINE__MAX_WAIT_S": 86_400,  # a busy machine may take its time
    "FALLBACK__AFTER_S": 3600,  # it starts so slowly that people are told of it
    "SAFETY__CANARY": "off",
    "PHOTOS__TOGETHER_S": 2.0,  # on a busy machine an album takes long to arrive
    "PHOTOS__WAIT_S": 0,  # else a photo alone would be meant for what was asked before it
    "ANSWERS__MAX_TOKENS": 60,
    "CACHE__ANSWERS": "false",
}
_DEMO = {"ENGINE__KIND": "local", "ENGINE__BASE_URL": "", "ENGINE__MODEL": "demo"}


@dataclass
class Report:
    """As kill_loop.json has it."""

    date: str
    commit: str
    command: str
    storage: str
    seed: int
    questions: int = 0
    with_photos: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    orphans_by_cause: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # what was lost, repeated or cut
    seconds: float = 0.0
    integrity: str = "ok"

    @property
    def is_good(self) -> bool:
        few = self.counts["orphans"] <= MOST_ORPHANS * self.questions
        whole = self.integrity == "ok" and _ODD not in self.orphans_by_cause
        return whole and few and not any(self.counts[key] for key in ("lost", "twice", "no_photo"))


class KillLoop:
    def __init__(self, house: House, report: Report, *, kills: int, questions: int, demo: float):
        """`demo`: the share of the kills while the demo model answers."""
        self._house = house
        self._report = report
        self._kills = kills
        self._questions = questions
        self._demo_from = round(kills * (1 - demo))
        self._is_demo = False
        self._chance = random.Random(report.seed)
        self._asked: list[Asked] = []
        self._halves: list[tuple[Person, Message]] = []  # photos whose question comes later
        self._killed_at: list[float] = []
        self._point = ""  # at which it was told to die
        self._counted: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    async def run(self, *, shown: bool) -> None:
        began = time.monotonic()
        points = [name for name in POINTS if not any(one in name for one in _ELSEWHERE)]
        with tqdm(total=self._kills, unit="kill", mininterval=5.0, disable=not shown) as progress:
            while (number := self._counted.total()) < self._kills:
                await self._round(number, points[number // 2 % len(points)])
                progress.update(self._counted.total() - number)
        await self._finish()
        self._report.seconds = round(time.monotonic() - began, 1)

    async def _round(self, number: int, point: str) -> None:
        demo = number >= self._demo_from
        if demo and not self._is_demo:
            await self._switch()
        if not self._house.program.is_running():
            await self._start()
        self._ask(until=self._questions * (number + 1) // self._kills)
        self._disturb()
        if demo:
            await self._kill_with_engine()
        elif number % 2:
            await self._kill_at_random()
        else:
            await self._kill_at(point)

    async def _start(self) -> None:
        more: dict[str, object] = dict(_DEMO) if self._is_demo else {}
        await self._house.program.start(crash_at=WHERE_TOLD, settings=more)

    async def _switch(self) -> None:
        """To the demo model; what was asked of EchoModel is answered by it."""
        if not self._house.program.is_running():
            await self._start()
        self._ask_halves()
        await self._until_all_answered()
        with suppress(TimeoutError):  # then something is lost, which is told in the end
            await until_all_ended(self._house, within_s=_PATIENCE_S)
        await self._house.program.stop()
        self._is_demo = True

    def _ask(self, *, until: int) -> None:
        self._ask_halves()
        while len(self._asked) + len(self._halves) < until:
            self._ask_one()

    def _ask_one(self) -> None:
        words = f"Question {len(self._asked) + len(self._halves)}?"
        person = self._somebody()
        kind = self._chance.choice(["photo", "photo", "album", "photo then words", "words"])
        colours = self._chance.sample(["red", "green", "blue", "yellow", "black"], k=3)
        photos = [photo("circle", colour, edge=96) for colour in colours]
        if kind == "photo then words":
            self._halves.append((person, person.sends_photo(photos[0])))
            return
        if kind == "photo":
            messages, photos = [person.sends_photo(photos[0], words)], photos[:1]
        elif kind == "album":
            messages = person.sends_album(photos, words)[:1]
        else:
            messages, photos = [person.says(words)], []
        self._note_question(person, words, messages, photos=len(photos))

    def _ask_halves(self) -> None:
        """Of photos that were sent alone before the last death."""
        for person, sent in self._halves:
            words = f"Question {len(self._asked)} about what I sent?"
            self._note_question(person, words, [sent, person.says(words)], photos=1)
        self._halves.clear()

    def _ask_at_length(self) -> None:
        person = self._house.emulator.person(f"Person {len(self._house.emulator.people)}")
        words = f"Question {len(self._asked)}".ljust(4090, ".")
        self._note_question(person, words, [person.says(words)], photos=0)

    def _note_question(
        self, person: Person, words: str, messages: list[Message], *, photos: int
    ) -> None:
        of_echo = not self._is_demo
        self._asked.append(Asked(person, words, messages, photos, of_echo))

    def _somebody(self) -> Person:
        """Who waits for nothing; else somebody new."""
        emulator = self._house.emulator
        busy = {one.person.id for one in self._asked if not one.is_answered(self._house)}
        busy |= {person.id for person, _ in self._halves}
        busy |= {one.person.id for one in self._asked if len(one.words) > LONG}
        free = [one for one in emulator.people[1:] if one.id not in busy]  # the first is the boss
        if free and self._chance.random() < 0.7:
            return self._chance.choice(free)
        return emulator.person(f"Person {len(emulator.people)}")

    def _disturb(self) -> None:
        emulator, chance = self._house.emulator, self._chance
        if self._asked and chance.random() < 0.2:
            emulator.flood.ban(chance.choice(self._asked[-5:]).person.chat.id, chance.randint(1, 4))
            self._faults["flood"] += 1
        for method, kind, share in _DISTURBANCES:
            if chance.random() < share and not emulator.faults.left(method):
                emulator.faults.plan(method, Fault(kind))
                self._faults[f"{kind} of {method}"] += 1

    async def _kill_at(self, point: str) -> None:
        if point in _OF_LONG_ONES:
            self._ask_at_length()
        elif point in _OF_PHOTOS_ALONE:
            person = self._somebody()
            sent = person.sends_photo(photo("circle", "red", edge=96))
            self._halves.append((person, sent))
        else:
            self._ask_one()
        self._point = point
        self._house.program.crash_at(point)
        await self._kill_within(_POINT_S)

    async def _kill_at_random(self) -> None:
        await self._kill_within(self._chance.uniform(0.2, 3.5))

    async def _kill_within(self, seconds: float) -> None:
        """If it has not come to the point that it was told by then."""
        with suppress(TimeoutError):
            code = await self._house.program.ended(within_s=seconds)
            assert code == -signal.SIGKILL, self._house.program.output()[-4000:]
            self._note("bot at a point")
            self._points[self._point] += 1
        await self._kill_bot("bot")

    async def _kill_with_engine(self) -> None:
        kind = self._chance.choice(["bot", "engine", "engine", "both"])
        if kind == "bot":
            await asyncio.sleep(self._chance.uniform(1.0, 8.0))
            return await self._kill_bot("bot, demo model")
        for engine in await self._engines():
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)
        self._note(kind) if kind == "engine" else await self._kill_bot(kind)

    async def _engines(self) -> list[int]:
        """Once there is one, and a moment later."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENGINE_S):
                while self._house.program.is_running() and not self._house.program.engines():  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.1)
        await asyncio.sleep(self._chance.uniform(0.5, 8.0))
        return self._house.program.engines()

    async def _kill_bot(self, kind: str) -> None:
        if self._house.program.is_running():
            await self._house.program.kill()
            self._note(kind)

    def _note(self, kind: str) -> None:
        self._killed_at.append(time.monotonic())
        self._counted[kind] += 1

    async def _finish(self) -> None:
        """The last start, which nobody disturbs."""
        if not self._house.program.is_running():
            await self._start()
        self._ask_halves()
        await self._until_all_answered()
        report = self._report
        try:
            await check_invariants(self._house, most_attempts=_MOST_ATTEMPTS, within_s=_PATIENCE_S)
        except AssertionError as error:
            report.integrity = str(error)[:2000]
        report.questions = len(self._asked)
        report.with_photos = sum(one.photos > 0 for one in self._asked)
        report.kills = dict(self._counted)
        report.points, report.faults = dict(self._points), dict(self._faults)
        report.counts = await self._counts()

    async def _until_all_answered(self) -> None:
        """What is not by then is lost."""
        with suppress(TimeoutError):
            await self._house.emulator.until(
                lambda: all(one.is_answered(self._house) for one in self._asked),
                within_s=_PATIENCE_S,
            )

    async def _counts(self) -> dict[str, int]:
        async with records(self._house) as ask:
            rows = await ask(
                "SELECT inbox.chat, inbox.message, turns.photos FROM turns JOIN inbox"
                " ON inbox.id = turns.inbox_id WHERE turns.role = 'user'"
            )
        found = {(chat, message): len(json.loads(photos)) for chat, message, photos in rows}
        seen = [
            (one, found.get((str(one.person.id), str(one.messages[-1].id)))) for one in self._asked
        ]
        lost = [one.words[:30] for one in self._asked if not one.is_answered(self._house)]
        answers = [(one, one.answers(self._house)) for one in self._asked]
        twice = [f"{one.words[:30]}: {said}" for one, said in answers if len(said) > 1]
        cut = [f"{one.words[:30]}: {n} of {one.photos}" for one, n in seen if n != one.photos]
        left = await orphans(self._house)
        causes = list(map(self._cause, left))
        odd = [self._told(one) for one, cause in zip(left, causes, strict=True) if cause == _ODD]
        self._report.orphans_by_cause = dict(Counter(causes))
        self._report.wrong = [*lost, *twice, *cut, *odd]
        sizes = len(lost), len(twice), len(cut), len(left)
        return dict(zip(("lost", "twice", "no_photo", "orphans"), sizes, strict=True))

    def _cause(self, orphan: Message) -> str:
        """Why nobody knows its id."""
        sent_at = orphan.versions[0].at
        calls = self._house.emulator.calls_of("sendMessage")
        unheard = (
            call.status == 0
            and call.fields.get("chat_id") == str(orphan.chat)
            and call.at >= sent_at - 1
            for call in calls
        )
        if any(0 <= at - sent_at < _SOON_S for at in self._killed_at):
            return "killed before its id was kept"
        return "the reply with its id was lost" if any(unheard) else _ODD

    def _told(self, orphan: Message) -> str:
        """What may explain it yet."""
        sent_at = orphan.versions[0].at
        kills = [round(at - sent_at, 1) for at in self._killed_at if -10 < at - sent_at < 60]
        calls = [
            f"{call.method} {call.status} {call.at - sent_at:+.1f} s"
            for call in self._house.emulator.calls
            if call.fields.get("chat_id") == str(orphan.chat) and -10 < call.at - sent_at < 60
        ]
        return (
            f"{_ODD}: {orphan.text[:30]!r} in chat {orphan.chat}, killed {kills} s later, {calls}"
        )


async def kill_loop(
    folder: Path,
    *,
    kills: int,
    questions: int,
    demo: float,
    url: str = "",
    seed: int = 1,
    shown: bool = False,
) -> Report:
    """`url`: of an empty PostgreSQL database; without it the program has its own file. `shown`: how
    far it is."""
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    storage = "PostgreSQL" if url else "SQLite"
    report = Report(day, _commit(), "", storage, seed)
    settings: dict[str, object] = dict(_SETTINGS) | ({"STORAGE__URL": url} if url else {})
    async with housed(folder, pause_s=0.05, **settings) as house:
        await KillLoop(house, report, kills=kills, questions=questions, demo=demo).run(shown=shown)
    return report


def _commit() -> str:
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0],
        epilog="At least 200 kills take about 20 minutes on two free cores.",
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--demo", type=float, default=0.4, metavar="SHARE", help=_DEMO_HELP)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", default="", help="of an empty PostgreSQL database")
    where.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write kill_loop.json there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill_loop-") as folder, ExitStack() as stack:
        url = _own_server(stack) if given.postgres else given.url
        report = asyncio.run(
            kill_loop(
                Path(folder),
                kills=given.kills,
                questions=given.questions,
                demo=given.demo,
                url=url,
                seed=given.seed,
                shown=True,
            )
        )
    given_url = "postgresql://..." if given.url else ""  # it may hold a password
    words = [given_url if word == given.url and word else word for word in sys.argv[1:]]
    report.command = shlex.join(["python", "-m", "tests.faults.kill_loop", *words])
    told = json.dumps(asdict(report), indent=1)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "kill_loop.json").write_text(f"{told}\n", "utf-8")
    sys.stdout.write(f"{told}\n")
    return 0 if report.is_good else 1


def _own_server(stack: ExitStack) -> str:
    """Its url; it ends with the stack."""
    found = programs()
    if found is None:
        raise SystemExit("kill_loop: there is no PostgreSQL here; run make postgres")
    cluster = stack.enter_context(Cluster(found))
    return cluster.url().get_secret_value()


if __name__ == "__main__":
    sys.exit(main())
