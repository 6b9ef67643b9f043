"""What the model is asked: the window and its note, the photo that is meant, quoted words."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bot.context import WindowSection
from bot.event import Conversation
from bot.rules import GroupsSection
from bot.texts import TEXTS, say
from tests.fakes import a_quote

LONG = TEXTS["long_mark"].en


async def ask(flow, text: str, *, chat: str = "ann", **event: object) -> str:
    """Ask and wait for the answer; what is read then."""
    before = len(flow.platform.chats[chat])
    await flow.say(text, chat=chat, **event)
    return (await flow.answered(chat, before + 1))[-1]


def seen(flow) -> list[tuple[str, str, list[bytes]]]:
    """The newest request but for the system's words: role, text, pictures."""
    return [
        (turn.role, turn.text, [picture.rgb[:1] for picture in turn.pictures])
        for turn in flow.engine.requests[-1].turns[1:]
    ]


def note(messages: int, photos: int) -> str:
    return say("earlier", "en", messages=messages, photos=photos)


def small(flow, tokens: int = 300) -> None:
    flow.window = WindowSection(max_tokens=tokens, drop_to=0.5)


async def test_what_left_the_window_is_told_to_the_model_in_one_line(flow):
    small(flow)
    flow.platform.photos["p"] = b"cat"
    await flow.start()
    await ask(flow, "what is on it? " + "x" * 80, photos=("p",))
    await ask(flow, "second " + "y" * 100)

    system = flow.engine.requests[-1].turns[0].text
    assert system == f"{TEXTS['system'].en}\n{note(2, 1)}"


async def test_nothing_is_said_about_a_past_that_is_all_there(flow):
    await flow.start()
    await ask(flow, "first")
    await ask(flow, "second")

    assert flow.engine.requests[-1].turns[0].text == TEXTS["system"].en


async def test_beginning_of_the_prompt_changes_only_when_the_window_moves(flow):
    small(flow, 700)
    await flow.start()
    for number in range(24):
        await ask(flow, f"question {number} " + "x" * (7 * number % 40))

    prompts = [[turn.text for turn in request.turns] for request in flow.engine.requests]
    steps = 0
    for before, after in itertools.pairwise(prompts):
        goes_on = after[: len(before)] == before
        steps += not goes_on
        assert goes_on or after[0] != before[0]  # a step, and the note tells of it
    assert 2 <= steps <= 8


async def test_note_and_window_keep_within_the_room(flow):
    small(flow, 700)
    await flow.start()
    for number in range(24):
        await ask(flow, f"question {number} " + "x" * (7 * number % 40))

    for request in flow.engine.requests:
        system, *turns = [turn.text for turn in request.turns]
        told = len(system) - len(TEXTS["system"].en)
        assert told + sum(map(len, turns)) <= 700


async def test_language_of_one_question_does_not_change_the_beginning(flow):
    await flow.start()
    await ask(flow, "what is it?")
    await ask(flow, "这是什么？")

    assert flow.engine.requests[-1].turns[0].text == TEXTS["system"].en


async def test_person_is_told_once_that_the_talk_has_become_long(flow):
    small(flow)
    await flow.start()
    texts = [await ask(flow, f"question {number} " + "x" * 60) for number in range(6)]

    assert [LONG in text for text in texts].count(True) == 1
    assert LONG not in texts[0]


async def test_person_is_told_anew_after_a_new_topic(flow):
    small(flow)
    await flow.start()
    for number in range(4):
        await ask(flow, f"question {number} " + "x" * 60)
    await flow.say("/new")
    await flow.said("ann", 5)
    texts = [await ask(flow, f"question {number} " + "x" * 60) for number in range(4)]

    assert sum(LONG in text for text in texts) == 1


async def test_what_was_told_below_an_answer_is_no_part_of_the_talk(flow):
    small(flow)
    await flow.start()
    for number in range(4):
        await ask(flow, f"question {number} " + "x" * 60)

    assert not any(LONG in turn.text for r in flow.engine.requests for turn in r.turns)


async def test_newest_photo_goes_with_the_question_again_once_it_left_the_window(flow):
    small(flow)
    flow.platform.photos |= {"a": b"ant", "b": b"bee"}
    await flow.start()
    await ask(flow, "first", photos=("a",))
    await ask(flow, "second", photos=("b",))
    await ask(flow, "long " + "x" * 110)
    await ask(flow, "and now? " + "x" * 60)

    assert seen(flow)[-1][2] == [b"b"]
    await ask(flow, "still?")
    assert [turn[2] for turn in seen(flow)].count([b"b"]) == 1
    assert seen(flow)[-1][2] == []


async def test_photo_before_a_new_topic_does_not_come_back(flow):
    flow.platform.photos["a"] = b"ant"
    await flow.start()
    await ask(flow, "first", photos=("a",))
    await flow.say("/new")
    await flow.said("ann", 2)
    await ask(flow, "and now?")

    assert seen(flow) == [("user", "and now?", [])]


async def test_photo_that_finds_no_room_any_more_is_left_out(flow):
    small(flow, 300)
    flow.platform.photos["a"] = b"ant"
    await flow.start()
    await ask(flow, "first", photos=("a",))
    await ask(flow, "x" * 295)

    assert seen(flow) == [("user", "x" * 295, [])]


