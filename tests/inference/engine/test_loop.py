from __future__ import annotations

from collections.abc import Sequence as Items

import pytest
import torch

from inference.engine.blocks import PageTable
from inference.engine.loop import EngineLoop
from inference.engine.messages import (
    Ask,
    Cancel,
    Failed,
    InHand,
    Measure,
    Measured,
    News,
    Piece,
    TooLong,
)
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Chunk, Prompt
from inference.errors import ContextTooLong
from inference.request import ChatRequest, Sampling, Turn

END = 7


class SmallModel:
    """Writes the bytes of 红绿, one a token, and then the end; some texts make it fail."""

    context_tokens = 32
    ends = frozenset({END})
    pictures_encoded = 0

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def prompt(self, request: ChatRequest) -> Prompt:
        text = request.turns[0].text
        if text == "unreadable":
            raise ValueError(text)
        if len(text) >= self.context_tokens:
            raise ContextTooLong(len(text), self.context_tokens)
        return Prompt(tuple(text.encode()))

    def measure(self, turn: Turn) -> int:
        return len(turn.text)

    def decode(self, tokens: Items[int]) -> str:
        shown = [token - 1 for token in tokens if token != END]
        return bytes("红绿".encode()[place] for place in shown).decode(errors="replace")

    def forward(self, chunks: Items[Chunk]) -> torch.Tensor:
        self.batches.append([chunk.sequence.id for chunk in chunks])
        rows = []
        for chunk in chunks:
            text = bytes(chunk.sequence.prompt.tokens).decode()
            late = bool(chunk.sequence.written)
            if text == "raises" and late:
                raise torch.OutOfMemoryError("no memory")
            if text == "device" and late:
                raise torch.AcceleratorError("illegal memory access")
            row = torch.zeros(8)
            row[len(chunk.sequence.written) + 1] = float("nan") if text == "nan" and late else 1.0
            rows += [row] if chunk.completes else []
        return torch.stack(rows) if rows else torch.empty(0, 8)


@pytest.fixture
def model() -> SmallModel:
    return SmallModel()


@pytest.fixture
def table() -> PageTable:
    return PageTable(32, 4)


@pytest.fixture
def loop(model: SmallModel, table: PageTable) -> EngineLoop:
    return EngineLoop(model, Scheduler(table, max_sequences=4, step_tokens=64))


def ask(id: int, text: str, *, max_tokens: int = 20, written: tuple[int, ...] = ()) -> Ask:
    return Ask(id, ChatRequest((Turn("user", text),), Sampling(max_tokens)), 0, written)


def run(loop: EngineLoop, *questions: Ask) -> dict[int, list[News]]:
    for question in questions:
        loop.handle(question)
    while loop.has_work:
        loop.step()
    news: dict[int, list[News]] = {question.id: [] for question in questions}
    for one in loop.report().news:
        news[one.id].append(one)
    return news


def text_of(news: list[News]) -> str:
    return "".join(piece.text for piece in news if isinstance(piece, Piece))


def test_answer_ends_with_the_end_token(loop: EngineLoop) -> None:
    news = run(loop, ask(1, "hello"))[1]

    last = news[-1]
    assert text_of(news) == "红绿"
    assert isinstance(last, Piece)
    assert (last.finish, last.token) == ("stop", END)
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (5, 7)


@pytest.mark.parametrize(
    ("text", "max_tokens", "expected"),
    [
        pytest.param("hi", 3, "红", id="max_tokens"),
        pytest.param("x" * 29, 20, "红", id="context"),
    ],
)
def test_answer_ends_at_its_limits(
    loop: EngineLoop, text: str, max_tokens: int, expected: str
) -> None:
    news = run(loop, ask(1, text, max_tokens=max_tokens))[1]

    assert text_of(news) == expected
    assert isinstance(news[-1], Piece)
    assert news[-1].finish == "length"


@pytest.mark.parametrize("fault", ["raises", "nan"])
def test_fault_in_one_sequence_ends_that_sequence_alone(
    loop: EngineLoop, table: PageTable, fault: str
) -> None:
    news = run(loop, ask(1, "hello"), ask(2, fault), ask(3, "there"))

    assert text_of(news[1]) == text_of(news[3]) == "红绿"
    assert isinstance(news[2][-1], Failed)
    assert table.used == 0


