"""What people do while an answer is being written, and what the program's death then costs.

A scripted model writes slowly, so that there is an answer under way. One program is on Telegram
and on Matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bench.scripted import ScriptedModel, answer, question
from bot.texts import say
from tests.e2e.conftest import playing
from tests.e2e.gate import Gate
from tests.e2e.program import Program
from tests.e2e.stage import (
    BOT,
    MatrixStage,
    Place,
    Seen,
    Stage,
    TelegramStage,
    gets,
    lines,
    matrix_stage,
    reads,
    telegram_stage,
)
from tests.emulators.matrix.server import Synapse

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

LENGTH = 700
FORMATTED = 300  # characters


@dataclass(frozen=True)
class Slow:
    """The program with a model that takes some seconds for an answer, one at a time."""

    stages: dict[str, Stage]
    program: Program
    model: ScriptedModel
    gate: Gate  # between the program and the homeserver

    def whole(self, server: str, number: int) -> str:
        """What people read in the end."""
        return self.stages[server].shown(answer(number, LENGTH)).strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Slow]:
    async with AsyncExitStack() as stack:
        gate = await stack.enter_async_context(Gate(synapse.url))
        model = await stack.enter_async_context(
            ScriptedModel(at_once=1, length=LENGTH, pieces=32, pause_s=0.05)
        )
        telegram: TelegramStage = await stack.enter_async_context(telegram_stage())
        matrix: MatrixStage = await stack.enter_async_context(matrix_stage(synapse))
        settings = telegram.settings | matrix.settings | {"MATRIX__HOMESERVER": gate.url}
        program = Program(
            tmp_path_factory.mktemp("slow"),
            ANSWERS__DEFAULT_LANGUAGE="en",
            ENGINE__KIND="remote",
            ENGINE__BASE_URL=model.url,
            ENGINE__MAX_SEQUENCES=1,
            **settings,
        )
        await stack.enter_async_context(playing(program))
        yield Slow({"telegram": telegram, "matrix": matrix}, program, model, gate)


SERVERS = pytest.mark.parametrize("server", ["telegram", "matrix"])


@SERVERS
async def test_the_stop_button_ends_an_answer_and_the_next_question_is_answered_whole(
    slow: Slow, server: str
) -> None:
    ann = await slow.stages[server].private("Ann")
    slow.model.goes_on.clear()
    asked = await ann.says(question(1))
    half = await _half(ann, asked)
    assert half.buttons == ("stop",)

    await ann.presses(half.id, "stop")
    ended = await _ended(ann, asked)
    slow.model.goes_on.set()
    again = await ann.says(question(2))
    whole = await gets(ann, slow.whole(server, 2), after=again)

    written, mark = ended.text[: -len(say("stopped_mark", "en"))], say("stopped_mark", "en")
    assert ended.text.endswith(f"\n\n{mark}")
    assert slow.whole(server, 1).startswith(written.strip())
    assert set(ended.buttons) == set(whole.buttons) == {"again", "up", "down"}
    assert len([one for one in await ann.sees() if one.by == BOT]) == 2


@SERVERS
async def test_who_waits_reads_the_place_in_the_line_and_can_leave_it(
    slow: Slow, server: str
) -> None:
    ann = await slow.stages[server].private("Ann")
    bob = await slow.stages[server].private("Bob")
    slow.model.goes_on.clear()
    asked = await bob.says(question(1))
    await _half(bob, asked)

    first = await ann.says(question(2))
    await reads(ann, say("position", "en", ahead=1), after=first)
    second = await ann.says(question(3))
    await reads(ann, say("position", "en", ahead=2), after=second)
    await ann.says("/stop")
    await gets(ann, say("stopped", "en"), after=first)
    await gets(ann, say("stopped", "en"), after=second)
    slow.model.goes_on.set()
    await gets(bob, slow.whole(server, 1), after=asked)
    nothing = await ann.says("/stop")
    await gets(ann, say("nothing_to_stop", "en"), after=nothing)

    assert await lines(ann) == [
        f"{ann.name}: {question(2)}",
        f"bot: {say('stopped', 'en')}",
        f"{ann.name}: {question(3)}",
        f"bot: {say('stopped', 'en')}",
        f"{ann.name}: /stop",
        f"{ann.name}: /stop",
        f"bot: {say('nothing_to_stop', 'en')}",
    ]


async def test_who_deletes_a_question_wants_no_answer_any_more(slow: Slow) -> None:
    stage = slow.stages["matrix"]
    assert isinstance(stage, MatrixStage)
    ann = await stage.private("Ann")
    slow.model.goes_on.clear()
    asked = await ann.says(question(1))
    await _half(ann, asked)

    await ann.deletes(asked)
    ended = await ann.until(
        lambda seen: [one for one in seen if one.text.endswith(say("stopped_mark", "en"))]
    )

    assert len(ended) == 1
    assert slow.model.answering == 0
    slow.model.goes_on.set()


async def test_two_deaths_of_the_program_leave_one_message_with_the_whole_answer(
    slow: Slow,
) -> None:
    ann = await slow.stages["matrix"].private("Ann")
    await ann.says("/help")  # it has joined the room
    await ann.until(lambda seen: any(one.by == BOT for one in seen))
    slow.gate.keep_back("/send/m.room.message/")
    slow.model.goes_on.clear()

    asked = await ann.says(question(1))
    await slow.gate.kept.wait()  # the message stands there, and the program does not know its id
    await slow.program.kill()
    [opened] = [one for one in await ann.sees() if one.answers == asked]
    await slow.program.start()
    half = await _half(ann, asked)
    await slow.program.kill()
    slow.model.goes_on.set()
    await slow.program.start()
    whole = await gets(ann, slow.whole("matrix", 1), after=asked)
    await asyncio.sleep(2.0)  # a second answer would come now

    assert opened.id == half.id == whole.id
    assert [one.id for one in await ann.sees() if one.answers == asked] == [whole.id]


async def _half(place: Place, asked: str) -> Seen:
    """An answer that rests, when so much of it can be seen that all of its markup is there."""

    def look(seen: list[Seen]) -> Seen | None:
        answers = [one for one in seen if one.answers == asked]
        return next((one for one in answers if len(one.text) > FORMATTED), None)

    return await place.until(look)


async def _ended(place: Place, asked: str) -> Seen:
    def look(seen: list[Seen]) -> Seen | None:
        return next((one for one in seen if one.answers == asked and "again" in one.buttons), None)

    return await place.until(look)
