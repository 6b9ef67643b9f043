"""An answer that is asked for once more, by the button below it or by /again."""

from __future__ import annotations

from bot.texts import TEXTS
from tests.fakes import a_quote


async def answered(flow, text: str, **event: object) -> str:
    """Ask; the id of the message with the answer."""
    before = len(flow.platform.chats["ann"])
    await flow.say(text, **event)
    await flow.answered("ann", before + 1)
    return flow.platform.chats["ann"][before].id


async def pressed(flow, message: str) -> str:
    before = len(flow.platform.chats["ann"])
    await flow.press("again", message, chat="ann")
    await flow.answered("ann", before + 1)
    return flow.platform.chats["ann"][before].id


def words(request) -> list[str]:
    return [turn.text for turn in request.turns[1:]]


async def test_question_is_asked_again_without_its_old_answer(flow):
    await flow.start()
    await answered(flow, "first")
    old = await answered(flow, "second")
    flow.engine.answers["second"] = ["other words"]
    await pressed(flow, old)

    assert flow.platform.texts("ann")[-1] == "other words"
    assert words(flow.engine.requests[-1]) == ["first", "echo of first", "second"]


async def test_new_answer_takes_the_place_of_the_old_one_in_the_talk(flow):
    await flow.start()
    old = await answered(flow, "first")
    flow.engine.answers["first"] = ["other words"]
    await pressed(flow, old)
    await answered(flow, "second")

    assert words(flow.engine.requests[-1]) == ["first", "other words", "second"]


async def test_photo_of_the_question_is_not_fetched_again(flow):
    flow.platform.photos["a"] = b"ant"
    await flow.start()
    old = await answered(flow, "what?", photos=("a",))
    del flow.platform.photos["a"]
    await pressed(flow, old)

    assert flow.engine.requests[-1].turns[-1].pictures[0].rgb == b"antantant"


async def test_photo_that_waits_goes_on_waiting(flow):
    flow.platform.photos |= {"a": b"ant", "b": b"bee"}
    await flow.start()
    old = await answered(flow, "what?", photos=("a",))
    await flow.say("", photos=("b",))
    await flow.said("ann", 2)
    await pressed(flow, old)
    assert [p.rgb[:1] for p in flow.engine.requests[-1].turns[-1].pictures] == [b"a"]

    await answered(flow, "and this?")
    assert [p.rgb[:1] for p in flow.engine.requests[-1].turns[-1].pictures] == [b"b"]


async def test_quoted_words_are_asked_again_too(flow):
    await flow.start()
    old = await answered(flow, "sure?", quoted=a_quote("x7", "It is red."))
    await pressed(flow, old)

    assert words(flow.engine.requests[-1]) == ["(In reply to: It is red.)\nsure?"]


async def test_model_is_free_to_find_other_words_and_the_same_ones_after_a_restart(flow):
    await flow.start()
    old = await answered(flow, "what?")
    flow.engine.hold("what?")
    await flow.press("again", old, chat="ann")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.crash()
    flow.engine.held.clear()
    await flow.start()
    await flow.answered("ann", 2)

    first, interrupted, resumed = [request.sampling for request in flow.engine.requests]
    assert (first.temperature, first.seed) == (0.0, None)
    assert interrupted.temperature >= 0.7
    assert interrupted.seed is not None
    assert resumed == interrupted


async def test_each_new_answer_is_drawn_anew(flow):
    await flow.start()
    old = await answered(flow, "what?")
    newer = await pressed(flow, old)
    await pressed(flow, newer)
    await pressed(flow, old)

    seeds = [request.sampling.seed for request in flow.engine.requests]
    assert len(set(seeds)) == 4
    assert all(words(request) == ["what?"] for request in flow.engine.requests)


async def test_again_is_a_command_too(flow):
    await flow.start()
    await answered(flow, "what?")
    for _ in range(2):
        await flow.ended()
        await flow.say("/again")
    await flow.answered("ann", 3)

    assert [words(request) for request in flow.engine.requests] == [["what?"]] * 3


async def test_without_an_answer_there_is_nothing_to_ask_again(flow):
    await flow.start()
    await flow.say("/again")

    assert await flow.said("ann") == [TEXTS["no_answer_yet"].en]


async def test_stopped_second_answer_leaves_the_first_in_the_talk(flow):
    await flow.start()
    old = await answered(flow, "what?")
    flow.engine.answers["what?"] = ["", "never"]
    flow.engine.hold("what?")
    await flow.press("again", old, chat="ann")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("/stop")
    await flow.ended()
    await answered(flow, "and?")

    assert words(flow.engine.requests[-1]) == ["what?", "echo of what?", "and?"]
