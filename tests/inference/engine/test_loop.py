from __future__ import annotations

from collections.abc import Sequence as Items
from itertools import count
from typing import Any, Literal

import pytest
import torch

from inference.engine.blocks import Move, PageTable
from inference.engine.loop import EngineLoop
from inference.engine.process.messages import (
    Ask,
    Cancel,
    Failed,
    InHand,
    Measure,
    Measured,
    News,
    Piece,
    Refused,
    TooLong,
)
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Chunk, Guide, Prompt
from inference.engine.words.writing import Writing
from inference.errors import BadFormat, ContextTooLong
from inference.request import ChatRequest, JsonFormat, Sampling, Turn
from inference.trace import current

END = 7


class SmallLanguage:
    """Each byte of the question is a token; the answer is the bytes of 红绿, then the end."""

    ends = frozenset({END})

    def __init__(self, context_tokens: int) -> None:
        self.context_tokens = context_tokens

    def prompt(self, request: ChatRequest) -> Prompt:
        text = request.turns[0].text
        if text == "unreadable":
            raise ValueError(text)
        if len(text) >= self.context_tokens:
            raise ContextTooLong(len(text), self.context_tokens)
        return Prompt(tuple(text.encode()))

    def measure(self, turn: Turn) -> int:
        return len(turn.text)

    def guide(self, request: ChatRequest) -> Guide | None:
        if request.format is None:
            return None
        if request.format == JsonFormat("nonsense"):
            raise BadFormat("the schema is nonsense")
        return BadMask() if request.format == JsonFormat("breaks") else OnlyTheEnd()

    def writing(self, request: ChatRequest, seed: int) -> Writing:
        babel = request.turns[0].text == "babel"
        return Writing(self.confuse if babel else self.decode)

    def confuse(self, tokens: Items[int]) -> str:
        raise UnicodeError("something people wrote")

    def decode(self, tokens: Items[int]) -> str:
        shown = [token - 1 for token in tokens if token != END]
        return bytes("红绿".encode()[place] for place in shown).decode(errors="replace")


class OnlyTheEnd:
    """Allows the two bytes 红 needs at most, then the end alone."""

    def __init__(self) -> None:
        self.came: list[int] = []

    def allowed(self, *, left: int) -> torch.Tensor:
        allowed = torch.zeros(8, dtype=torch.bool)
        allowed[len(self.came) + 1 if len(self.came) < 3 else END] = True
        return allowed

    def admits(self, token: int, *, left: int) -> bool:
        return bool(self.allowed(left=left)[token])

    def advance(self, token: int) -> None:
        self.came.append(token)


class BadMask(OnlyTheEnd):
    """Too short for the vocabulary: the batch that it is in cannot be computed."""

    def allowed(self, *, left: int) -> torch.Tensor:
        return torch.ones(3, dtype=torch.bool)


class SmallModel:
    """Some texts make it fail."""

    context_tokens = 32
    pictures_encoded = 0
    revision = "small"
    vision_s = 0.0

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.given_back = 0
        self.most_rows = 1000  # of one sequence; more is out of memory

    @property
    def language(self) -> SmallLanguage:
        return SmallLanguage(self.context_tokens)

    def move(self, moves: Items[Move]) -> None:
        pass

    def forget(self) -> None:
        pass

    def give_back_memory(self) -> None:
        self.given_back += 1

    def forward(self, chunks: Items[Chunk]) -> torch.Tensor:
        self.batches.append([chunk.sequence.id for chunk in chunks])
        rows = []
        for chunk in chunks:
            text = bytes(chunk.sequence.prompt.tokens).decode()
            late = bool(chunk.sequence.written)
            if chunk.count > self.most_rows or (text == "memory" and late):
                raise torch.OutOfMemoryError("no memory")
            if text == "raises" and late:
                raise ValueError("something people wrote")
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


