from __future__ import annotations

import subprocess
import sys
from itertools import count

import pytest

from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Span
from tests.inference.engine.sequences import (
    DOT,
    a_scheduler,
    a_sequence,
    compute,
    ids,
    parts,
    step,
)


def begun(scheduler: Scheduler, steps: int) -> list[int]:
    """The ids in the order in which they began; at most one may run."""
    order: list[int] = []
    for _ in range(steps):
        order += [id for id, *_ in step(scheduler) if id not in order]
    return order


# What a step holds


def test_every_decoding_sequence_gets_one_token_and_prompts_the_rest_of_the_budget() -> None:
    scheduler = a_scheduler(step_tokens=10)
    scheduler.add(a_sequence(1, 6))
    step(scheduler)
    scheduler.add(a_sequence(2, 30))

    assert step(scheduler) == [(1, 6, 1), (2, 0, 9)]


def test_long_prompt_goes_on_in_parts_until_it_is_computed() -> None:
    scheduler = a_scheduler(step_tokens=8)
    scheduler.add(a_sequence(1, 20))

    plans = [step(scheduler) for _ in range(3)]

    assert plans == [[(1, 0, 8)], [(1, 8, 8)], [(1, 16, 4)]]


def test_first_prompt_goes_on_even_when_the_decoding_ones_take_the_whole_budget() -> None:
    scheduler = a_scheduler(step_tokens=2)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id, 1))
        step(scheduler)
    scheduler.add(a_sequence(4, 6))
    scheduler.add(a_sequence(5, 1))

    assert step(scheduler) == [(1, 3, 1), (2, 2, 1), (3, 1, 1), (4, 0, 1)]


@pytest.mark.row(3)
def test_short_prompt_waits_at_most_twice_as_long_as_alone_behind_a_long_one() -> None:
    for length in (1, 70, 100, 250, 300):
        alone, behind = a_scheduler(pages=2000), a_scheduler(pages=2000)
        behind.add(a_sequence(2, 4000))
        step(behind)

        took = []
        for scheduler in (alone, behind):
            short = a_sequence(1, length)
            scheduler.add(short)
            took.append(next(steps for steps in count(1) if step(scheduler) and short.written))

        assert took[1] <= 2 * took[0]


def test_long_prompt_keeps_its_part_of_each_step_however_many_short_ones_come() -> None:
    scheduler = a_scheduler(pages=500, step_tokens=40)
    scheduler.add(a_sequence(0, 1000))

    for id in range(1, 21):
        scheduler.add(a_sequence(id, 60))
        got = [tokens for one, _, tokens in step(scheduler) if one == 0]
        assert got[0] >= 8


def test_what_a_short_prompt_leaves_goes_to_the_long_one() -> None:
    scheduler = a_scheduler(step_tokens=40)
    scheduler.add(a_sequence(1, 100))
    scheduler.add(a_sequence(2, 10))

    assert step(scheduler) == [(1, 0, 30), (2, 0, 10)]


@pytest.mark.parametrize(("before", "after"), [(40, [20, 16, 16]), (9, [9, 9, 9])])
def test_smaller_steps_are_smaller_down_to_a_limit(before: int, after: list[int]) -> None:
    scheduler = a_scheduler(step_tokens=before)
    scheduler.add(a_sequence(1, 200))
    sizes = []

    for _ in range(3):
        scheduler.take_smaller_steps()
        sizes.append(step(scheduler)[0][2])

    assert sizes == after


def test_steps_grow_again_when_memory_suffices() -> None:
    scheduler = a_scheduler(pages=2000, step_tokens=64)
    scheduler.add(a_sequence(1, 4000))
    scheduler.take_smaller_steps()

    counts = {step(scheduler)[0][2] for _ in range(20)}
    for _ in range(64):
        scheduler.plan()

    assert counts == {32}
    assert step(scheduler)[0][2] == 64


# Who begins


