from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine.blocks import PageTable
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Chunk, Prompt, Sequence, Span
from inference.request import Picture, Sampling

PAGE = 4
DOT = Picture(1, 1, b"...")


def a_sequence(
    id: int, prompt: int | list[int] = 6, *, max_tokens: int = 5, spans: tuple[Span, ...] = ()
) -> Sequence:
    tokens = list(range(100 * id, 100 * id + prompt)) if isinstance(prompt, int) else prompt
    return Sequence(id, Prompt(tuple(tokens), spans), Sampling(max_tokens), 0)


def a_scheduler(*, pages: int = 64, max_sequences: int = 8, step_tokens: int = 100) -> Scheduler:
    table = PageTable(pages, PAGE)
    return Scheduler(table, max_sequences=max_sequences, step_tokens=step_tokens)


def compute(scheduler: Scheduler, chunks: list[Chunk], *, token: int = 1) -> None:
    """What the loop does with a plan: each complete sequence writes `token`, and may end."""
    for chunk in chunks:
        scheduler.advance(chunk)
    for chunk in chunks:
        sequence = chunk.sequence
        if not sequence.pending:
            sequence.tokens.append(token)
            if len(sequence.written) >= sequence.sampling.max_tokens:
                scheduler.remove(sequence)


def parts(chunks: list[Chunk]) -> list[tuple[int, int, int]]:
    return [(chunk.sequence.id, chunk.start, chunk.count) for chunk in chunks]


def test_every_decoding_sequence_gets_one_token_and_prompts_the_rest_of_the_budget() -> None:
    scheduler = a_scheduler(step_tokens=10)
    scheduler.add(a_sequence(1, 6))
    compute(scheduler, scheduler.plan())
    scheduler.add(a_sequence(2, 30))
    scheduler.add(a_sequence(3, 6))

    assert parts(scheduler.plan()) == [(1, 6, 1), (2, 0, 9)]


def test_long_prompt_goes_on_in_parts_until_it_is_computed() -> None:
    scheduler = a_scheduler(step_tokens=8)
    scheduler.add(a_sequence(1, 20))
    plans = []

    for _ in range(3):
        plans.append(parts(scheduler.plan()))
        compute(scheduler, scheduler.plan())

    assert plans == [[(1, 0, 8)], [(1, 8, 8)], [(1, 16, 4)]]


def test_prompt_goes_on_even_when_the_decoding_ones_take_the_whole_budget() -> None:
    scheduler = a_scheduler(step_tokens=2)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id, 1))
        compute(scheduler, scheduler.plan())
    scheduler.add(a_sequence(4, 6))

    assert parts(scheduler.plan()) == [(1, 3, 1), (2, 2, 1), (3, 1, 1), (4, 0, 1)]


def test_no_more_than_max_sequences_run() -> None:
    scheduler = a_scheduler(max_sequences=2)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id))

    scheduler.plan()

    assert [sequence.id for sequence in scheduler.running] == [1, 2]
    assert [sequence.id for sequence in scheduler.waiting] == [3]


def test_sequence_waits_until_there_are_pages_for_its_whole_prompt() -> None:
    scheduler = a_scheduler(pages=4)
    scheduler.add(a_sequence(1, 7))
    scheduler.add(a_sequence(2, 12))
    compute(scheduler, scheduler.plan())
    assert [sequence.id for sequence in scheduler.waiting] == [2]

    scheduler.remove(scheduler.running[0])
    scheduler.plan()

    assert [sequence.id for sequence in scheduler.running] == [2]


def test_youngest_gives_way_when_pages_run_out_and_comes_back_with_all_its_tokens() -> None:
    scheduler = a_scheduler(pages=4)
    old, young = a_sequence(1, 7, max_tokens=5), a_sequence(2, 7, max_tokens=5)
    scheduler.add(old)
    scheduler.add(young)
    for _ in range(2):
        compute(scheduler, scheduler.plan())

    chunks = scheduler.plan()

    assert parts(chunks) == [(1, 8, 1)]
    assert scheduler.waiting == [young]
    assert (len(young.written), young.computed, young.pages) == (2, 0, [])
    while old in scheduler.running:
        compute(scheduler, scheduler.plan())
    compute(scheduler, scheduler.plan())
    assert young.computed == 9


def test_known_prefix_is_shared_and_not_computed_again() -> None:
    scheduler = a_scheduler()
    first, second = (a_sequence(id, list(range(10))) for id in (1, 2))
    scheduler.add(first)
    compute(scheduler, scheduler.plan())
    scheduler.add(second)

    chunks = scheduler.plan()

    assert parts(chunks)[1] == (2, 8, 2)
    assert second.pages[:2] == first.pages[:2]
    assert second.pages[2] != first.pages[2]
    assert second.cached == 8


def test_prompt_that_is_known_to_its_end_still_computes_its_last_token() -> None:
    scheduler = a_scheduler()
    for id in (1, 2):
        scheduler.add(a_sequence(id, list(range(8))))
        compute(scheduler, scheduler.plan())

    assert scheduler.running[1].cached == 4


