"""Measures the committed weights through their own class: `python -m inference.demo.evaluate`.

Pictures and, for numbers, fonts are not those of the training. An answer counts when it is word
for word the expected one; in longer talks the model goes on from its own earlier answers.
"""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm  # type: ignore[import-untyped] # it has no types
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil

from inference.demo import talk
from inference.demo.checkpoint import WEIGHTS, load_checkpoint
from inference.demo.fonts import held_out_fonts
from inference.demo.naming import pick
from inference.demo.questions import ask, choose_task
from inference.demo.scenes import Scene, paint
from inference.demo.talk import Turn
from inference.demo.unseen import DRAWINGS, UNSEEN, draw, is_right
from inference.demo.wordings import SYSTEM_LINES, Language

_SEED = 60661
_BATCH = 16
_LONGEST = 72  # tokens of an answer
_SINGLE = (
    "main colour", "describe", "colour", "colours of several", "shape", "where", "count", "exists",
    "yes or no", "what is at", "nothing at", "absent", "number", "number's colour", "no number",
)  # fmt: skip
_LANGUAGES: tuple[Language, Language] = ("zh", "en")
_TALK_TASKS = (
    "small talk", "beyond its skill", "no picture", "second question", "two pictures",
    "after a second picture",
)  # fmt: skip


@dataclass(slots=True)
class Case:
    task: str
    language: Language
    messages: list[dict[str, Any]]  # Any: the wire format of chat templates
    pictures: list[Image.Image]
    rest: list[tuple[str, list[Image.Image]]] = field(
        default_factory=list
    )  # what the user says next
    wants: str = ""  # the last answer
    said: str = ""


