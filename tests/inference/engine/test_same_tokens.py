"""Greedy answers are those of model.generate, whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.engine.blocks import PageTable
from inference.engine.glm4v import Glm4v, positions
from inference.engine.loop import EngineLoop
from inference.engine.messages import Ask, Cancel, Piece
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Chunk, Sequence
from inference.engine.settings import EngineSettings
from inference.request import ChatRequest, Picture, Sampling, Turn

Paint = Callable[..., Picture]
Check = Callable[[PageTable, list[Sequence]], None]
MAX_TOKENS = 24


class Bench:
    """An engine loop without a process, whose table is checked after every step."""

    def __init__(
        self, model: Glm4v, check: Check, *, pages: int, step_tokens: int, max_sequences: int
    ) -> None:
        self.model, self.check = model, check
        self.table = PageTable(pages, model.page_tokens)
        self.scheduler = Scheduler(self.table, max_sequences=max_sequences, step_tokens=step_tokens)
        self.loop = EngineLoop(model, self.scheduler)
        self.tokens: dict[int, list[int]] = {}
        self.texts: dict[int, str] = {}
        self.cached: dict[int, int] = {}

    def ask(self, id: int, turns: tuple[Turn, ...], **sampling: Any) -> None:
        sampling.setdefault("max_tokens", MAX_TOKENS)
        self.loop.handle(Ask(id, ChatRequest(turns, Sampling(**sampling)), sampling.get("seed", 0)))
        self.tokens[id], self.texts[id] = [], ""

    def step(self) -> None:
        self.loop.step()
        self.check(self.table, self.scheduler.running)
        for piece in self.loop.report().news:
            assert isinstance(piece, Piece), piece
            self.tokens[piece.id].append(piece.token)
            self.texts[piece.id] += piece.text
            if piece.usage:
                self.cached[piece.id] = piece.usage.cached_tokens

    def finish(self) -> None:
        while self.loop.has_work:
            self.step()


@pytest.fixture(scope="module")
def models() -> Iterator[dict[Path, Glm4v]]:
    threads = torch.get_num_threads()
    yield {}
    torch.set_num_threads(threads)


@pytest.fixture
def bench(
    checkpoint: Path,
    models: dict[Path, Glm4v],
    settings_of: Callable[..., EngineSettings],
    check_table: Check,
) -> Callable[..., Bench]:
    if checkpoint not in models:
        models[checkpoint] = Glm4v.load(settings_of(checkpoint, max_context_tokens=512))

    def bench(*, pages: int = 128, step_tokens: int = 2048, max_sequences: int = 8) -> Bench:
        return Bench(
            models[checkpoint],
            check_table,
            pages=pages,
            step_tokens=step_tokens,
            max_sequences=max_sequences,
        )

    return bench


@pytest.fixture
def talks(paint: Paint) -> dict[int, tuple[Turn, ...]]:
    """Text; one picture, two pictures, three turns, a system text, and two that share a prefix."""
    first, second, wide = paint(1), paint(2, 90, 200), paint(3, 300, 120)
    return {
        1: (Turn("user", "你好，你是谁？"),),
        2: (Turn("user", "What colour is the circle?", (first,)),),
        3: (Turn("user", "两张图有什么不同？", (first, second)),),
        4: (
            Turn("user", "图里有什么？", (wide,)),
            Turn("assistant", "一个圆形。"),
            Turn("user", "它在哪里？"),
        ),
        5: (Turn("system", "Answer in one word."), Turn("user", "How many?", (second, wide))),
        6: (Turn("user", "What colour is the square?", (first,)),),
        7: (Turn("user", "hello there"),),
    }


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("pages", "step_tokens", "max_sequences"),
    [
        pytest.param(128, 2048, 8, id="all at once"),
        pytest.param(128, 17, 8, id="prompts in parts"),
        pytest.param(128, 2048, 2, id="two at a time"),
        pytest.param(12, 40, 8, id="too few pages for all"),
    ],
)
def test_greedy_answers_are_those_of_generate(
    bench: Callable[..., Bench],
    reference: Any,
    talks: dict[int, tuple[Turn, ...]],
    expected: dict[int, list[int]],
    pages: int,
    step_tokens: int,
    max_sequences: int,
) -> None:
    engine = bench(pages=pages, step_tokens=step_tokens, max_sequences=max_sequences)

    for id in (1, 2, 3):
        engine.ask(id, talks[id])
    for _ in range(4):
        engine.step()
    for id in (4, 5):  # these join while the others are being answered
        engine.ask(id, talks[id])
    for _ in range(3):
        engine.step()
    for id in (6, 7):
        engine.ask(id, talks[id])
    engine.finish()

    assert engine.tokens == expected
    assert engine.table.used == 0


@pytest.fixture
def expected(
    checkpoint: Path,
    reference: Any,
    talks: dict[int, tuple[Turn, ...]],
    answers: dict[Path, dict[int, list[int]]],
) -> dict[int, list[int]]:
    if checkpoint not in answers:
        answers[checkpoint] = {
            id: reference.generate(turns, MAX_TOKENS) for id, turns in talks.items()
        }
    return answers[checkpoint]


@pytest.fixture(scope="module")
def answers() -> dict[Path, dict[int, list[int]]]:
    return {}


@pytest.mark.parametrize("checkpoint", ["random"], indirect=True)  # its answers are long
def test_answer_that_gave_way_goes_on_with_the_same_tokens(
    bench: Callable[..., Bench], reference: Any, talks: dict[int, tuple[Turn, ...]]
) -> None:
    engine = bench(pages=12, step_tokens=40)
    encoded = engine.model.pictures_encoded
    asked = {id: talks[id] for id in (2, 5, 7)}
    for id, turns in asked.items():
        engine.ask(id, turns, max_tokens=70)

    gave_way: set[int] = set()
    while engine.loop.has_work:
        engine.step()
        gave_way |= {one.id for one in engine.scheduler.waiting if one.written}

    assert gave_way
    assert engine.model.pictures_encoded - encoded <= 3, "a picture was encoded twice"
    assert engine.tokens == {id: reference.generate(turns, 70) for id, turns in asked.items()}


def test_positions_are_those_of_the_model(
    bench: Callable[..., Bench], reference: Any, talks: dict[int, tuple[Turn, ...]]
) -> None:
    model = bench().model
    for turns in talks.values():
        inputs = reference.inputs(turns)
        inputs.setdefault("image_grid_thw", None)
        inputs.pop("pixel_values", None)
        wanted, _ = reference.model.model.get_rope_index(**inputs)
        sequence = Sequence(1, model.prompt(ChatRequest(turns)), Sampling(), 0)
        count = len(sequence.tokens)

        whole = positions(Chunk(sequence, 0, count))
        parts = [positions(Chunk(sequence, at, min(7, count - at))) for at in range(0, count, 7)]

        assert list(sequence.tokens) == inputs["input_ids"][0].tolist()
        assert torch.equal(whole, wanted[:, 0])
        assert torch.equal(torch.cat(parts, dim=1), wanted[:, 0])


def test_second_question_about_a_photo_does_not_look_at_it_again(
    bench: Callable[..., Bench], talks: dict[int, tuple[Turn, ...]]
) -> None:
    engine = bench()
    engine.ask(1, talks[2])
    engine.finish()
    encoded = engine.model.pictures_encoded
    follow_up = (*talks[2], Turn("assistant", "Red."), Turn("user", "And where is it?"))

    engine.ask(2, follow_up)
    engine.finish()

    assert engine.cached[2] >= 2 * engine.model.page_tokens
    assert engine.model.pictures_encoded == encoded


def test_other_pixels_with_the_same_words_share_nothing(
    bench: Callable[..., Bench], reference: Any, paint: Paint
) -> None:
    engine = bench()
    turns = [(Turn("user", "What is it?", (paint(seed),)),) for seed in (11, 12)]

    for id, asked in enumerate(turns):
        engine.ask(id, asked)
        engine.finish()

    assert engine.cached[1] == 0
    assert engine.tokens[1] == reference.generate(turns[1], MAX_TOKENS)


def test_text_alone_never_runs_the_vision_tower(
    bench: Callable[..., Bench], talks: dict[int, tuple[Turn, ...]]
) -> None:
    engine = bench()
    encoded = engine.model.pictures_encoded

    engine.ask(1, talks[1])
    engine.finish()

    assert engine.model.pictures_encoded == encoded


def test_seed_gives_the_same_text_in_any_company(
    bench: Callable[..., Bench], talks: dict[int, tuple[Turn, ...]]
) -> None:
    sampling = {"temperature": 1.2, "top_p": 0.9, "seed": 7}
    alone, among = bench(), bench(step_tokens=30)
    alone.ask(2, talks[2], **sampling)
    alone.finish()

    for id in (1, 3, 4):
        among.ask(id, talks[id], temperature=0.7, seed=id)
    among.step()
    among.ask(2, talks[2], **sampling)
    among.finish()

    assert among.tokens[2] == alone.tokens[2]


def test_pieces_join_to_the_decoded_whole(
    bench: Callable[..., Bench], talks: dict[int, tuple[Turn, ...]]
) -> None:
    engine = bench()
    for id, turns in talks.items():
        engine.ask(id, turns, temperature=1.5, seed=id)  # bytes of all kinds from random weights
    engine.finish()

    assert engine.texts == {id: engine.model.decode(tokens) for id, tokens in engine.tokens.items()}


def test_cancelled_answer_gives_its_pages_back_before_the_next_step(
    bench: Callable[..., Bench], talks: dict[int, tuple[Turn, ...]]
) -> None:
    engine = bench()
    engine.ask(1, talks[2], max_tokens=400)
    engine.step()
    assert engine.table.used

    engine.loop.handle(Cancel(1))

    assert engine.table.used == 0
    assert not engine.loop.has_work
