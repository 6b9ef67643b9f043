"""Many people who write to the bot within seconds while its line is full: what each of them sees,
and when. Nothing is taken from the program but its log, its metrics and its database."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from PIL import Image

from bot.storage.soundness import FILE
from tests.emulators.telegram.people import Person
from tests.faults.house import House
from tests.faults.model import answer_to

_LOOK_EVERY_S = 0.5
_LONGEST_S = 600.0
_DECIDED = ("joined the line", "has its end before its turn")  # of a line in the program's log


@dataclass(frozen=True, slots=True)
class Seen:
    """One person with one question; seconds since the first one asked, None: never."""

    asked: float
    decided: float | None  # the program had given it a place, or refused it
    told: float | None  # the first message of the bot
    ended: float | None  # the whole answer, or the words that there will be none
    answered: bool
    end: str  # as the program's database has it

    @property
    def is_lost(self) -> bool:
        """They heard nothing, or not what the program believes, or it has no end."""
        known = {"answered": self.answered, "refused": not self.answered}
        return self.told is None or not known.get(self.end, False)

    @property
    def told_after(self) -> float | None:
        return None if self.told is None else self.told - self.asked

    @property
    def decided_after(self) -> float | None:
        return None if self.decided is None else self.decided - self.asked

    @property
    def ended_after(self) -> float | None:
        return None if self.ended is None else self.ended - self.asked


class Crowd:
    """`ask`, `until_...`, then `seen`."""

    def __init__(self, house: House, people: int, name: str, *, photos: bool = True) -> None:
        """`name`: no other crowd's. `photos`: every other one shows a photo."""
        self._house = house
        self._questions = [f"{name} {number}?" for number in range(people)]
        self._people = [house.emulator.person(one) for one in self._questions]
        self._photos = [_photo(name, n) if photos and n % 2 else None for n in range(people)]
        self._asked: list[float] = []

    async def ask(self, within_s: float) -> None:
        """Evenly, each person once."""
        began = time.monotonic()
        every_s = within_s / len(self._people)
        for number, person in enumerate(self._people):
            await asyncio.sleep(max(0.0, began + number * every_s - time.monotonic()))
            self._asked.append(time.monotonic())
            photo, question = self._photos[number], self._questions[number]
            if photo is None:
                person.says(question)
            else:
                person.sends_photo(photo, question)

    async def until_answered(self) -> None:
        """All of them; others may wait."""
        await self._house.until_answered(*self._people, within_s=_LONGEST_S)

    async def until_told(self) -> None:
        """Each of them something."""
        people = self._people
        await self._house.until(lambda: all(map(self._was_told, people)), within_s=_LONGEST_S)

    async def until_all_is_done(self) -> None:
        """Raises TimeoutError; who heard nothing is seen in `seen`."""
        async with asyncio.timeout(_LONGEST_S):
            while not self._is_over():  # noqa: ASYNC110  (of another process)
                await asyncio.sleep(_LOOK_EVERY_S)

    def seen(self) -> list[Seen]:
        decided, ends = _decided(self._house), _ends(self._house)
        chats = [str(person.chat.id) for person in self._people]
        return [
            self._seen(number, decided.get(chat), ends.get(chat, ""))
            for number, chat in enumerate(chats)
        ]

    def _is_over(self) -> bool:
        return not _entries(self._house, "state IN ('new', 'waiting')") and all(
            map(self._was_told, self._people)
        )

    def _was_told(self, person: Person) -> bool:
        return bool(self._house.emulator.said(person.chat))

    def _seen(self, number: int, decided: float | None, end: str) -> Seen:
        began, asked = self._asked[0], self._asked[number]
        said = self._house.emulator.said(self._people[number].chat)
        versions = [version for message in said for version in message.versions]
        answer = answer_to(self._questions[number])
        whole = next((one for one in versions if one.text == answer), None)
        last = whole or (versions[-1] if versions else None)
        return Seen(
            asked - began,
            None if decided is None else decided - began,
            versions[0].at - began if versions else None,
            None if last is None else last.at - began,
            whole is not None,
            end,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """One request to the API."""

    status: int  # 0: no answer came
    retry_after: str | None
    took_s: float

    @property
    def is_bare(self) -> bool:
        """Refused without a word on when to come again."""
        return self.status == 429 and not self.retry_after


async def ask_api(url: str, clients: int, within_s: float) -> list[Told]:
    """Each asks once, and waits for the answer to its end."""
    connector = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=_LONGEST_S)
    async with aiohttp.ClientSession(connector=connector, timeout=patience) as session:
        asking = [
            _ask(session, url, number, number * within_s / clients) for number in range(clients)
        ]
        return await asyncio.gather(*asking)


def joined(house: House) -> int:
    """Entries that have their place in the line, or are being answered."""
    return _entries(house, "state = 'waiting'")


def jain(waits: Sequence[float]) -> float:
    """How evenly they are spread: 1 if all wait equally long, 1/n if one alone waits.
    Jain, Chiu, Hawe 1984."""
    squares = sum(wait * wait for wait in waits)
    return sum(waits) ** 2 / (len(waits) * squares) if squares else 1.0


def ideal(asked: Sequence[float], calls_per_s: float) -> list[float]:
    """When each could have been told at the earliest, one after the other as they asked, if the
    platform takes so many calls in any second and nothing else were sent."""
    most = int(calls_per_s)
    times: list[float] = []
    for place, moment in enumerate(sorted(asked)):
        times.append(max(moment, times[place - most] + 1.0) if place >= most else moment)
    return times


async def _ask(session: aiohttp.ClientSession, url: str, number: int, after_s: float) -> Told:
    await asyncio.sleep(after_s)
    began = time.monotonic()
    body = {"model": "echo", "messages": [{"role": "user", "content": f"api {number}?"}]}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            await response.read()
            retry_after = response.headers.get("Retry-After")
            return Told(response.status, retry_after, time.monotonic() - began)
    except aiohttp.ClientError:
        return Told(0, None, time.monotonic() - began)


def _entries(house: House, which: str) -> int:
    with closing(sqlite3.connect(house.program.data_dir / FILE)) as db:
        found = db.execute(f"SELECT COUNT(*) FROM inbox WHERE {which}")  # nosec B608  (ours alone)
        return int(found.fetchone()[0])


def _ends(house: House) -> dict[str, str]:
    """By chat, of its newest entry."""
    with closing(sqlite3.connect(house.program.data_dir / FILE)) as db:
        return dict(db.execute("SELECT chat, state FROM inbox ORDER BY id"))


def _decided(house: House) -> dict[str, float]:
    """By chat, in monotonic seconds: when the program had decided about its newest entry. The log
    must be JSON of level "info"."""
    with closing(sqlite3.connect(house.program.data_dir / FILE)) as db:
        chats = dict(db.execute("SELECT 'entry-' || id, chat FROM inbox"))
    ahead_s = time.time() - time.monotonic()
    found = {}
    for line in house.program.output().splitlines():
        if line.startswith("{") and any(words in line for words in _DECIDED):
            told = json.loads(line)
            if chat := chats.get(told["request"]):
                found[chat] = datetime.fromisoformat(told["time"]).timestamp() - ahead_s
    return found


def _photo(name: str, number: int) -> bytes:
    """One that nobody else has, or it would be looked at only once."""
    out = io.BytesIO()
    colour = (zlib.crc32(name.encode()) % 256, number % 256, number // 256)
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()
