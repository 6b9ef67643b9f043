"""The same question about the same photo: answered from what is kept, and marked as such; about a
photo that only looks the same people are asked."""

from __future__ import annotations

import random

import pytest

from bot.storage.answers import EarlierAnswers
from bot.texts import TEXTS
from inference.earlier.answers import Answers, CacheSection
from inference.images.likeness import likeness_of

MARK = TEXTS["earlier_mark"].en
PHOTO = random.Random(1).randbytes(900).replace(b"+", b"-")  # "+" begins metadata
NEARLY = PHOTO[:-1] + bytes([PHOTO[-1] ^ 1])
OTHER = random.Random(85).randbytes(900).replace(b"+", b"-")  # it does not look like the first


@pytest.fixture
async def kept(flow):
    """The store of the answers, once the flow runs."""

    def make() -> Answers:
        made.append(EarlierAnswers(flow.db))
        section = CacheSection(hint=True)
        return Answers(
            section, made[-1], model=lambda: "m", look=likeness_of, found=flow.counts.answer
        )

    made: list[EarlierAnswers] = []
    flow.kept = make
    flow.platform.photos |= {"photo": PHOTO, "nearly": NEARLY, "other": OTHER}
    await flow.start()
    await flow.say("hello", chat="bob")
    await flow.answered("bob")
    return made[0]


async def answered(flow, kept: EarlierAnswers, text: str = "what?", photo: str = "photo", **event):
    """The last message that is seen, after all was kept."""
    chat = event.get("chat", "ann")
    before = len(flow.platform.chats[chat])
    await flow.say(text, **{"photos": (photo,)} | event)
    await flow.answered(chat, before + 1)
    await flow.ended()
    await kept.write()
    return flow.platform.chats[chat][-1]


async def pressed(flow, button: str, message: str):
    before = len(flow.platform.chats["ann"])
    await flow.press(button, message, chat="ann")
    await flow.answered("ann", before + 1)
    await flow.ended()
    return flow.platform.chats["ann"][-1]


def asked(flow) -> int:
    """How often the model was, but for the first hello."""
    return len(flow.engine.requests) - 1


async def used(flow) -> tuple[int, int]:
    """Questions and tokens of ann."""
    used = await flow.ledger.used("test:ann", 0.0)
    return used.questions, used.tokens


async def test_the_same_question_about_the_same_photo_costs_no_token_and_is_marked(flow, kept):
    first = await answered(flow, kept)
    before = await used(flow)

    again = await answered(flow, kept, "what")

    assert first.text == "echo of what?"
    assert again.text == f"echo of what?\n\n{MARK}"
    assert "again" in again.buttons
    assert asked(flow) == 1
    assert await used(flow) == (before[0] + 1, before[1])
    assert flow.counts.answers == {"miss": 1, "hit": 1}


async def test_asked_once_more_in_words_alone_it_is_the_same_question(flow, kept):
    await answered(flow, kept)

    again = await answered(flow, kept, photos=())

    assert again.text == f"echo of what?\n\n{MARK}"


async def test_the_mark_is_not_kept_with_the_talk(flow, kept):
    await answered(flow, kept)
    await answered(flow, kept)

    await answered(flow, kept, "and now?", photos=())

    said = [turn.text for turn in flow.engine.requests[-1].turns if turn.role == "assistant"]
    assert said == ["echo of what?", "echo of what?"]


async def test_another_photo_and_another_person_get_their_own_answers(flow, kept):
    await answered(flow, kept)

    other = await answered(flow, kept, photo="other")
    bobs = await answered(flow, kept, chat="carl")

    assert (other.text, bobs.text) == ("echo of what?", "echo of what?")
    assert asked(flow) == 3


async def test_again_brings_a_new_answer_which_is_the_one_that_is_kept(flow, kept):
    await answered(flow, kept)
    again = await answered(flow, kept)
    flow.engine.answers["what?"] = ["a new one"]

    fresh = await pressed(flow, "again", again.id)
    await kept.write()
    later = await answered(flow, kept)

    assert fresh.text == "a new one"
    assert later.text == f"a new one\n\n{MARK}"


async def test_about_a_photo_that_looks_the_same_people_are_asked_and_nothing_is_charged(
    flow, kept
):
    await answered(flow, kept)
    before = await used(flow)

    hint = await answered(flow, kept, photo="nearly")

    assert "you asked the same about a picture that looks the same" in hint.text
    assert hint.buttons == ["show 2", "again"]
    assert asked(flow) == 1
    assert await used(flow) == before


async def test_who_wants_to_see_the_earlier_answer_gets_it_and_can_talk_on_about_it(flow, kept):
    await answered(flow, kept)
    hint = await answered(flow, kept, photo="nearly")
    before = await used(flow)

    shown = await pressed(flow, "show 2", hint.id)
    charged = await used(flow)
    await answered(flow, kept, "why?", photos=())

    assert shown.text == f"echo of what?\n\n{MARK}"
    assert charged == (before[0] + 1, before[1])
    said = [(turn.text, len(turn.pictures)) for turn in flow.engine.requests[-1].turns[-3:]]
    assert said == [("what?", 1), ("echo of what?", 0), ("why?", 0)]


async def test_who_wants_a_new_answer_gets_it_without_being_asked_again(flow, kept):
    await answered(flow, kept)
    hint = await answered(flow, kept, photo="nearly")

    anew = await pressed(flow, "again", hint.id)

    assert anew.text == "echo of what?"
    assert asked(flow) == 2
    assert flow.engine.requests[-1].turns[-1].pictures[0].rgb == NEARLY * 3


@pytest.mark.parametrize("button", ["show 1", "show 99", "show", "show x", "show ²"])
async def test_nobody_sees_an_answer_that_is_not_theirs(flow, kept, button):
    """Number 1 is bob's."""
    await answered(flow, kept)
    hint = await answered(flow, kept, photo="nearly")

    await flow.press(button, hint.id, chat="ann")
    await flow.ended()

    assert not any("hello" in bubble.text for bubble in flow.platform.chats["ann"])


async def test_a_group_is_not_asked(flow, kept):
    await answered(flow, kept, chat="club", group=True)

    second = await answered(flow, kept, photo="nearly", chat="club", group=True)

    assert second.text == "echo of what?"


async def test_a_photo_that_waited_for_its_question_is_still_there_when_the_person_decides(
    flow, kept
):
    await answered(flow, kept)
    await flow.say("", photos=("nearly",))
    await flow.said("ann", 2)
    hint = await answered(flow, kept, photos=())

    anew = await pressed(flow, "again", hint.id)

    assert anew.text == "echo of what?"
    assert flow.engine.requests[-1].turns[-1].pictures[0].rgb == NEARLY * 3