def test_no_more_than_max_sequences_run() -> None:
    scheduler = a_scheduler(max_sequences=2)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id))

    scheduler.plan()

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([1, 2], [3])


@pytest.mark.row(2)
def test_people_take_turns_however_much_one_of_them_asks() -> None:
    scheduler = a_scheduler(max_sequences=1)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id, person="greedy"))
    scheduler.add(a_sequence(4, person="b"))
    scheduler.add(a_sequence(5, person="c"))

    assert begun(scheduler, 30) == [1, 4, 5, 2, 3]


def test_newcomer_stands_behind_the_round_that_has_begun() -> None:
    scheduler = a_scheduler(max_sequences=1)
    for id, person in ((1, "a"), (2, "b"), (3, "a")):
        scheduler.add(a_sequence(id, person=person))
    step(scheduler)

    scheduler.add(a_sequence(4, person="c"))

    assert begun(scheduler, 30) == [1, 2, 3, 4]


def test_requests_of_nobody_keep_their_order() -> None:
    scheduler = a_scheduler(max_sequences=1)
    for id, person in ((1, ""), (2, "a"), (3, ""), (4, "a"), (5, "")):
        scheduler.add(a_sequence(id, person=person))

    assert begun(scheduler, 30) == [1, 2, 3, 5, 4]


def test_cancelled_request_does_not_hold_its_person_back() -> None:
    scheduler = a_scheduler(max_sequences=1)
    scheduler.add(a_sequence(1, person="a"))
    step(scheduler)
    given_up = [a_sequence(id, person="b") for id in (2, 3, 4)]
    for sequence in given_up:
        scheduler.add(sequence)
    for sequence in given_up:
        scheduler.remove(sequence)

    scheduler.add(a_sequence(5, person="b"))
    scheduler.add(a_sequence(6, person="c"))

    assert begun(scheduler, 20) == [1, 5, 6]


def test_interactive_request_goes_before_batch_requests_that_came_earlier() -> None:
    scheduler = a_scheduler(max_sequences=1)
    for id in (1, 2):
        scheduler.add(a_sequence(id, person="a", priority="batch"))
    scheduler.add(a_sequence(3, person="a"))

    assert begun(scheduler, 20) == [3, 1, 2]


def test_batch_request_begins_though_interactive_ones_never_stop() -> None:
    scheduler = a_scheduler(max_sequences=1)
    batch = a_sequence(0, priority="batch", person="a")
    scheduler.add(batch)
    others = 0

    while not batch.began:
        others += 1
        scheduler.add(a_sequence(others, person="b"))
        begun(scheduler, 5)  # it ends

    assert others == 17


def test_batch_work_in_an_idle_engine_costs_later_questions_no_place() -> None:
    scheduler = a_scheduler(max_sequences=1)
    for id in range(1, 40):
        scheduler.add(a_sequence(id, max_tokens=1, person="a", priority="batch"))
    begun(scheduler, 30)

    scheduler.add(a_sequence(50, person="b"))

    assert begun(scheduler, 1) == [50]


def test_person_at_the_limit_is_passed_over_until_one_ends() -> None:
    scheduler = a_scheduler(max_per_person=2)
    for id, person in ((1, "a"), (2, "a"), (3, "a"), (4, "b")):
        scheduler.add(a_sequence(id, person=person))
    step(scheduler)
    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([1, 4, 2], [3])

    scheduler.remove(scheduler.running[0])
    step(scheduler)

    assert ids(scheduler.running) == [4, 2, 3]


def test_limit_per_person_does_not_bind_nobody() -> None:
    scheduler = a_scheduler(max_per_person=1)
    for id in (1, 2, 3):
        scheduler.add(a_sequence(id))

    step(scheduler)

    assert ids(scheduler.running) == [1, 2, 3]