class Answerer:
    """Greedy answers of one checkpoint, some conversations at a time."""

    def __init__(self, folder: Path) -> None:
        loaded = load_checkpoint(folder)
        self._model: Any = loaded[0]  # Any: transformers types generate() for another class
        self._tokenizer: Any = loaded[1]  # Any: transformers' tokenizers are untyped
        self._processor: Glm46VImageProcessorPil = loaded[2]

    def answer(self, cases: list[Case]) -> None:
        """Runs every conversation to its end, in batches."""
        pending = list(cases)
        while pending:
            for start in tqdm(range(0, len(pending), _BATCH), "answers", leave=False):
                self._answer_batch(pending[start : start + _BATCH])
            pending = [case for case in pending if _go_on(case)]

    @torch.no_grad()
    def _answer_batch(self, cases: list[Case]) -> None:
        texts = [self._render(case) for case in cases]
        pictures = [picture for case in cases for picture in case.pictures]
        extra: dict[str, Any] = {}  # Any: tensors under transformers' own names
        if pictures:
            seen = self._processor(images=pictures, return_tensors="pt")
            extra = {"pixel_values": seen["pixel_values"], "image_grid_thw": seen["image_grid_thw"]}
            texts = _spread(texts, [int(grid.prod()) // 4 for grid in seen["image_grid_thw"]])
        given = self._tokenizer(
            texts, return_tensors="pt", padding=True, return_token_type_ids=False
        )
        image = self._model.config.image_token_id
        kinds = (given["input_ids"] == image).int()
        out = self._model.generate(
            **given, **extra, mm_token_type_ids=kinds, max_new_tokens=_LONGEST, do_sample=False
        )
        answers = self._tokenizer.batch_decode(
            out[:, given["input_ids"].shape[1] :], skip_special_tokens=True
        )
        for case, said in zip(cases, answers, strict=True):
            case.said = said.strip()

    def _render(self, case: Case) -> str:
        text: str = self._tokenizer.apply_chat_template(
            case.messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inference.demo.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--questions", type=int, default=100, help="of each task and language")
    parser.add_argument("--wrong", action="store_true", help="also list the wrong answers")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--write", action="store_true", help="write evaluation.md beside the weights"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.disable(logging.WARNING)  # transformers repeats itself
    answerer = Answerer(options.weights)
    cases = single_cases(options.questions) + talk_cases(options.questions)
    unseen = unseen_cases()
    answerer.answer(cases + unseen)
    text = report(cases, unseen)
    print(text)  # noqa: T201 - a program for people
    if options.wrong:
        for case in cases + unseen:
            if not _right(case):
                print(f"{case.task} | {case.messages[-1]} | {case.said} | {case.wants}")  # noqa: T201
    if options.write:
        (options.weights / "evaluation.md").write_text(text)


def report(cases: list[Case], unseen: list[Case]) -> str:
    """Markdown: percent right by task and language, and of the hand-written wordings."""
    lines = ["| task | zh | en | questions |", "|---|---|---|---|"]
    for task in (*_SINGLE, *_TALK_TASKS):
        lines.append(_line(task, [case for case in cases if case.task == task]))
    single = [case for case in cases if case.task in _SINGLE]
    lines.append(_line("**all single questions**", single))
    lines.append(_line("**hand-written wordings**", unseen))
    return "\n".join(lines) + "\n"


def single_cases(each: int) -> list[Case]:
    """`each` questions of every task and language, one turn, at most a few from one picture."""
    rng, r = np.random.default_rng(_SEED), Random(_SEED)
    fonts = held_out_fonts()
    left = {(task, language): each for task in _SINGLE for language in _LANGUAGES}
    cases = []
    while any(left.values()):
        picture, scene = paint(rng, fonts)
        for language in _LANGUAGES:
            for turn in _some_questions(r, scene, language):
                if left.get((turn.task, language), 0) > 0:
                    left[turn.task, language] -= 1
                    cases.append(_case(r, [(turn, [picture])], turn.task))
    return cases


def talk_cases(each: int) -> list[Case]:
    """Talk without a picture, a second question, and two pictures."""
    rng, r = np.random.default_rng(_SEED + 1), Random(_SEED + 1)
    fonts = held_out_fonts()
    left = {(task, language): each for task in _TALK_TASKS for language in _LANGUAGES}
    cases = []
    while any(left.values()):
        case = _some_talk(r, paint(rng, fonts), paint(rng, fonts))
        if left.get((case.task, case.language), 0) > 0:
            left[case.task, case.language] -= 1
            cases.append(case)
    return cases


def unseen_cases() -> list[Case]:
    r = Random(_SEED + 2)
    cases = []
    for wording in UNSEEN:
        pictures = [draw(DRAWINGS[wording.drawing])] if wording.drawing else []
        turn = Turn(wording.text, "&".join(wording.wants), "unseen")
        cases.append(_case(r, [(turn, pictures)], "unseen", language=_language(wording.text)))
    return cases


def _some_questions(r: Random, scene: Scene, language: Language) -> list[Turn]:
    turns = {}
    for _ in range(6):
        made = ask(r, scene, choose_task(r, scene), language)
        if made:
            marked = talk.dressed(r, made.text, language)
            turns[made.task] = talk.turn_of(marked, made.answer, made.task)
    return list(turns.values())


def _some_talk(
    r: Random, first: tuple[Image.Image, Scene], second: tuple[Image.Image, Scene]
) -> Case:
    kind = r.random()
    if kind < 0.3:
        turn = talk.without_picture(r, first[1])[0]
        return _case(r, [(turn, [])], turn.task)
    if kind < 0.6:
        language = talk.choose_language(r)
        turns = [talk.question(r, first[1], language)[0] for _ in range(2)]
        return _case(r, [(turns[0], [first[0]]), (turns[1], [])], "second question")
    scenes = first[1], second[1]
    if kind < 0.8:
        turn = talk.about_two(r, scenes, together=True)[0]
        return _case(r, [(turn, [first[0], second[0]])], turn.task)
    turn = talk.about_two(r, scenes, together=False)[0]
    opening, _ = talk.question(r, first[1], talk.choose_language(r))
    return _case(r, [(opening, [first[0]]), (turn, [second[0]])], turn.task)


def _case(
    r: Random,
    turns: list[tuple[Turn, list[Image.Image]]],
    task: str,
    language: Language | None = None,
) -> Case:
    last = turns[-1][0]
    case = Case(task, language or _language(last.answer), [], [], wants=last.answer)
    if r.random() < 0.5:
        case.messages.append({"role": "system", "content": pick(r, SYSTEM_LINES)})
    case.rest = [(turn.text, pictures) for turn, pictures in turns]
    _go_on(case)
    return case


def _go_on(case: Case) -> bool:
    """Adds the user's next message, after the model's own answer; False at the end."""
    if not case.rest:
        return False
    if case.said:
        case.messages.append({"role": "assistant", "content": case.said})
    text, pictures = case.rest.pop(0)
    case.pictures = case.pictures + pictures
    content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": text}]
    case.messages.append({"role": "user", "content": content})
    return True


def _spread(texts: list[str], counts: list[int]) -> list[str]:
    """One picture mark becomes as many as the picture has tokens."""
    parts = "\0".join(texts).split("<|image|>")
    marks = ["<|image|>" * count for count in counts] + [""]
    joined = "".join(part + mark for part, mark in zip(parts, marks, strict=True))
    return joined.split("\0")


def _language(text: str) -> Language:
    return "zh" if any("\u3400" <= character <= "\u9fff" for character in text) else "en"


def _right(case: Case) -> bool:
    if case.task == "unseen":
        return is_right(case.said, tuple(case.wants.split("&")))
    return case.said == case.wants


def _line(name: str, cases: list[Case]) -> str:
    right: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        right[case.language].append(_right(case))
    shares = (f"{100 * sum(right[key]) / max(1, len(right[key])):.1f}" for key in _LANGUAGES)
    return f"| {name} | {' | '.join(shares)} | {len(cases)} |"


if __name__ == "__main__":
    main()
