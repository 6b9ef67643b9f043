from __future__ import annotations

from bot.draft import Draft
from inference.request import Delta, Usage


def test_text_is_seen_as_it_comes_without_space_around_it():
    draft = Draft()
    seen = []

    for piece in ("\nred", " circle", "\n"):
        draft.add(Delta(piece))
        seen.append(draft.text())

    assert seen == ["red", "red circle", "red circle"]


def test_thoughts_are_never_seen():
    draft = Draft()

    draft.add(Delta(reasoning="the person wants"))
    draft.add(Delta("red", reasoning=" a colour"))

    assert draft.text() == "red"


def test_thinking_lasts_until_the_first_word():
    draft = Draft()
    thinking = [draft.thinking]

    for delta in (Delta(reasoning="hm"), Delta("\n"), Delta("red"), Delta(reasoning="hm")):
        draft.add(delta)
        thinking.append(draft.thinking)

    assert thinking == [False, True, True, False, False]


def test_last_delta_says_how_it_ended():
    draft = Draft()

    draft.add(Delta("a", finish="length"))

    assert draft.finish == "length"


def test_last_delta_says_what_it_took():
    draft = Draft()

    draft.add(Delta("a", usage=Usage(10, 2)))
    draft.add(Delta("b"))

    assert draft.usage == Usage(10, 2)


def test_thoughts_count_as_written():
    draft = Draft()

    draft.add(Delta(reasoning="hm"))
    draft.add(Delta("red"))

    assert draft.written() == "hmred"
