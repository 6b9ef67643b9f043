"""The engine dies in the middle of fifty talks and stays away: nobody is left without a word, and
in the end everybody has one answer."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from bot.texts import TEXTS
from inference.images.reading import is_readable
from tests.e2e.conftest import playing
from tests.e2e.drawing import photo
from tests.e2e.program import Program
from tests.emulators.telegram.chats import Message
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WITHIN_S = 120.0  # the model, the reader and the tests share two cores
PEOPLE = 50
EARLY = 40  # of them ask before the engine goes away for longer
AFTER_S = 1.0
PROMISE = TEXTS["later"].en[:30]  # with or without an estimate
COLOURS = ("red", "blue")
QUESTION = "What colour is the circle?"
CLOSED = "The museum is closed on Mondays."


@dataclass
class Talks:
    emulator: Emulator
    program: Program
    boss: Person

    async def until_all(self, people: list[Person], holds) -> None:
        try:
            await self.emulator.until(
                lambda: all(holds(self.emulator.said(one.chat)) for one in people),
                within_s=WITHIN_S,
            )
        except TimeoutError:
            missing = [self.emulator.said(one.chat) for one in people]
            texts = [[m.text for m in said] for said in missing if not holds(said)]
            pytest.fail(f"{texts}\n{self.program.output()[-4000:]}")

    def kill_engine(self) -> None:
        for process in self.program.engines():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @asynccontextmanager
    async def engine_away(self) -> AsyncIterator[None]:
        """Each engine that is started is killed before it has loaded."""

        async def kill() -> None:
            while True:
                self.kill_engine()
                await asyncio.sleep(0.1)

        async with asyncio.TaskGroup() as group:
            killing = group.create_task(kill())
            try:
                yield
            finally:
                killing.cancel()


@pytest.fixture
async def talks(tmp_path: Path) -> AsyncIterator[Talks]:
    async with Emulator() as emulator:
        boss = emulator.person("Boss")
        program = Program(
            tmp_path,
            TELEGRAM__TOKEN=emulator.token,
            TELEGRAM__BASE_URL=emulator.url,
            ANSWERS__DEFAULT_LANGUAGE="en",
            FALLBACK__AFTER_S=AFTER_S,
            ACCESS__OWNERS=json.dumps([f"telegram:{boss.id}"]),
        )
        async with playing(program):
            yield Talks(emulator, program, boss)
    assert emulator.complaints == []
    assert emulator.flood.early == []


@pytest.mark.row(38)
async def test_nobody_of_fifty_is_left_alone_when_the_engine_dies(talks: Talks) -> None:
    colour_of = {talks.emulator.person(f"P{n}"): COLOURS[n % 2] for n in range(PEOPLE)}
    people = list(colour_of)
    talks.boss.says(f"/learn Visits\n{CLOSED}")
    await talks.until_all([talks.boss], lambda said: said and "Visits" in said[0].text)

    for one in people[:EARLY]:
        one.sends_photo(photo("circle", colour_of[one]), QUESTION)
    await talks.emulator.until(lambda: _answered(talks, people) >= 2, within_s=WITHIN_S)
    talks.kill_engine()
    await talks.emulator.until(lambda: _answered(talks, people) >= 5, within_s=WITHIN_S)
    async with talks.engine_away():
        for one in people[EARLY:-2]:
            one.sends_photo(photo("circle", colour_of[one]), QUESTION)
        people[-2].sends_photo(photo("circle", colour_of[people[-2]]), "When is it closed?")
        people[-1].sends_photo(_invoice(), "What is written here?")
        await talks.until_all(people, _knows)
        await talks.until_all(people[-2:-1], lambda said: CLOSED in said[0].text)
        if is_readable():
            read = TEXTS["read_instead"].en
            await talks.until_all(people[-1:], lambda said: read in said[0].text)
            assert "4711" in talks.emulator.said(people[-1].chat)[0].text
    await talks.until_all(people, _is_answered)

    for one, colour in colour_of.items():
        (message,) = talks.emulator.said(one.chat)
        question = talks.emulator.visible(one.chat)[0]
        assert message.answers == question.id
        assert message.versions[0].at - question.versions[0].at < 10
        if one in people[:-2]:
            assert colour in message.text.lower()
    assert "is given up" not in talks.program.output()


def _answered(talks: Talks, people: list[Person]) -> int:
    return sum(_is_answered(talks.emulator.said(one.chat)) for one in people)


def _is_answered(said: list[Message]) -> bool:
    return bool(said) and "again" in [name for name, _ in said[0].buttons]


def _knows(said: list[Message]) -> bool:
    """Has the answer, or the promise of it."""
    return _is_answered(said) or (bool(said) and PROMISE in said[0].text)


def _invoice() -> bytes:
    picture = Image.new("RGB", (640, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((40, 80), "INVOICE 4711", fill="black", font=ImageFont.load_default(64))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()