async def test_quoted_photo_is_the_one_that_is_meant(flow):
    flow.platform.photos |= {"a": b"ant", "b": b"bee"}
    await flow.start()
    await ask(flow, "first", photos=("a",))
    await ask(flow, "second", photos=("b",))
    await ask(flow, "and this?", quoted=a_quote("q1", "first", photos=("a",)))

    assert seen(flow)[-1] == ("user", "and this?", [b"a"])


async def test_quoted_answer_means_the_photo_it_is_about(flow):
    flow.platform.photos |= {"a": b"ant", "b": b"bee"}
    await flow.start()
    await ask(flow, "first", photos=("a",))
    about_a = await ask(flow, "which colour?")
    await ask(flow, "second", photos=("b",))
    answer = flow.platform.chats["ann"][1]
    await ask(flow, "sure?", quoted=a_quote(answer.id, about_a, ours=True))

    assert seen(flow)[-1] == ("user", "sure?", [b"a"])


async def test_quoted_photo_leaves_one_that_waits_to_its_own_question(flow):
    flow.platform.photos |= {"a": b"ant", "b": b"bee"}
    await flow.start()
    await ask(flow, "first", photos=("a",))
    await flow.say("", photos=("b",))
    await flow.said("ann", 2)
    await ask(flow, "and this?", quoted=a_quote("q1", "first", photos=("a",)))
    assert seen(flow)[-1][2] == [b"a"]

    await ask(flow, "and that?")
    assert seen(flow)[-1][2] == [b"b"]


async def test_waiting_photo_that_is_quoted_goes_once(flow):
    flow.platform.photos["b"] = b"bee"
    await flow.start()
    photo = await flow.say("", photos=("b",))
    await flow.said("ann", 1)
    await ask(flow, "what is it?", quoted=a_quote(photo, photos=("b",)))
    await ask(flow, "and?")

    assert [turn[2] for turn in seen(flow)] == [[b"b"], [], []]


async def test_quoted_words_stand_before_the_question_where_the_window_has_them_not(flow):
    await flow.start()
    await ask(flow, "is that so?", quoted=a_quote("x7", "The door\n is  red."))

    assert seen(flow)[-1][1] == "(In reply to: The door is red.)\nis that so?"
    assert flow.engine.requests[-1].turns[0].text == TEXTS["system"].en


async def test_quoted_words_that_the_window_has_are_not_repeated(flow):
    flow.engine.answers["what?"] = ["The **door** is red."]
    await flow.start()
    await ask(flow, "what?")
    answer = flow.platform.chats["ann"][0]
    await ask(flow, "sure?", quoted=a_quote(answer.id, "The door is red.", ours=True))

    assert seen(flow)[-1][1] == "sure?"


async def test_quoted_answer_that_left_the_window_comes_along(flow):
    small(flow)
    flow.engine.answers["what?"] = ["The door is red."]
    await flow.start()
    await ask(flow, "what?")
    for number in range(3):
        await ask(flow, f"question {number} " + "x" * 60)
    answer = flow.platform.chats["ann"][0]
    await ask(flow, "sure?", quoted=a_quote(answer.id, "The door is red.", ours=True))

    assert seen(flow)[-1][1] == "(In reply to: The door is red.)\nsure?"


async def test_photos_go_in_the_order_in_which_they_were_sent(flow):
    flow.platform.photos |= {"a": b"ant", "b": b"bee", "c": b"cow"}
    await flow.start()
    await flow.say("", photos=("b", "a"))
    await flow.said("ann", 1)
    await ask(flow, "which is larger?", photos=("c",))

    assert seen(flow)[-1][2] == [b"b", b"a", b"c"]


async def test_photo_of_a_stopped_question_can_still_be_asked_about(flow):
    flow.platform.photos["a"] = b"ant"
    flow.engine.answers["waht?"] = ["", "never"]
    flow.engine.hold("waht?")
    await flow.start()
    await flow.say("waht?", photos=("a",))
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("/stop")
    await flow.ended()
    await ask(flow, "what?")

    assert seen(flow) == [("user", "what?", [b"a"])]


@pytest.mark.parametrize("shared", [True, False])
async def test_people_in_a_group_share_a_window_if_that_is_set(flow, shared):
    flow.rules.change(groups=GroupsSection(window="shared" if shared else "person"))
    await flow.start()
    await ask(flow, "mine", chat="group", person="ann", group=True)
    await ask(flow, "and mine?", chat="group", person="bob", group=True)

    assert seen(flow)[0][1] == ("mine" if shared else "and mine?")


async def test_window_and_what_was_told_outlive_a_crash(flow):
    small(flow, 500)
    await flow.start()
    for number in range(4):
        await ask(flow, f"question {number} " + "x" * 60)
    before = [turn.text for turn in flow.engine.requests[-1].turns]
    await flow.crash()
    await flow.start()
    text = await ask(flow, "and?")

    after = [turn.text for turn in flow.engine.requests[-1].turns]
    assert after[: len(before)] == before
    assert LONG not in text


async def test_pictures_are_let_go_of_while_an_answer_is_delivered(flow):
    flow.platform.photos["a"] = b"ant"
    await flow.start()
    flow.platform.blocked["ann"] = asyncio.Event()
    await flow.say("what?", photos=("a",))
    await flow.engine.until(lambda: flow.engine.requests and not flow.engine.running)

    question = flow.line.running(Conversation("test", "ann"))
    assert question.prompt.turns == ()
    flow.platform.blocked["ann"].set()
    await flow.answered("ann")
