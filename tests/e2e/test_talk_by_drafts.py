"""Private chats on Telegram with `drafts = true`: the answer grows as a draft, then stands once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from bench.scripted import ScriptedModel, answer, question
from bot.markup import styled
from bot.texts import say
from tests.e2e.conftest import playing
from tests.e2e.program import Program
from tests.e2e.stage import TelegramStage, gets, lines, telegram_stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LENGTH = 700


@dataclass(frozen=True)
class Drafting:
    stage: TelegramStage
    model: ScriptedModel


@pytest.fixture
async def drafting(tmp_path: Path) -> AsyncIterator[Drafting]:
    async with (
        telegram_stage() as stage,
        ScriptedModel(at_once=1, length=LENGTH, pieces=32, pause_s=0.12) as model,
    ):
        program = Program(
            tmp_path,
            TELEGRAM__DRAFTS="true",
            ENGINE__KIND="remote",
            ENGINE__BASE_URL=model.url,
            **stage.settings,
        )
        async with playing(program):
            yield Drafting(stage, model)


async def test_the_draft_grows_and_the_answer_stands_once(drafting: Drafting) -> None:
    ann = await drafting.stage.private("Ann")
    whole = styled(answer(1, LENGTH)).text.strip()

    asked = await ann.says(question(1))
    await gets(ann, whole, after=asked)

    assert await lines(ann) == [f"Ann: {question(1)}", f"bot: {whole}"]
    shown = [preview.text for preview in ann.chat.previews]
    grown = [text for text in shown if text != say("looking", "en")]
    assert len(set(grown)) > 1
    assert all(later.startswith(earlier) for earlier, later in pairwise(grown))
    assert answer(1, LENGTH).startswith(grown[-1])
    assert ann.who.sees_draft() is None


async def test_who_stops_the_draft_keeps_what_was_written(drafting: Drafting) -> None:
    ann = await drafting.stage.private("Ann")
    mark = say("stopped_mark", "en")
    drafting.model.goes_on.clear()
    await ann.says(question(1))
    await drafting.stage.emulator.until(
        lambda: len(ann.who.sees_draft() or "") > 300, within_s=60.0
    )

    ann.who.stops()
    [ended] = await ann.until(lambda seen: [one for one in seen if one.text.endswith(mark)])

    written = ended.text.removesuffix(mark).strip()
    assert styled(answer(1, LENGTH)).text.startswith(written)
    assert len(await ann.sees()) == 2
    assert drafting.model.answering == 0
