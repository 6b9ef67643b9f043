from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference.earlier.key import first_asked, fold, key_of
from inference.request import (
    ChatRequest,
    ChoiceFormat,
    JsonFormat,
    Picture,
    RegexFormat,
    Sampling,
    Tool,
    ToolCall,
    Tools,
    Turn,
)

MODEL = "glm abc"
RED, BLUE = Picture(1, 1, b"\xff\0\0"), Picture(1, 1, b"\0\0\xff")
SYSTEM = Turn("system", "Look.")
ANSWER = Turn("assistant", "Hi.")


def asking(text: str = "what is it?", *pictures: Picture, **rest: object) -> ChatRequest:
    turns = (SYSTEM, Turn("user", text, pictures or (RED,)))
    return ChatRequest(turns, owner="test:ann", **rest)  # type: ignore[arg-type]


def name(request: ChatRequest, model: str = MODEL, *, shared: bool = False) -> str:
    return key_of(request, model, shared=shared)


OTHERS = {
    "another picture": asking("what is it?", BLUE),
    "one more picture": asking("what is it?", RED, BLUE),
    "the same bytes in another shape": replace(
        asking(), turns=(SYSTEM, Turn("user", "what is it?", (Picture(1, 2, b"\xff\0\0" * 2),)))
    ),
    "other words": asking("what is that?"),
    "words before": replace(asking(), turns=(SYSTEM, Turn("user", "Hello"), *asking().turns[1:])),
    "other words of the system": replace(
        asking(), turns=(Turn("system", "look."), *asking().turns[1:])
    ),
    "another role": replace(asking(), turns=(SYSTEM, Turn("assistant", "what is it?", (RED,)))),
    "calls": replace(
        asking(), turns=(Turn("assistant", "", calls=(ToolCall("1", "f"),)), *asking().turns)
    ),
    "thinking": asking(thinking=True),
    "a JSON format": asking(format=JsonFormat()),
    "another JSON format": asking(format=JsonFormat("{}")),
    "a pattern": asking(format=RegexFormat("a")),
    "a choice": asking(format=ChoiceFormat(("a",))),
    "a choice of two": asking(format=ChoiceFormat(("a", "b"))),
    "a tool": asking(tools=Tools((Tool("f"),))),
    "a tool that must be called": asking(tools=Tools((Tool("f"),), "required")),
    "another tenant": asking(tenant="b"),
    "another owner": replace(asking(), owner="test:bob"),
}
CHANGED = {  # of Sampling: any other value
    "max_tokens": 7,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 3,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "seed": 1,
    "stop": ("x",),
    "logprobs": 2,
}


def test_whatever_decides_an_answer_gives_it_another_name() -> None:
    names = {"as it was": name(asking()), "another model": name(asking(), "glm abd")}
    names |= {what: name(request) for what, request in OTHERS.items()}

    assert len(set(names.values())) == len(names)


def test_each_setting_of_the_drawing_gives_it_another_name() -> None:
    assert {field.name for field in fields(Sampling)} == set(CHANGED)

    names = [name(asking(sampling=Sampling(**{key: CHANGED[key]}))) for key in CHANGED]  # type: ignore[arg-type]

    assert len({name(asking()), *names}) == len(CHANGED) + 1


def test_what_does_not_decide_an_answer_leaves_its_name() -> None:
    same = asking(id="7", person="test:ann", fresh=True, can_take_back=True, can_be_asked=True)
    noted = asking("what is it?", replace(RED, notes=("first_page",), source="ab"))

    assert name(asking()) == name(same) == name(noted)


def test_shared_by_a_tenant_it_has_one_name_for_all_owners_of_that_tenant() -> None:
    bob = replace(asking(), owner="test:bob")

    assert name(asking(), shared=True) == name(bob, shared=True)
    assert name(asking(), shared=True) != name(asking(tenant="b"), shared=True)


def test_a_wish_for_other_words_has_the_name_of_the_usual_answer() -> None:
    warmer = asking(sampling=Sampling(temperature=0.7, seed=3), usual=Sampling())

    assert name(warmer) == name(asking())


