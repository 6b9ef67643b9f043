from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.draft import Draft
from inference.request import Delta


def drafted(*pieces: str) -> list[str]:
    """What can be seen after each piece, and in the end."""
    draft = Draft()
    seen = []
    for piece in pieces:
        draft.add(Delta(piece))
        seen.append(draft.text())
    draft.close()
    return [*seen, draft.text()]


def test_text_without_thoughts_is_seen_as_it_comes():
    assert drafted("red", " circle") == ["red", "red circle", "red circle"]


def test_thoughts_are_never_seen():
    assert drafted("<think>hm", "m</think>\n", "red") == ["", "", "red", "red"]


def test_mark_that_comes_in_pieces_is_recognised():
    assert drafted(*"<think>no</think>yes")[-1] == "yes"
    assert all("<" not in seen for seen in drafted(*"<think>no</think>yes"))


def test_what_only_looked_like_a_mark_is_seen_in_the_end():
    assert drafted("1 <th") == ["1", "1 <th"]
    assert drafted("a < b")[0] == "a < b"


def test_thoughts_without_an_end_leave_nothing():
    assert drafted("<think>for ever and")[-1] == ""


def test_last_delta_says_how_it_ended():
    draft = Draft()
    draft.add(Delta("a", finish="length"))

    assert draft.finish == "length"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@given(words=st.lists(st.sampled_from(["a", "<", ">", "<think>", "</think>", "/", "th"])))
def test_pieces_do_not_matter(size, words):
    text = "".join(words)
    pieces = [text[i : i + size] for i in range(0, len(text), size)]

    assert drafted(*pieces)[-1] == drafted(text)[-1]