@pytest.mark.parametrize(("digests", "cached"), [("aa", 4), ("ab", 0)], ids=["same", "other"])
def test_same_tokens_share_only_with_the_same_pixels(digests: str, cached: int) -> None:
    scheduler = a_scheduler()
    for id, digest in enumerate(digests):
        spans = (Span(1, 1, 2, DOT, digest),)
        scheduler.add(a_sequence(id, [5] * 8, spans=spans))
        compute(scheduler, scheduler.plan())

    assert scheduler.running[1].cached == cached


def test_kept_page_longest_unused_is_given_away_first() -> None:
    table = PageTable(4, PAGE)
    for id, start in ((1, 0), (2, 50)):
        sequence = a_sequence(id, list(range(start, start + 8)))
        assert table.admit(sequence)
        sequence.computed = 8
        table.remember(sequence)
        table.release(sequence)
    other = a_sequence(3, list(range(90, 98)))
    assert table.admit(other)

    newer = a_sequence(4, list(range(50, 58)))
    assert table.admit(newer)

    assert newer.computed == 4
    assert not table.free


def test_beginning_of_a_prefix_outlives_its_end() -> None:
    table = PageTable(4, PAGE)
    long = a_sequence(1, list(range(12)))
    assert table.admit(long)
    long.computed = 12
    table.remember(long)
    table.release(long)
    other = a_sequence(2, list(range(50, 58)))
    assert table.admit(other)  # takes the blank page and one of those kept
    table.release(other)

    again = a_sequence(3, list(range(12)))
    assert table.admit(again)

    assert again.computed == 8


def test_wrong_pages_are_never_found_again() -> None:
    scheduler = a_scheduler()
    scheduler.add(a_sequence(1, list(range(10))))
    compute(scheduler, scheduler.plan())

    scheduler.remove(scheduler.running[0], forget=True)
    scheduler.add(a_sequence(2, list(range(10))))
    scheduler.plan()

    assert scheduler.running[0].cached == 0


class Memory:
    """Stands for the keys and values: each slot holds the whole prefix it was computed from."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, int], object] = {}

    def compute(self, chunk: Chunk) -> None:
        sequence = chunk.sequence
        for place in range(chunk.end):
            slot = sequence.pages[place // PAGE], place % PAGE
            prefix = self._prefix(sequence, place)
            if place < chunk.start:
                assert self._slots[slot] == prefix, "someone else wrote this page"
            else:
                self._slots[slot] = prefix

    def _prefix(self, sequence: Sequence, place: int) -> object:
        seen = tuple(s.digest for s in sequence.prompt.spans if s.start <= place)
        return tuple(sequence.tokens[: place + 1]), seen


requests = st.tuples(
    st.lists(st.integers(0, 1), min_size=1, max_size=24),  # a prompt; two tokens: prefixes recur
    st.integers(1, 12),  # longest answer
    st.sampled_from(["", "a", "b"]),  # the picture at its start
    st.integers(0, 3),  # steps until the next one comes
    st.one_of(st.none(), st.integers(1, 20)),  # cancelled after so many steps
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(requests, max_size=12),
    st.integers(9, 20),
    st.integers(1, 5),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_no_page_is_written_by_two_none_leaks_and_every_request_ends(
    check_table: Callable[[PageTable, list[Sequence]], None],
    asked: list[tuple[list[int], int, str, int, int | None]],
    pages: int,
    max_sequences: int,
    step_tokens: int,
    dice: random.Random,
) -> None:
    scheduler = a_scheduler(pages=pages, max_sequences=max_sequences, step_tokens=step_tokens)
    memory = Memory()
    cancels: dict[int, list[Sequence]] = {}
    arrivals: dict[int, list[Sequence]] = {}
    step = 0
    for id, (prompt, max_tokens, digest, pause, cancelled_after) in enumerate(asked):
        spans = (Span(0, 1, 1, DOT, digest),) if digest else ()
        sequence = a_sequence(id, prompt, max_tokens=max_tokens, spans=spans)
        step += pause
        arrivals.setdefault(step, []).append(sequence)
        if cancelled_after:
            cancels.setdefault(step + cancelled_after, []).append(sequence)

    for now in range(step + 3000):
        for sequence in arrivals.pop(now, []):
            scheduler.add(sequence)
        for sequence in cancels.pop(now, []):
            if sequence in scheduler.running or sequence in scheduler.waiting:
                scheduler.remove(sequence)
        chunks = scheduler.plan()
        assert bool(chunks) == scheduler.has_work
        check_table(scheduler.table, scheduler.running)
        for chunk in chunks:
            memory.compute(chunk)
        compute(scheduler, chunks, token=dice.randint(0, 1))
        if not arrivals and not scheduler.has_work:
            break

    assert not scheduler.has_work
    assert scheduler.table.used == 0
    check_table(scheduler.table, [])


def test_these_files_run_without_torch() -> None:
    names = ("sequence", "blocks", "scheduler", "detokenize", "local")
    imports = "; ".join(f"import inference.engine.{name}" for name in names)
    heavy = "{'torch', 'transformers', 'numpy'} & set(sys.modules)"

    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({heavy})"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "set()"