@given(
    st.binary(min_size=12, max_size=12),
    st.binary(min_size=12, max_size=12),
    st.text(max_size=12),
    st.text(max_size=12),
)
@settings(max_examples=300, deadline=None)
def test_other_pixels_or_other_words_never_have_the_same_name(
    pixels: bytes, others: bytes, words: str, other_words: str
) -> None:
    assume(pixels != others or fold(words) != fold(other_words))

    one = asking(words, Picture(2, 2, pixels))
    other = asking(other_words, Picture(2, 2, others))

    assert name(one) != name(other)


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_words_cannot_pose_as_another_turn(words: list[str], data: st.DataObject) -> None:
    """However a text is cut into turns, each cut has a name of its own."""
    at = data.draw(st.integers(0, len(words)))
    one = ChatRequest((*(Turn("user", word) for word in words), Turn("assistant", "")))
    joined = "".join(words[:at]), *words[at:]
    other = ChatRequest((*(Turn("user", word) for word in joined), Turn("assistant", "")))

    assert (one.turns == other.turns) == (name(one) == name(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("what is it?", " what  is it ?"),
        ("这是什么？", "这是什么"),
        ("ＡＢＣ　１２", "ABC 12"),
        ("这是什么。", " 这是什么? "),
        ("a\r\n\nb  c ", "a\nb c"),
        ("ｶﾅ", "カナ"),
    ],
)
def test_spaces_width_and_the_last_mark_make_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert name(asking(one)) == name(asking(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("what is 10²", "what is 102"),  # in NFKC they are one
        ("what is 5!", "what is 5"),
        ("3.5", "35"),
        ("Maße", "Masse"),
        ("more than 5 MW?", "more than 5 mW?"),
        ("if a:\n  b\n  c", "if a:\n  b\nc"),
        ("①", "1"),
        ("a b", "ab"),
        ("a\nb", "a b"),
        ("?", "."),
        ("", "?"),
    ],
)
def test_what_says_something_else_stays_apart(one: str, other: str) -> None:
    assert name(asking(one)) != name(asking(other))


def test_only_the_last_question_is_folded() -> None:
    def with_past(words: str) -> ChatRequest:
        return replace(asking(), turns=(Turn("user", words), ANSWER, *asking().turns))

    assert name(with_past("Polish")) != name(with_past("polish"))


def test_a_question_that_is_repeated_at_once_has_the_name_of_the_first_time() -> None:
    question = Turn("user", "what is it?", (RED,))
    once = ChatRequest((SYSTEM, question), owner="test:ann")
    twice = replace(once, turns=(*once.turns, ANSWER, question))
    without_photo = replace(once, turns=(*once.turns, ANSWER, Turn("user", "what is it")))
    thrice = replace(once, turns=(*twice.turns, Turn("assistant", "Well."), question))

    assert {name(one) for one in (twice, without_photo, thrice)} == {name(once)}


REPEATS = {
    "about another photo": (Turn("user", "it?", (RED,)), ANSWER, Turn("user", "it?", (BLUE,))),
    "without any photo": (Turn("user", "go on"), ANSWER, Turn("user", "go on")),
    "the photo came later": (Turn("user", "it?"), ANSWER, Turn("user", "it?", (RED,))),
    "other words": (Turn("user", "it?", (RED,)), ANSWER, Turn("user", "that?", (RED,))),
    "something was asked between": (
        *(Turn("user", "it?", (RED,)), ANSWER, Turn("user", "why?"), ANSWER),
        Turn("user", "it?", (RED,)),
    ),
    "a tool was called between": (
        *(Turn("user", "it?", (RED,)), Turn("assistant", "", calls=(ToolCall("1", "f"),))),
        *(Turn("tool", "7"), Turn("user", "it?", (RED,))),
    ),
    "go on, said twice": (
        *(Turn("user", "tell me", (RED,)), ANSWER, Turn("user", "go on"), ANSWER),
        Turn("user", "go on"),
    ),
}


@pytest.mark.parametrize("turns", REPEATS.values(), ids=REPEATS)
def test_what_is_no_repeat_is_asked_with_all_that_was_said(turns: tuple[Turn, ...]) -> None:
    request = ChatRequest((SYSTEM, *turns))

    assert first_asked(request) == request.turns


def test_a_repeat_is_known_by_the_persons_own_words_whatever_passages_stand_before_them() -> None:
    question = Turn("user", "how long?", (RED,))
    passages = Turn("user", "From documents:\n> two years\n\nhow long?", (RED,))
    first = ChatRequest((SYSTEM, passages), asked="how long?")
    again = replace(first, turns=(SYSTEM, question, ANSWER, passages))
    others = replace(again, turns=(*again.turns[:3], replace(passages, text="> x\n\nhow long?")))

    assert name(again) == name(first)
    assert name(others) != name(first)


def test_what_answers_a_quoted_message_is_no_repeat() -> None:
    quoting = Turn("user", "(In reply to: Hi.)\nwhat is it?", (RED,))
    request = ChatRequest(
        (SYSTEM, Turn("user", "what is it?", (RED,)), ANSWER, quoting), asked="what is it?"
    )

    assert first_asked(request) == request.turns
