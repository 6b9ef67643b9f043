"""Questions and answers must follow from the facts, and rows must spell what serving spells."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from inference.demo import talk
from inference.demo.answers import describe, say_wrong
from inference.demo.checkpoint import load_checkpoint
from inference.demo.prompt import Row, Speller, Style, visible
from inference.demo.questions import ask
from inference.demo.scenes import Scene, Thing
from inference.demo.talk import Turn
from inference.demo.tokenizer import SPECIALS
from inference.demo.unseen import UNSEEN
from inference.demo.wordings import Language

RED_CIRCLE = Thing("circle", "red", 0.2, 0.5, 0.1, 0.1)
BLUE_SQUARE = Thing("square", "blue", 0.8, 0.5, 0.1, 0.1)
PAIR = Scene((RED_CIRCLE, BLUE_SQUARE), None, "white", ordered=True, grid=(4, 6))


def _answers(task: str, language: Language, scene: Scene = PAIR) -> set[str]:
    r = Random(1)
    made = (ask(r, scene, task, language) for _ in range(400))
    return {question.answer for question in made if question}


@pytest.mark.parametrize(
    ("task", "language", "answers"),
    [
        ("where", "zh", {"在左边。", "在右边。"}),
        ("where", "en", {"It is on the left.", "It is on the right."}),
        ("place", "en", {"A red circle.", "A blue square.", "There is nothing there."}),
        ("main", "zh", {"主要是白色。"}),
        ("number", "en", {"There is no number.", "No, there is not."}),
        ("exists", "zh", {"有的。", "没有。"}),
    ],
)
def test_answers_follow_from_the_facts(task: str, language: Language, answers: set[str]) -> None:
    given = _answers(task, language)

    assert answers <= given
    assert all(answer.startswith(("图里没有", "There is no")) for answer in given - answers)


def test_a_description_names_things_from_left_to_right() -> None:
    assert describe(PAIR, "en") == "I see a red circle and a blue square on a white background."
    assert describe(PAIR, "zh") == "图里有一个红色圆形和一个蓝色正方形，背景是白色。"


def test_alike_things_are_counted_together() -> None:
    twins = replace(PAIR, things=(RED_CIRCLE, replace(RED_CIRCLE, x=0.8)))

    assert describe(twins, "zh") == "图里有两个红色圆形，背景是白色。"


def test_a_wrong_guess_is_corrected() -> None:
    assert say_wrong("红色。", "zh") == "不是，是红色。"
    assert say_wrong("It is on the left.", "en") == "No, it is on the left."


def test_no_hand_written_wording_comes_out_of_the_tables() -> None:
    r = Random(9)
    strip = str.maketrans("", "", " ?？.。!！,，")
    unseen = {wording.text.lower().translate(strip) for wording in UNSEEN}

    for _ in range(8000):
        for turn in [*talk.about_picture(r, PAIR), *talk.without_picture(r, PAIR)]:
            assert turn.text.lower().translate(strip) not in unseen


def test_a_branch_does_not_see_its_neighbours() -> None:
    branches = np.array([[0, 0, 1, 1, 2, 2, -1]])

    seen = visible(branches)[0]

    assert seen[5].tolist() == [True, True, False, False, True, True, False]
    assert seen[3].tolist() == [True, True, True, True, False, False, False]


def test_a_training_row_spells_what_the_chat_template_spells() -> None:
    _, tokenizer, _ = load_checkpoint()
    speller, row = Speller(tokenizer.backend_tokenizer), Row()
    speller.begin(row, "Be short.")
    speller.open_user(row)
    row.add_picture(0, (1, 1))
    speller.say(row, Turn("What is it?", "It is a star.", "shape"), Style(), ends=False)
    speller.open_user(row)
    speller.say(row, Turn("那它呢？", "", "shape"), Style(), ends=False)

    asked = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    rendered = tokenizer.apply_chat_template(
        [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": asked},
            {"role": "assistant", "content": "It is a star."},
            {"role": "user", "content": "那它呢？"},
        ],
        tokenize=False, add_generation_prompt=True, enable_thinking=False,
    )  # fmt: skip

    assert tokenizer(rendered)["input_ids"] == row.tokens


@pytest.mark.parametrize(
    "text", ["héllo 🐼 世界鑫龘\t\n  x 12", "مرحبا ﷽", "<|user|>\nabc", "a  b "]
)
def test_any_text_survives_the_tokenizer(text: str) -> None:
    _, tokenizer, _ = load_checkpoint()

    ids = tokenizer(text)["input_ids"]

    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_the_marks_of_the_real_model_are_single_tokens() -> None:
    _, tokenizer, _ = load_checkpoint()

    assert [tokenizer(mark)["input_ids"] for mark in SPECIALS] == [
        [n] for n in range(len(SPECIALS))
    ]
