"""Houses side by side, each with a program that dies where it is told to, and its people.

A death takes seconds, most of them pauses that chats demand; so several happen at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.faults.crashing import WHERE_TOLD
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants, orphans

Asks = Callable[[Person], None]
Sees = Callable[[House, Person, Chat], bool]  # what the person, and staff, see


@dataclass(frozen=True)
class Death:
    """What was left of one."""

    code: int  # of the process
    said: tuple[str, ...]  # to who asked, as it stands in the end
    orphans: int
    question: str
    asked: int  # how often it reached the model
    photos: int  # with it
    staff: tuple[str, ...]  # what they read about who asked


@dataclass
class Street:
    """`die` runs the program of a free house into a point."""

    houses: asyncio.Queue[tuple[House, Chat]] = field(default_factory=asyncio.Queue)

    async def die(self, point: str, name: str, asks: Asks, is_over: Sees) -> Death:
        """Somebody `asks`; the program dies, and is started again; then `is_over`."""
        house, staff = await self.houses.get()
        try:
            return await _die(house, staff, point, name, asks, is_over)
        finally:
            self.houses.put_nowait((house, staff))


@asynccontextmanager
async def street(folder: Path, houses: int) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        found = Street()
        for number in range(houses):
            emulator = Emulator()
            staff = emulator.group("Staff")
            house = await stack.enter_async_context(
                housed(
                    folder / str(number),
                    emulator=emulator,
                    PHOTOS__TOGETHER_S=0.2,
                    SERVICE__STAFF_CHAT=f"telegram:{staff.id}",
                    SERVICE__CUSTOMERS='["private"]',
                )
            )
            await house.program.start(crash_at=WHERE_TOLD)
            found.houses.put_nowait((house, staff))
        yield found


async def _die(
    house: House, staff: Chat, point: str, name: str, asks: Asks, is_over: Sees
) -> Death:
    if not house.program.is_running():  # the one before failed
        await house.program.start(crash_at=WHERE_TOLD)
    person = house.emulator.person(name)
    house.program.crash_at(point)
    asks(person)
    code = await house.program.ended()
    await house.program.start(crash_at=WHERE_TOLD)
    await house.until(lambda: is_over(house, person, staff))
    await check_invariants(house, stops=False)
    words = [one.text for one in house.emulator.visible(person.chat) if one.sender == person.id]
    question = next(filter(None, words), "")
    return Death(
        code,
        tuple(one.text for one in house.emulator.said(person.chat)),
        len([one for one in await orphans(house) if one.chat == person.id]),
        question,
        house.model.asked[question],
        house.model.photos[question],
        tuple(one.text for one in house.emulator.said(staff) if name in one.text),
    )
