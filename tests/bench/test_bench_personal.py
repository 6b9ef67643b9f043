"""The made-up numbers of people by which the figures of recall are measured."""

from __future__ import annotations

from bench.personal import KINDS, Plan, mistakes, recall, table

FEW = Plan(values=25, strings=200)


def test_every_made_up_number_is_found_in_every_writing() -> None:
    found = recall(FEW)

    assert [one.kind for one in found] == list(KINDS)
    assert [one.found for one in found] == [one.written for one in found]
    assert all(one.written >= 10 * one.values for one in found)


def test_the_same_seed_makes_the_same_figures() -> None:
    assert recall(FEW, seed=7) == recall(FEW, seed=7)
    assert mistakes(FEW, seed=7) == mistakes(FEW, seed=7)


def test_nothing_of_an_archive_is_taken_for_a_number_of_a_person() -> None:
    wrong = {one.sort: one.kinds for one in mistakes(FEW)}

    assert wrong["ISBN"] == wrong["years and spans"] == {}
    assert wrong["call numbers of an archive"] == {}
    assert wrong["18 random digits"].get("id_card", 0) == 0
    assert "| id_card | 25 |" in table(recall(FEW), mistakes(FEW))