def test_fault_of_the_device_ends_the_process(loop: EngineLoop) -> None:
    with pytest.raises(torch.AcceleratorError):
        run(loop, ask(1, "device"))


def test_request_that_cannot_be_read_is_refused_without_repeating_it(loop: EngineLoop) -> None:
    (failed,) = run(loop, ask(1, "unreadable"))[1]

    assert failed == Failed(1, "the request was refused: ValueError")


def test_prompt_beyond_the_context_is_refused_with_its_numbers(loop: EngineLoop) -> None:
    assert run(loop, ask(1, "x" * 32))[1] == [TooLong(1, 32, 32)]


@pytest.mark.parametrize(
    ("written", "rest"), [((1, 2), "红绿"), ((1, 2, 3), "绿"), ((1, 2, 3, 4), "绿")]
)
def test_answer_taken_up_repeats_nothing_and_loses_nothing(
    loop: EngineLoop, written: tuple[int, ...], rest: str
) -> None:
    news = run(loop, ask(1, "hello", written=written))[1]

    assert text_of(news) == rest
    assert isinstance(news[-1], Piece)
    assert news[-1].usage is not None
    assert news[-1].usage.completion_tokens == 7


def test_cancelled_request_is_not_in_the_next_step(loop: EngineLoop, model: SmallModel) -> None:
    loop.handle(ask(1, "hello"))
    loop.handle(ask(2, "there"))
    loop.step()

    loop.handle(Cancel(1))
    loop.step()

    assert model.batches == [[1, 2], [2]]


def test_cancelling_what_has_ended_does_nothing(loop: EngineLoop) -> None:
    run(loop, ask(1, "hello"))

    loop.handle(Cancel(1))

    assert loop.report().news == ()


def test_measuring_needs_no_step(loop: EngineLoop) -> None:
    loop.handle(Measure(5, Turn("user", "four")))

    assert loop.report().news == (Measured(5, 4),)


def test_report_counts_what_was_computed_and_what_was_found(loop: EngineLoop) -> None:
    run(loop, ask(1, "hello"))
    run(loop, ask(2, "hello"))

    counts = loop.report().counts

    assert (counts.prompt_tokens, counts.cached_tokens, counts.completion_tokens) == (10, 4, 14)
    assert (counts.running, counts.waiting, counts.pages_used, counts.steps) == (0, 0, 0, 14)


def test_answer_taken_up_where_it_no_longer_fits_ends_at_once(model: SmallModel) -> None:
    model.context_tokens = 16
    loop = EngineLoop(model, Scheduler(PageTable(4, 4), max_sequences=4, step_tokens=64))

    news = run(loop, ask(1, "x" * 14, written=(1, 2, 3)), ask(2, "hello"))

    (ended,) = news[1]
    assert isinstance(ended, Piece)
    assert (ended.token, ended.finish) == (None, "length")
    assert ended.usage is not None
    assert ended.usage.completion_tokens == 3
    assert text_of(news[2]) == "红绿"


def test_request_without_room_fails_and_blocks_nobody(model: SmallModel) -> None:
    loop = EngineLoop(model, Scheduler(PageTable(4, 4), max_sequences=4, step_tokens=64))

    news = run(loop, ask(1, "x" * 20), ask(2, "hello"))

    assert [type(one) for one in news[1]] == [Failed]
    assert text_of(news[2]) == "红绿"


def test_what_is_worked_on_is_said_before(model: SmallModel, table: PageTable) -> None:
    said: list[InHand] = []
    scheduler = Scheduler(table, max_sequences=1, step_tokens=64)
    loop = EngineLoop(model, scheduler, said.append)
    loop.handle(ask(1, "device"))
    loop.handle(ask(2, "hello"))

    with pytest.raises(torch.AcceleratorError):
        run(loop)

    assert [in_hand.ids for in_hand in said] == [{1}, {2}, {1}]