def ask(
    id: int, text: str, *, max_tokens: int = 20, written: tuple[int, ...] = (), **more: Any
) -> Ask:
    return Ask(id, ChatRequest((Turn("user", text),), Sampling(max_tokens), **more), 0, written)


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
    return "".join(piece.delta.text for piece in news if isinstance(piece, Piece))


def test_answer_ends_with_the_end_token(loop: EngineLoop) -> None:
    news = run(loop, ask(1, "hello"))[1]

    last = news[-1]
    assert text_of(news) == "红绿"
    assert isinstance(last, Piece)
    assert (last.delta.finish, last.token) == ("stop", END)
    assert last.delta.usage is not None
    assert (last.delta.usage.prompt_tokens, last.delta.usage.completion_tokens) == (5, 7)


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
    assert news[-1].delta.finish == "length"


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        ("raises", Failed(2, "ValueError")),
        ("nan", Failed(2, "the model's output is not a number", "numbers")),
        ("memory", Failed(2, "OutOfMemoryError", "memory")),
    ],
)
@pytest.mark.row(34, 35, 36)
def test_fault_in_one_sequence_ends_that_sequence_alone(
    loop: EngineLoop, table: PageTable, fault: str, ended: Failed
) -> None:
    news = run(loop, ask(1, "hello"), ask(2, fault), ask(3, "there"))

    assert text_of(news[1]) == text_of(news[3]) == "红绿"
    assert news[2][-1] == ended
    assert table.used == 0


@pytest.mark.row(34)
def test_prompt_that_memory_is_too_small_for_is_computed_in_smaller_parts(
    loop: EngineLoop, model: SmallModel
) -> None:
    model.most_rows = 12

    news = run(loop, ask(1, "x" * 20), ask(2, "hello"))

    assert text_of(news[1]) == text_of(news[2]) == "红绿"
    assert model.given_back


def test_prompt_that_not_even_half_of_fits_fails_alone(loop: EngineLoop, model: SmallModel) -> None:
    model.most_rows = 5

    news = run(loop, ask(1, "x" * 20), ask(2, "hello"))

    assert news[1] == [Failed(1, "OutOfMemoryError", "memory")]
    assert text_of(news[2]) == "红绿"


def test_answer_that_cannot_be_read_ends_alone(loop: EngineLoop, table: PageTable) -> None:
    news = run(loop, ask(1, "hello"), ask(2, "babel"), ask(3, "there"))

    assert text_of(news[1]) == text_of(news[3]) == "红绿"
    assert news[2] == [Failed(2, "UnicodeError")]
    assert table.used == 0


def test_sampling_that_fails_for_all_is_done_one_by_one(loop: EngineLoop) -> None:
    hopeless = ask(2, "hello", format=JsonFormat("breaks"))

    news = run(loop, ask(1, "hello"), hopeless, ask(3, "there"))

    assert text_of(news[1]) == text_of(news[3]) == "红绿"
    assert [type(one) for one in news[2]] == [Failed]


@pytest.mark.row(39)
def test_answer_that_takes_too_long_ends_where_it_is(model: SmallModel, table: PageTable) -> None:
    seconds = count()
    scheduler = Scheduler(table, max_sequences=4, step_tokens=64)
    loop = EngineLoop(model, scheduler, answer_timeout_s=2.5, clock=lambda: next(seconds))

    news = run(loop, ask(1, "hello"))[1]

    assert text_of(news) == "红"
    assert isinstance(news[-1], Piece)
    assert news[-1].delta.finish == "length"


def test_format_that_cannot_be_used_is_refused_in_its_own_words(loop: EngineLoop) -> None:
    news = run(loop, ask(1, "hello", format=JsonFormat("nonsense")))[1]

    assert news == [Refused(1, "the schema is nonsense")]