def test_sequence_waits_until_there_are_pages_for_its_whole_prompt() -> None:
    scheduler = a_scheduler(pages=4)
    scheduler.add(a_sequence(1, 7))
    scheduler.add(a_sequence(2, 12))
    step(scheduler)
    assert ids(scheduler.waiting) == [2]

    scheduler.remove(scheduler.running[0])
    scheduler.plan()

    assert ids(scheduler.running) == [2]


def test_large_request_is_not_passed_by_small_ones_while_pages_are_lacking() -> None:
    scheduler = a_scheduler(pages=6)
    scheduler.add(a_sequence(1, 7))
    step(scheduler)
    scheduler.add(a_sequence(2, 20))
    scheduler.add(a_sequence(3, 1))

    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([1], [2, 3])


def test_nobody_begins_who_would_have_to_give_way_in_the_same_step() -> None:
    scheduler = a_scheduler(pages=4)
    scheduler.add(a_sequence(1, 7, max_tokens=9))
    step(scheduler)
    step(scheduler)
    scheduler.add(a_sequence(2, 7))
    assert scheduler.table.free == 2  # enough for the second, but the first needs one now

    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([1], [2])
    assert scheduler.preemptions == 0


def test_sequence_that_does_not_fit_even_alone_leaves_the_plan_empty() -> None:
    scheduler = a_scheduler(pages=2)
    scheduler.add(a_sequence(1, 7, max_tokens=9))
    scheduler.add(a_sequence(2, 1))
    while chunks := scheduler.plan():
        compute(scheduler, chunks)
    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([], [1, 2])

    scheduler.remove(scheduler.waiting[0], forget=True)

    assert step(scheduler) == [(2, 0, 1)]


# Who gives way


def test_highest_rank_gives_way_when_pages_run_out_and_comes_back_with_all_its_tokens() -> None:
    scheduler = a_scheduler(pages=5)
    low, high = a_sequence(1, 7, max_tokens=5), a_sequence(2, 7, max_tokens=5)
    scheduler.add(low)
    scheduler.add(high)
    step(scheduler)
    step(scheduler)

    chunks = scheduler.plan()

    assert parts(chunks) == [(1, 8, 1)]
    assert scheduler.waiting == [high]
    assert (len(high.written), high.computed, high.pages) == (2, 0, [])
    assert scheduler.preemptions == 1
    while low in scheduler.running:
        compute(scheduler, chunks)
        chunks = scheduler.plan()
    compute(scheduler, chunks)
    assert high.computed == 9


def test_batch_gives_way_first_when_pages_run_out() -> None:
    scheduler = a_scheduler(pages=7)
    scheduler.add(a_sequence(1, 7, max_tokens=9, priority="batch"))
    step(scheduler)
    scheduler.add(a_sequence(2, 7, max_tokens=9))
    step(scheduler)
    scheduler.add(a_sequence(3, 3, max_tokens=9))

    while not scheduler.preemptions:
        step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([2, 3], [1])


def test_what_was_cached_at_the_first_beginning_stays_so_after_giving_way() -> None:
    scheduler = a_scheduler(pages=20, max_sequences=1)
    batch = a_sequence(1, 9, priority="batch")
    scheduler.add(batch)
    step(scheduler)
    scheduler.add(a_sequence(2, 6, max_tokens=1))
    step(scheduler)
    assert not batch.pages

    chunks = scheduler.plan()

    assert parts(chunks) == [(1, 8, 2)]  # its pages are still remembered
    assert batch.usage().cached_tokens == 0


def test_batch_gives_its_place_to_a_question_that_finds_none() -> None:
    scheduler = a_scheduler(max_sequences=2)
    for id in (1, 2):
        scheduler.add(a_sequence(id, priority="batch"))
    step(scheduler)

    scheduler.add(a_sequence(3))
    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([3, 1], [2])
    assert scheduler.preemptions == 1


def test_batch_gives_its_pages_to_a_question_that_lacks_them() -> None:
    scheduler = a_scheduler(pages=8)
    for id in (1, 2):
        scheduler.add(a_sequence(id, 9, priority="batch"))
    step(scheduler)

    scheduler.add(a_sequence(3, 12))
    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([3, 1], [2])


