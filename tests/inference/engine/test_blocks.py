from __future__ import annotations

from collections.abc import Callable

import pytest

from inference.engine.blocks import PageTable
from inference.engine.sequence import Prompt, Sequence
from inference.request import Sampling
from tests.inference.engine.sequences import PAGE, a_sequence

Check = Callable[[PageTable, list[Sequence]], None]


def admit(table: PageTable, id: int, prompt: list[int], *, salt: bytes = b"") -> Sequence:
    sequence = a_sequence(id, prompt, salt=salt)
    assert table.admit(sequence)
    return sequence


def keep(table: PageTable, start: int, pages: int = 1, *, salt: bytes = b"") -> list[int]:
    """A prompt that was computed, and whose full pages are remembered."""
    prompt = list(range(start, start + pages * PAGE))
    sequence = admit(table, 0, prompt, salt=salt)
    sequence.computed = len(prompt)
    table.remember(sequence)
    table.release(sequence)
    return prompt


def known(table: PageTable, prompt: list[int], *, salt: bytes = b"") -> int:
    """So many pages of it are found."""
    sequence = admit(table, 9, [*prompt, 0], salt=salt)
    found = sequence.computed // PAGE
    table.release(sequence)
    return found


def fill(table: PageTable) -> None:
    """Every page is used for something else, and forgotten."""
    table.release(admit(table, 8, [-1] * (table.pages * PAGE)))


# On the device


def test_kept_page_longest_unused_is_given_away_first() -> None:
    table = PageTable(4, PAGE)
    keep(table, 0, 2)
    keep(table, 50, 2)
    admit(table, 3, list(range(90, 98)))

    newer = admit(table, 4, list(range(50, 58)))

    assert newer.computed == 4
    assert not table.free


def test_beginning_of_a_prefix_outlives_its_end() -> None:
    table = PageTable(4, PAGE)
    prompt = keep(table, 0, 3)
    table.release(admit(table, 2, list(range(50, 58))))  # the blank page and one of those kept

    assert known(table, prompt) == 2


def test_sequences_of_another_salt_find_nothing() -> None:
    table = PageTable(9, PAGE)
    prompt = keep(table, 0, 2, salt=b"ours")

    assert known(table, prompt, salt=b"theirs") == 0
    assert known(table, prompt, salt=b"ours") == 2


def test_waiting_sequence_is_hashed_once() -> None:
    class Counted(list[int]):
        looks = 0

        def __getitem__(self, place):  # type: ignore[no-untyped-def, override]  # of two kinds
            Counted.looks += 1
            return super().__getitem__(place)

    table = PageTable(4, PAGE)
    keep(table, 0, 3)
    large = Sequence(1, Prompt(tuple(range(40))), Sampling(), 0)
    large.tokens = Counted(large.tokens)
    assert not table.admit(large)
    looks = Counted.looks

    for _ in range(5):
        assert not table.admit(large)
        assert table.shortage(large) > 0

    assert looks
    assert Counted.looks == looks


def test_shortage_counts_what_those_who_leave_would_free() -> None:
    table = PageTable(6, PAGE)
    shared = list(range(8))
    first = admit(table, 1, [*shared, 20])
    first.computed = 8
    table.remember(first)
    second = admit(table, 2, [*shared, 30])
    other = admit(table, 3, list(range(50, 58)))

    newcomer = a_sequence(4, list(range(100, 116)))
    follower = a_sequence(5, [*shared, *range(100, 108)])

    assert table.free == 0
    assert table.shortage(newcomer) == 4
    assert table.shortage(newcomer, [first]) == 3
    assert table.shortage(newcomer, [first, second]) == 0
    assert table.shortage(newcomer, [first, second, other]) == -2
    assert table.shortage(follower, [first, second]) == 0  # it shares two, and they stay


def test_catching_up_shares_what_another_computed_meanwhile(check_table: Check) -> None:
    table = PageTable(9, PAGE)
    first, second = (admit(table, id, list(range(14))) for id in (1, 2))
    second.computed = 1
    first.computed = 9
    table.remember(first)

    table.catch_up(second)

    assert second.computed == 8
    assert second.pages[:2] == first.pages[:2]
    assert table.used == 6
    check_table(table, [first, second])


def test_forgotten_pages_are_free_and_found_by_nobody() -> None:
    table = PageTable(4, PAGE)
    prompt = keep(table, 0, 3)

    table.forget_all()

    assert (table.cached, table.free) == (0, 4)
    assert known(table, prompt) == 0


