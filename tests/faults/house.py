"""The real program between an emulated Telegram and a model, with all that a fault may touch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import ClientError, ClientSession
from yarl import URL

from tests.e2e.program import Program
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.faults.model import EchoModel, answer_to

T = TypeVar("T")

WITHIN_S = 40.0  # for anything: the machines are slow and shared


@dataclass
class House:
    emulator: Emulator
    model: EchoModel
    program: Program
    boss: Person  # an owner
    url: str = ""  # of the database, where that is PostgreSQL
    photos_dir: Path = Path()
    secrets: tuple[str, ...] = ()  # that the program was given
    settings: dict[str, object] = field(default_factory=dict)  # likewise

    async def until(self, look: Callable[[], T], *, within_s: float = WITHIN_S) -> T:
        """The first true thing that `look` finds in what people see."""
        try:
            return await self.emulator.until(look, within_s=within_s)
        except TimeoutError:
            pytest.fail(f"in vain: {self._seen()}\n{self.program.output()[-6000:]}")

    async def until_answered(self, *people: Person, within_s: float = WITHIN_S) -> None:
        """Each has the whole answer to the last question."""
        await self.until(lambda: all(map(self.is_answered, people)), within_s=within_s)

    def is_answered(self, person: Person) -> bool:
        return self.answers(person) >= 1

    def answers(self, person: Person) -> int:
        """How many messages hold the whole answer to the person's last question."""
        seen = self.emulator.visible(person.chat)
        asked = [one.text for one in seen if one.sender == person.id and one.text]
        said = [one.text for one in self.emulator.said(person.chat)]
        return said.count(answer_to(asked[-1])) if asked else 0

    async def until_ready(self, path: str = "/readyz", *, within_s: float = WITHIN_S) -> None:
        """It may be asked by HTTP, and answers with the model."""
        async with asyncio.timeout(within_s), ClientSession() as client:
            while not await _is_ok(client, f"{self.program.url}{path}"):
                assert self.program.is_running(), self.program.output()[-4000:]
                await asyncio.sleep(0.1)

    async def restart(self, *, crash_at: str = "") -> None:
        """After a death; one that still runs is killed first."""
        if self.program.is_running():
            await self.program.kill()
        await self.program.start(crash_at=crash_at)

    def beside(self, folder: Path) -> Program:
        """A second program on the same data, at an address of its own; whoever asks cleans up."""
        return Program(folder, **(self.settings | {"STORAGE__DATA_DIR": self.program.data_dir}))

    def _seen(self) -> list[list[str]]:
        people = self.emulator.people[-5:]
        return [[one.text for one in self.emulator.visible(person.chat)] for person in people]


async def _is_ok(client: ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as response:
            return response.status == 200
    except ClientError:
        return False


def _secrets(settings: dict[str, object]) -> tuple[str, ...]:
    """Of a Telegram token the second half; of an address the password."""
    found = [
        str(value).partition(":")[2] or str(value)
        for name, value in settings.items()
        if name.endswith(("TOKEN", "SECRET", "API_KEY", "ACCESS_CODE"))
    ]
    password = URL(str(settings.get("STORAGE__URL", ""))).password
    return tuple(filter(None, [*found, password]))


@asynccontextmanager
async def housed(
    folder: Path, *, emulator: Emulator | None = None, pause_s: float = 0.0, **settings: object
) -> AsyncIterator[House]:
    """Everything but the program is started; at the end everything is stopped, and nothing was
    said to Telegram that it does not know. The invariants are the test's own to check."""
    model = EchoModel(pause_s=pause_s)
    await model.start()
    async with emulator or Emulator() as telegram:
        boss = telegram.person("Boss")
        given = {
            "TELEGRAM__TOKEN": telegram.token,
            "TELEGRAM__BASE_URL": telegram.url,
            "ANSWERS__DEFAULT_LANGUAGE": "en",
            "ACCESS__OWNERS": json.dumps([f"telegram:{boss.id}"]),
        }
        program = Program(folder, **(given | model.settings | settings))
        try:
            yield House(
                telegram,
                model,
                program,
                boss,
                url=str(settings.get("STORAGE__URL", "")),
                photos_dir=Path(str(settings.get("STORAGE__PHOTOS_DIR", folder / "data/photos"))),
                secrets=_secrets(given | settings),
                settings=given | model.settings | settings,
            )
        finally:
            await program.clean_up()
            await model.stop()
        assert telegram.complaints == []
