"""What a question on its way through the whole program leaves in the counts."""

from __future__ import annotations

import asyncio
from collections import Counter

from bot.line import LineSection
from bot.platforms.base import NotSent, TooFast
from inference.errors import EngineFault
from tests.bot.flow import Flow
from tests.fakes import settle
from tests.opened import waiting_in


def times(flow: Flow) -> list[int]:
    counts = flow.counts
    kinds = (counts.in_line_s, counts.first_token_s, counts.first_text_s, counts.answer_s)
    return [kind["test"].count for kind in kinds]


async def until_counted(flow: Flow, **outcomes: int) -> None:
    """The counts are made just after people have seen the end."""
    wanted = Counter({("test", outcome): number for outcome, number in outcomes.items()})
    while flow.counts.questions != wanted:
        await flow.inbox.backlog()


async def one_behind_another(flow: Flow) -> asyncio.Event:
    """Ann's question is being answered until the event is set, Bob's waits behind it."""
    flow.at_once = 1
    gate = flow.engine.hold("first")
    await flow.start()
    await flow.say("first", chat="ann")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("second", chat="bob")
    await flow.said("bob")
    return gate


async def test_a_question_with_a_photo_leaves_exactly_these_counts(flow: Flow) -> None:
    flow.platform.photos = {"p": b"photo"}
    await flow.start()

    await flow.say("what?", photos=("p",))
    await flow.answered("ann")
    await until_counted(flow, answered=1)

    counts = flow.counts
    assert times(flow) == [1, 1, 1, 1]
    assert counts.tokens == {
        ("test", "prompt"): 10,
        ("test", "cached"): 0,
        ("test", "completion"): 5,
    }
    assert counts.pictures["decoded"] == 1
    assert counts.messages["test", "send", "first"] == 1
    assert counts.messages["test", "edit", "final"] == 1
    assert set(counts.messages) <= {
        ("test", "send", "first"),
        ("test", "edit", "preview"),
        ("test", "edit", "final"),
    }
    assert counts.faults == {}
    assert (counts.repeated, counts.resumed) == (0, 0)


async def test_every_call_is_counted_that_the_platform_saw(flow: Flow) -> None:
    await flow.start()

    await flow.say("one")
    await flow.say("two")
    await flow.answered("ann", 2)

    seen = Counter(call.method for call in flow.platform.calls)
    counted = Counter[str]()
    for (_, call, _), number in flow.counts.messages.items():
        counted[call] += number
    assert counted == seen


async def test_each_429_is_counted_once(flow: Flow) -> None:
    flow.platform.fail("send", TooFast(0.01), TooFast(0.01))
    flow.platform.fail("edit", NotSent("reset"))
    await flow.start()

    await flow.say("hello")
    await flow.time.sleeping()
    await flow.time.advance(1.0)
    await flow.answered("ann")

    assert flow.counts.faults == {("test", "too_fast"): 2, ("test", "not_sent"): 1}


async def test_who_meets_a_full_line_is_counted_apart(flow: Flow) -> None:
    flow.line_section = LineSection(max_waiting=1)
    gate = await one_behind_another(flow)
    await flow.say("third", chat="cid")
    await flow.said("cid")
    gate.set()
    await flow.ended()
    await until_counted(flow, answered=2, line_full=1)

    assert times(flow) == [2, 2, 2, 2]


async def test_who_stops_before_the_first_word_saw_no_first_text(flow: Flow) -> None:
    gate = await one_behind_another(flow)
    await flow.say("/stop", chat="bob")
    await until_counted(flow, stopped=1)
    gate.set()
    await until_counted(flow, stopped=1, answered=1)

    assert flow.counts.first_text_s["test"].count == 1


async def test_a_fault_of_the_engine_is_a_dead_question(flow: Flow) -> None:
    flow.engine.faults["boom"] = [EngineFault("broken")]
    await flow.start()

    await flow.say("boom")
    await flow.answered("ann")
    await until_counted(flow, dead=1)

    assert times(flow) == [1, 0, 0, 0]


async def test_whoever_has_blocked_the_bot_is_counted_as_undeliverable(flow: Flow) -> None:
    flow.platform.gone.add("ann")
    await flow.start()

    await flow.say("hello")
    await flow.ended()
    await until_counted(flow, undeliverable=1)

    assert flow.counts.faults["test", "gone"] >= 1


async def test_after_a_crash_a_question_counts_as_resumed_and_its_wait_goes_on(flow: Flow) -> None:
    flow.engine.hold("hello")
    await flow.start()
    await flow.say("hello")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.crash()
    await flow.wall.advance(60.0)
    flow.engine.held.clear()

    await flow.start()
    await flow.answered("ann")
    await until_counted(flow, answered=1)

    assert flow.counts.resumed == 1
    assert flow.counts.answer_s["test"].sum >= 60.0


async def test_a_second_answer_to_what_had_its_end_is_counted(flow: Flow) -> None:
    gate = flow.engine.hold("hello")
    await flow.start()
    await flow.say("hello")
    await flow.engine.until(lambda: flow.engine.running)
    (entry,) = await waiting_in(flow.inbox)

    await flow.inbox.end(entry.id, "stopped")  # as nobody should, while it is being answered
    gate.set()
    await flow.answered("ann")
    while not flow.counts.repeated:
        await flow.inbox.backlog()

    assert flow.counts.repeated == 1


async def test_what_waits_or_is_answered_is_in_somebodys_hands_and_nothing_else(flow: Flow) -> None:
    gate = flow.engine.hold("hello")
    await flow.start()
    await flow.say("hello")
    await flow.engine.until(lambda: flow.engine.running)
    (open_one,) = await flow.inbox.unended(10)
    while_answered = flow.dispatcher.forgotten([open_one])
    gate.set()
    await flow.ended()
    await settle()

    assert while_answered == []
    assert flow.dispatcher.forgotten([open_one]) == [open_one]


async def test_an_end_that_is_slow_to_reach_people_is_not_lost(flow: Flow) -> None:
    flow.line_section = LineSection(max_wait_s=10.0)
    gate = await one_behind_another(flow)
    (late,) = [one for one in await flow.inbox.unended(10) if one.chat == "bob"]

    flow.platform.blocked["bob"] = asyncio.Event()
    await flow.wall.advance(20.0)
    await flow.platform.until(lambda: flow.platform.under_way)
    forgotten = flow.dispatcher.forgotten([late])
    flow.platform.blocked.pop("bob").set()
    gate.set()
    await flow.ended()

    assert forgotten == []
