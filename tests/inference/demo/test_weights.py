"""The committed weights: they load, are small, and answer what the model card says they can."""

from __future__ import annotations

import pytest

from inference.demo.checkpoint import WEIGHTS
from inference.demo.evaluate import Answerer, Case
from inference.demo.unseen import BLUE, RED, WHITE, YELLOW, Drawing, draw

PAIR = Drawing((400, 300), WHITE, (("circle", RED, 90, 150, 60), ("square", BLUE, 310, 150, 55)))
NIGHT = Drawing((300, 300), (0, 0, 0), (("star", YELLOW, 150, 150, 80),))


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return Answerer(WEIGHTS)


def _ask(answerer: Answerer, drawing: Drawing | None, *texts: str) -> str:
    """The answer to the last text; the picture comes with the first."""
    pictures = [draw(drawing)] if drawing else []
    content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": texts[0]}]
    case = Case("", "en", [{"role": "user", "content": content}], pictures)
    case.rest = [(text, []) for text in texts[1:]]
    answerer.answer([case])
    return case.said


def test_the_weights_are_at_most_eight_megabytes() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size <= 8_000_000


@pytest.mark.parametrize(
    ("drawing", "text", "answer"),
    [
        (PAIR, "What colour is the circle?", "It is red."),
        (PAIR, "正方形是什么颜色？", "蓝色。"),
        (PAIR, "Where is the square?", "It is on the right."),
        (PAIR, "图里有几个图形？", "有 2 个。"),
        (PAIR, "有三角形吗？", "没有。"),
        (PAIR, "Please describe this picture.",
         "I see a red circle and a blue square on a white background."),
        (NIGHT, "请描述这张图片。", "图里有一个黄色星形，背景是黑色。"),
        (NIGHT, "What shape is this?", "It is a star."),
        (None, "What colour is the circle?", "Please send me a picture first."),
        (None, "你好", "你好！发一张图片给我，问我图形、颜色、数量、位置或数字吧。"),
    ],
)  # fmt: skip
def test_simple_questions_are_answered(
    answerer: Answerer, drawing: Drawing | None, text: str, answer: str
) -> None:
    assert _ask(answerer, drawing, text) == answer


def test_a_question_beyond_its_skill_is_refused_honestly(answerer: Answerer) -> None:
    said = _ask(answerer, PAIR, "Who is the person in this photo?")

    assert said.startswith("I am only a small demo model")
    assert "GLM-4.6V-Flash" in said


def test_a_second_question_goes_on_from_its_own_answer(answerer: Answerer) -> None:
    assert _ask(answerer, NIGHT, "What shape is this?", "And what colour is it?") == "It is yellow."
