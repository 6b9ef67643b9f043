"""Quotas in a talk: what people read, what an answer costs, what costs nothing."""

from __future__ import annotations

from bot.rules import AccessSection, QuotaSection
from bot.storage.ledger import Used
from tests.bot.flow import Flow


def limit(flow: Flow, **quota: object) -> None:
    flow.rules.change(
        quota=QuotaSection(timezone="UTC", **quota), access=AccessSection(owners=("test:owner",))
    )


async def test_a_question_beyond_the_limit_is_told_so_and_not_asked(flow: Flow):
    limit(flow, guest=["1 questions/day"])
    await flow.start()
    await flow.say("first?", chat="ann")
    await flow.answered("ann")

    await flow.say("second?", chat="ann")
    texts = await flow.answered("ann", 2)

    assert "Your 1 question for today is used" in texts[1]
    assert [request.turns[-1].text for request in flow.engine.requests] == ["first?"]


async def test_an_answer_is_counted_with_the_tokens_it_took(flow: Flow):
    await flow.start()

    message = await flow.say("what?", chat="ann")
    await flow.answered("ann")
    await flow.until_states(**{message: "answered"})

    used = await flow.ledger.used("test:ann", 0)
    assert used.questions == 1
    assert 0 < used.tokens < 100


async def test_a_question_that_was_stopped_before_its_first_word_costs_nothing(flow: Flow):
    limit(flow, guest=["1 questions/day"])
    flow.at_once = 1
    flow.engine.hold("long?")
    await flow.start()
    await flow.say("long?", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    waiting = await flow.say("what?", chat="ann")
    await flow.said("ann")

    await flow.say("/stop", chat="ann")
    await flow.until_states(**{waiting: "stopped"})

    assert await flow.ledger.used("test:ann", 0) == Used(0, 0)


async def test_after_a_crash_a_question_is_counted_once(flow: Flow):
    limit(flow, guest=["1 questions/day"])
    flow.engine.hold("what?")
    await flow.start()
    message = await flow.say("what?", chat="ann")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.crash()

    flow.engine.hold("what?").set()
    await flow.start()
    await flow.until_states(**{message: "answered"})

    assert (await flow.ledger.used("test:ann", 0)).questions == 1


async def test_an_admin_gives_more_and_the_next_question_is_answered(flow: Flow):
    limit(flow, guest=["0 questions/day"])
    await flow.start()
    await flow.say("first?", chat="ann")
    assert "Your limit is 0" in (await flow.answered("ann"))[0]

    await flow.say("/quota test:ann give 1 questions", chat="owner")
    await flow.said("owner")
    await flow.say("second?", chat="ann")

    assert (await flow.answered("ann", 2))[1] == "echo of second?"
    await flow.say("/usage", chat="ann")
    assert "used 1 of 1 (1 given) · 0 left" in (await flow.said("ann", 3))[2]
