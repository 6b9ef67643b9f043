"""What people are told about their photos."""

from __future__ import annotations

from typing import get_args

import pytest

from bot import texts
from bot.answering.sights import told
from inference.request import PictureNote


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("note", get_args(PictureNote))
def test_each_note_is_one_sentence_in_both_languages(note, language):
    assert told([note], language) == texts.say(f"note_{note}", language)


def test_each_note_is_told_once():
    assert told(["first_page", "straightened", "first_page"], "en").count("\n") == 1


def test_of_plain_photos_nothing_is_told():
    assert told([], "zh") == ""


async def test_the_sentence_stands_below_the_answer(flow):
    flow.platform.photos["p"] = b"moving cat"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    answered = await flow.answered("ann")

    assert answered[-1].endswith(texts.say("note_first_frame", "en"))


async def test_nothing_is_told_with_the_next_question_about_it(flow):
    flow.platform.photos["p"] = b"moving cat"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")
    await flow.say("and what colour?")
    answered = await flow.answered("ann", 2)

    assert texts.say("note_first_frame", "en") not in answered[-1]
