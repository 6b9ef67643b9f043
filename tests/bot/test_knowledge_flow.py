"""The whole way of the knowledge base: taught in one chat, asked about in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.event import Attachment
from bot.rules import AccessSection, KnowledgeSection
from tests.bot.documents.files import a_pdf
from tests.bot.flow import Flow, a_flow


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    async with a_flow(tmp_path) as flow:
        flow.rules.change(access=AccessSection(staff=("test:ann",)))
        await flow.start()
        yield flow


async def teach(flow: Flow) -> str:
    """What is said to the one who teaches."""
    data = a_pdf("开场前可以全额退票。", "本馆周一闭馆。")
    flow.platform.photos["doc"] = data
    file = Attachment("doc", "application/pdf", len(data), "须知.pdf")
    await flow.say("/learn", files=(file,))
    (said,) = await flow.answered("ann")
    return said


async def test_what_was_taught_is_before_the_question_and_its_source_below_the_answer(flow: Flow):
    said = await teach(flow)
    assert "“须知”" in said

    await flow.say("周一闭馆吗？", chat="bob")
    (answer,) = await flow.answered("bob")

    (request,) = flow.engine.requests
    question = request.turns[-1].text
    assert "> 本馆周一闭馆。" in question
    assert "退票" not in question
    assert question.endswith("周一闭馆吗？")
    assert answer.endswith("来源：\n[1]《须知》p. 2")


async def test_what_nothing_was_taught_about_is_told_to_be_so(flow: Flow):
    await teach(flow)

    await flow.say("Who won the world cup?", chat="bob")
    (answer,) = await flow.answered("bob")

    assert "knowledge base has nothing" in answer
    assert flow.engine.requests[-1].turns[-1].text == "Who won the world cup?"


@pytest.mark.parametrize("words", ["hello", "Hi there!", "早上好", "谢谢你"])
async def test_who_only_greets_is_not_told_that_nothing_was_found(flow: Flow, words: str):
    await teach(flow)

    await flow.say(words, chat="bob")
    (answer,) = await flow.answered("bob")

    await flow.ended()
    assert "knowledge" not in answer
    assert "知识库" not in answer
    assert not any(ended.found_nothing for _, ended in flow.ends)


async def test_without_a_knowledge_base_nothing_is_said_of_it(flow: Flow):
    await flow.say("Who won the world cup?", chat="bob")

    (answer,) = await flow.answered("bob")

    assert "knowledge" not in answer


async def test_passages_can_be_switched_off_at_once(flow: Flow):
    await teach(flow)
    flow.rules.change(knowledge=KnowledgeSection(passages=0))

    await flow.say("周一闭馆吗？", chat="bob")
    (answer,) = await flow.answered("bob")

    assert flow.engine.requests[-1].turns[-1].text == "周一闭馆吗？"
    assert "来源" not in answer


async def test_a_lesson_outlives_a_restart_and_is_not_learned_twice(flow: Flow):
    await teach(flow)
    await flow.crash()
    await flow.start()

    assert [one.passages for one in await flow.knowledge.documents()] == [2]
    assert len(flow.platform.texts("ann")) == 1


async def test_a_photo_is_not_told_to_be_in_no_document(flow: Flow):
    await teach(flow)
    flow.platform.photos["cat"] = b"8x8"

    await flow.say("How many cats are there?", chat="bob", photos=("cat",))
    await flow.answered("bob")
    await flow.say("And what colour are they?", chat="bob")
    answers = await flow.answered("bob", 2)

    await flow.ended()
    assert not any("knowledge" in answer for answer in answers)
    assert not any(ended.found_nothing for _, ended in flow.ends)


async def test_a_photo_may_be_about_what_was_taught(flow: Flow):
    await teach(flow)
    flow.platform.photos["ticket"] = b"8x8"

    await flow.say("这张票周一能用吗？馆里周一闭馆吗？", chat="bob", photos=("ticket",))
    (answer,) = await flow.answered("bob")

    assert "[1]《须知》p. 2" in answer


async def test_of_a_passage_too_long_for_a_small_model_it_reads_the_beginning(flow: Flow):
    flow.engine.context_tokens = 1000
    await flow.say(f"/learn rules\nThe hall is closed on Mondays. {'And so on. ' * 30}")
    await flow.answered("ann")

    await flow.say("Is the hall closed on Mondays?", chat="bob")
    (answer,) = await flow.answered("bob")

    asked = flow.engine.requests[-1].turns[-1].text
    assert "> The hall is closed on Mondays." in asked
    assert len(asked.split("\n\n")[1]) <= 250
    assert "…" in asked
    assert answer.endswith("[1] rules, part 1")