@pytest.mark.parametrize("written", [(), (1, 2)])
def test_guide_holds_also_for_an_answer_taken_up(
    loop: EngineLoop, written: tuple[int, ...]
) -> None:
    news = run(loop, ask(1, "hello", format=JsonFormat(), written=written))[1]

    assert text_of(news) == "红"
    assert isinstance(news[-1], Piece)
    assert news[-1].delta.finish == "stop"


@pytest.mark.parametrize(
    ("share", "other", "found"),
    [
        pytest.param("tenant", {"person": "ben"}, 4, id="another person"),
        pytest.param("tenant", {"tenant": "shop"}, 0, id="another tenant"),
        pytest.param("person", {"person": "ben"}, 0, id="another person, apart"),
        pytest.param("person", {"person": "ann"}, 4, id="the same person"),
    ],
)
def test_pages_are_found_by_those_who_share_them(
    model: SmallModel,
    table: PageTable,
    share: Literal["tenant", "person"],
    other: dict[str, str],
    found: int,
) -> None:
    scheduler = Scheduler(table, max_sequences=4, step_tokens=64)
    loop = EngineLoop(model, scheduler, share_prefixes=share)
    run(loop, ask(1, "hello", person="ann"))

    run(loop, ask(2, "hello", **other))

    assert loop.report().counts.cached_tokens == found


@pytest.mark.row(38)
def test_fault_of_the_device_ends_the_process(loop: EngineLoop) -> None:
    with pytest.raises(torch.AcceleratorError):
        run(loop, ask(1, "device"))


def test_request_that_cannot_be_read_is_refused_without_repeating_it(loop: EngineLoop) -> None:
    (failed,) = run(loop, ask(1, "unreadable"))[1]

    assert failed == Failed(1, "the request was refused: ValueError")


def test_the_line_about_a_refused_request_has_its_id(
    loop: EngineLoop, caplog: pytest.LogCaptureFixture
) -> None:
    ids: list[str] = []
    caplog.handler.addFilter(lambda _: ids.append(current()) or True)

    loop.handle(Ask(1, ChatRequest((Turn("user", "unreadable"),), id="req_1"), 0))

    assert "was refused" in caplog.text
    assert ids == ["req_1"]


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
    assert news[-1].delta.usage is not None
    assert news[-1].delta.usage.completion_tokens == 7


@pytest.mark.row(40)
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
    assert counts.pages_cached == 2  # of four tokens each: the question's, and the answer's first
    assert min(counts.times.prefill_s, counts.times.decode_s, counts.times.sample_s) > 0


def test_answer_taken_up_where_it_no_longer_fits_ends_at_once(model: SmallModel) -> None:
    model.context_tokens = 16
    loop = EngineLoop(model, Scheduler(PageTable(4, 4), max_sequences=4, step_tokens=64))

    news = run(loop, ask(1, "x" * 14, written=(1, 2, 3)), ask(2, "hello"))

    (ended,) = news[1]
    assert isinstance(ended, Piece)
    assert (ended.token, ended.delta.finish) == (None, "length")
    assert ended.delta.usage is not None
    assert ended.delta.usage.completion_tokens == 3
    assert text_of(news[2]) == "红绿"


def test_request_without_room_fails_and_blocks_nobody(model: SmallModel) -> None:
    loop = EngineLoop(model, Scheduler(PageTable(4, 4), max_sequences=4, step_tokens=64))

    news = run(loop, ask(1, "x" * 20), ask(2, "hello"))

    assert [type(one) for one in news[1]] == [Failed]
    assert text_of(news[2]) == "红绿"


def test_what_is_worked_on_is_said_before(model: SmallModel, table: PageTable) -> None:
    said: list[InHand] = []
    scheduler = Scheduler(table, max_sequences=1, step_tokens=64)
    loop = EngineLoop(model, scheduler, announce=said.append)
    loop.handle(ask(1, "device"))
    loop.handle(ask(2, "hello"))

    with pytest.raises(torch.AcceleratorError):
        run(loop)

    assert [in_hand.ids for in_hand in said] == [{1}, {2}, {1}]
