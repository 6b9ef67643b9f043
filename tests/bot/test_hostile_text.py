"""Text that wants to do harm, or is much too much: stored, asked and echoed without any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.rules import AccessSection
from tests.bot.flow import Flow, a_flow

ZALGO = "Z" + "\u0335\u0322\u0348" * 200 + "algo?"


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    async with a_flow(tmp_path) as flow:
        flow.rules.change(access=AccessSection(staff=("test:ann",)))
        await flow.start()
        yield flow


@pytest.mark.parametrize("text", ["字" * 100_000, "a" * 20_001, ZALGO * 50])
@pytest.mark.row(55)
async def test_an_endless_message_is_told_its_length_and_the_limit(flow: Flow, text: str):
    await flow.say(text, chosen="en")

    (said,) = await flow.answered("ann")

    assert f"{len(text)} characters, at most 20000" in said
    assert await flow.ended() == {"q1": "said"}
    assert flow.engine.requests == []


@pytest.mark.parametrize(
    "text",
    [
        "a\0b?",
        "lone \ud800 surrogate?",
        "\u202egnp.txet",
        ZALGO,
        "👨‍👩‍👧‍👦 who?",
        "\ufeffhello?",
        "a" * 20_000,
    ],
    ids=["nul", "surrogate", "right-to-left", "zalgo", "joined", "mark", "longest"],
)
@pytest.mark.row(55)
async def test_strange_text_is_asked_as_text_and_answered(flow: Flow, text: str):
    await flow.say(text)

    answer = await flow.answered("ann")

    (request,) = flow.engine.requests
    asked = request.turns[-1].text
    asked.encode("utf-8")
    assert "\0" not in asked
    assert any(answer)
    assert await flow.ended() == {"q1": "answered"}


@pytest.mark.row(55)
async def test_a_title_cannot_turn_the_letters_of_a_source_round(flow: Flow):
    await flow.say("/learn rules\u202efdp\nThe hall is closed on Mondays.")
    await flow.answered("ann")

    await flow.say("Is the hall closed on Mondays?", chat="bob")
    (answer,) = await flow.answered("bob")

    assert answer.endswith("[1] rulesfdp, part 1")