def test_pages_that_are_held_stay_and_are_remembered_again() -> None:
    table = PageTable(6, PAGE)
    prompt = keep(table, 0, 2)
    holder = admit(table, 1, [*prompt, 5])

    table.forget_all()
    table.release(holder)

    assert known(table, prompt) == 2


# On the host


def test_forgotten_pages_do_not_come_back_from_the_host(check_table: Check) -> None:
    table = PageTable(3, PAGE, host_pages=2)
    prompt = keep(table, 0, 2)
    fill(table)
    assert table.on_host == 2

    table.forget_all()

    assert table.on_host == 0
    table.take_moves()
    assert known(table, prompt) == 0
    check_table(table, [])


def test_evicted_page_comes_back_from_the_host(check_table: Check) -> None:
    table = PageTable(2, PAGE, 2)
    prompt = keep(table, 0, 2)
    fill(table)
    assert [move.to_host for move in table.take_moves()] == [True, True]
    assert (table.cached, table.on_host) == (0, 2)

    again = admit(table, 1, [*prompt[:4], 99])

    (move,) = table.take_moves()
    assert (again.computed, again.pages[0], move.to_host) == (4, move.page, False)
    check_table(table, [again])


def test_without_host_memory_nothing_is_ever_copied() -> None:
    table = PageTable(2, PAGE)
    prompt = keep(table, 0, 2)

    fill(table)

    assert table.take_moves() == []
    assert known(table, prompt[:4]) == 0


def test_page_that_came_back_is_evicted_again_without_a_copy() -> None:
    table = PageTable(2, PAGE, 2)
    prompt = keep(table, 0)
    fill(table)
    table.release(admit(table, 1, [*prompt, 99]))
    table.take_moves()

    fill(table)

    assert table.take_moves() == []
    assert known(table, prompt) == 1


def test_prefix_is_found_page_by_page_on_either_side() -> None:
    table = PageTable(4, PAGE, 4)
    prompt = keep(table, 0, 3)
    other = admit(table, 1, [-1] * 3 * PAGE)  # evicts the last two
    table.take_moves()
    table.release(other)

    again = admit(table, 2, [*prompt, 99])

    assert again.computed == 12
    assert [move.to_host for move in table.take_moves()] == [False, False]


def test_host_page_longest_unused_is_given_up_first() -> None:
    table = PageTable(2, PAGE, 2)
    first, second = keep(table, 0), keep(table, 50)

    for start in (100, 150, 200):  # three are evicted, and the host has room for two
        keep(table, start)

    assert known(table, second) == 1
    assert known(table, first) == 0


def test_page_evicted_and_reused_in_one_plan_is_saved_before_it_is_overwritten() -> None:
    table = PageTable(2, PAGE, 3)
    first = keep(table, 0)
    fill(table)
    keep(table, 50, 2)
    table.take_moves()

    again = admit(table, 1, [*first, 99])  # both pages are evicted, one is filled from the host

    moves = table.take_moves()
    back = next(move for move in moves if not move.to_host)
    saved = next(move for move in moves if move.to_host and move.page == back.page)
    assert again.pages[0] == back.page
    assert moves.index(saved) < moves.index(back)


def test_eviction_never_overwrites_a_slot_that_is_wanted_in_the_same_admission() -> None:
    table = PageTable(2, PAGE, 1)
    first = keep(table, 0)
    fill(table)
    keep(table, 50, 2)
    table.take_moves()

    admit(table, 1, [*first, 99])

    (back, saved) = table.take_moves()  # the only slot is read first, and only then written
    assert (back.to_host, saved.to_host, back.slot) == (False, True, saved.slot)


def test_admission_that_fails_changes_nothing(check_table: Check) -> None:
    table = PageTable(3, PAGE, 2)
    first = keep(table, 0)
    fill(table)
    keep(table, 50)
    holder = admit(table, 1, [-2] * PAGE)
    table.take_moves()
    before = (table.free, table.used, table.cached, table.on_host)
    large = a_sequence(2, [*first, *range(70, 80)])

    assert not table.admit(large)

    assert (table.free, table.used, table.cached, table.on_host) == before
    assert (large.pages, large.computed, table.take_moves()) == ([], 0, [])
    check_table(table, [holder])


@pytest.mark.parametrize("pages", [1, 2])
def test_wrong_content_is_forgotten_on_the_host_too(check_table: Check, pages: int) -> None:
    table = PageTable(3, PAGE, 3)
    prompt = keep(table, 0, pages)
    fill(table)
    wrong = admit(table, 1, [*prompt, 99])
    assert wrong.computed == pages * PAGE
    table.take_moves()

    table.release(wrong, forget=True)

    assert table.on_host == 0
    assert known(table, prompt) == 0
    check_table(table, [])