def test_batch_does_not_give_way_where_that_would_not_help() -> None:
    scheduler = a_scheduler(pages=10)
    scheduler.add(a_sequence(1, 15))
    scheduler.add(a_sequence(2, 7, priority="batch"))
    step(scheduler)

    scheduler.add(a_sequence(3, 23))
    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([1, 2], [3])
    assert scheduler.preemptions == 0


def test_batch_that_has_waited_its_rounds_does_not_give_way() -> None:
    scheduler = a_scheduler(max_sequences=1)
    scheduler.add(a_sequence(0, max_tokens=50, person="a", priority="batch"))
    for id in range(1, 18):
        scheduler.add(a_sequence(id, max_tokens=1, person="b"))
    begun(scheduler, 18)
    assert ids(scheduler.running) == [0]

    scheduler.add(a_sequence(20, person="c"))
    step(scheduler)

    assert ids(scheduler.running) == [0]


def test_at_the_limit_a_persons_own_batch_gives_way_to_that_persons_question() -> None:
    scheduler = a_scheduler(max_per_person=1)
    scheduler.add(a_sequence(1, person="a", priority="batch"))
    scheduler.add(a_sequence(2, person="b", priority="batch"))
    step(scheduler)

    scheduler.add(a_sequence(3, person="a"))
    step(scheduler)

    assert (ids(scheduler.running), ids(scheduler.waiting)) == ([3, 2], [1])


# What is not computed again


def test_known_prefix_is_shared_and_not_computed_again() -> None:
    scheduler = a_scheduler()
    first, second = (a_sequence(id, list(range(10))) for id in (1, 2))
    scheduler.add(first)
    step(scheduler)
    scheduler.add(second)

    assert step(scheduler)[1] == (2, 8, 2)
    assert second.pages[:2] == first.pages[:2]
    assert second.pages[2] != first.pages[2]
    assert second.usage().cached_tokens == 8


def test_prompt_that_is_known_to_its_end_still_computes_its_last_token() -> None:
    scheduler = a_scheduler()
    for id in (1, 2):
        scheduler.add(a_sequence(id, list(range(8))))
        step(scheduler)

    assert scheduler.running[1].cached == 4


@pytest.mark.parametrize(("digests", "cached"), [("aa", 4), ("ab", 0)], ids=["same", "other"])
def test_same_tokens_share_only_with_the_same_pixels(digests: str, cached: int) -> None:
    scheduler = a_scheduler()
    for id, digest in enumerate(digests):
        scheduler.add(a_sequence(id, [5] * 8, spans=(Span(1, 1, 2, DOT, digest),)))
        step(scheduler)

    assert scheduler.running[1].cached == cached


def test_prompt_asked_twice_at_once_is_computed_once() -> None:
    scheduler = a_scheduler(step_tokens=10)
    for id in (1, 2):
        scheduler.add(a_sequence(id, list(range(31))))

    plans = [step(scheduler) for _ in range(4)]

    assert plans == [[(1, 0, 10)], [(1, 10, 10)], [(1, 20, 10)], [(1, 30, 1), (2, 28, 3)]]


def test_wrong_pages_are_never_found_again() -> None:
    scheduler = a_scheduler()
    scheduler.add(a_sequence(1, list(range(10))))
    step(scheduler)

    scheduler.remove(scheduler.running[0], forget=True)
    scheduler.add(a_sequence(2, list(range(10))))
    step(scheduler)

    assert scheduler.running[0].cached == 0


def test_these_files_run_without_torch() -> None:
    names = ("sequence", "blocks", "scheduler", "words.detokenize", "local")
    imports = "; ".join(f"import inference.engine.{name}" for name in names)
    heavy = "{'torch', 'transformers', 'numpy'} & set(sys.modules)"

    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({heavy})"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "set()"
