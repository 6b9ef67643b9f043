"""Who is at the last attempt runs alone, and has its answer before the next one begins."""

from __future__ import annotations

import asyncio

from bot.answering.suspects import Suspects
from tests.fakes import settle


class Asked:
    """As much of a question as they look at."""

    def __init__(self):
        self.ended = asyncio.Event()


async def begun(suspects, question, attempt):
    """A task that is inside until its event is set; that event."""
    inside, leave = asyncio.Event(), asyncio.Event()

    async def run():
        async with suspects.alone(question, attempt):
            inside.set()
            await leave.wait()

    task = asyncio.ensure_future(run())
    await settle()
    return task, inside, leave


async def test_the_next_suspect_waits_until_people_have_the_answer_of_the_one_before():
    suspects, first, second = Suspects(3), Asked(), Asked()
    one, _, leave = await begun(suspects, first, 3)
    other, inside, leave_too = await begun(suspects, second, 3)

    leave.set()
    await settle()
    waited = not inside.is_set()
    first.ended.set()
    await settle()

    assert waited
    assert inside.is_set()
    leave_too.set()
    await asyncio.gather(one, other)


async def test_whoever_has_attempts_left_waits_for_nobody():
    suspects = Suspects(3)
    one, _, leave = await begun(suspects, Asked(), 3)
    other, inside, leave_too = await begun(suspects, Asked(), 2)

    assert inside.is_set()
    leave.set()
    leave_too.set()
    await asyncio.gather(one, other)
