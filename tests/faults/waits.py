"""What the tests of platforms wait for, and what they count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.faults.house import House
from tests.faults.records import records

WITHIN_S = 30.0


async def until_reads(house: House, chat: Chat, words: str) -> None:
    """The bot has written them there, perhaps with others."""
    await house.until(lambda: any(words in one.text for one in house.emulator.said(chat)))


async def until_logged(house: House, words: str, *, times: int = 1) -> None:
    """Over all starts."""

    async def look() -> bool:
        return house.program.output().count(words) >= times

    await _until(house, look, f"the log has {words!r} not {times} times")


async def until_ended(house: House, person: Person, end: str) -> None:
    """Their last question."""

    async def look() -> bool:
        return await end_of(house, person) == end

    await _until(house, look, f"no question of {person.user['first_name']} is {end}")


async def end_of(house: House, person: Person) -> str | None:
    async with records(house) as ask:
        asked = f"SELECT state FROM inbox WHERE person = '{person.id}' ORDER BY id DESC"
        rows = await ask(asked)
    return rows[0][0] if rows else None


def calls_to(house: House, chat: Chat) -> int:
    """How often Telegram was asked to show something there, whatever came of it."""
    return sum(call.fields.get("chat_id") == str(chat.id) for call in house.emulator.calls)


async def _until(house: House, look: Callable[[], Awaitable[bool]], in_vain: str) -> None:
    """Another process writes it."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not await look():  # noqa: ASYNC110  (it cannot tell us)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{in_vain}\n{house.program.output()[-6000:]}") from None
