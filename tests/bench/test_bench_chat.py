"""The chat bench itself, with so few people that its figures mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.chat import Plan, Run, Seen, bench
from bench.report import Options, Report
from bench.scripted import answer, question
from bot.markup import styled

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(180)  # starts both programs
async def test_everybody_gets_the_whole_answer_and_both_are_counted(tmp_path: Path):
    plan = Plan(people=3, at_once=3, length=400, pieces=10, pause_s=0.02)

    await bench(plan, Report("chat", Options(tmp_path, quick=True)))

    found = json.loads((tmp_path / "chat.json").read_text("utf-8"))
    assert found["counts"]["finals_lost"] == 0
    assert found["counts"]["early_calls"] == 0
    assert found["ratios"].keys() >= {"first_words_p50_naive_over_ours", "calls_naive_over_ours"}
    for who in ("visionbot", "naive"):
        assert len(found["measured"][who]["seen"]) == 3
        assert found["measured"][who]["edits"] >= 3


def test_who_never_saw_the_whole_answer_is_counted_as_lost():
    seen = (Seen(0.1, 0.2, 0.3), Seen(0.1, 0.2, None), Seen(None, None, None))

    assert Run(seen, calls=9, edits=4, refused=0, early=0, took_s=1.0).lost == 2


def test_answers_are_long_enough_different_and_formatted():
    one, other = answer(1, 700), answer(2, 700)

    assert len(one) >= 700
    assert one.replace("1", "2", 1) != other
    assert {span.kind for span in styled(one).spans} == {"bold", "italic", "code", "pre"}
    assert "photo 12?" in question(12)
