from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.documents.block import Block
from bot.documents.passages import LEAST, MOST, cut

SENTENCE = "本馆每周二至周日开放，周一闭馆。"  # 16 characters


def letters(text: str) -> str:
    return "".join(text.split())


def test_short_paragraphs_go_together_until_they_are_enough():
    blocks = [Block(f"¶ {n}", f"{n}{SENTENCE * 5}") for n in range(1, 7)]

    assert [place for place, _ in cut(blocks)] == ["¶ 1", "¶ 4"]


def test_a_long_paragraph_is_cut_between_sentences():
    passages = cut([Block("p. 1", SENTENCE * 60)])

    assert len(passages) > 1
    assert all(text.endswith("。") and len(text) <= MOST for _, text in passages)


def test_a_sentence_without_end_is_cut_at_a_comma():
    passages = cut([Block("", "甲乙丙丁戊己庚辛壬，" * 100)])

    assert all(text.endswith("，") for _, text in passages)


def test_no_passage_reaches_from_one_page_into_the_next():
    passages = cut([Block("p. 1", "one.", group="p. 1"), Block("p. 2", "two.", group="p. 2")])

    assert passages == [("p. 1", "one."), ("p. 2", "two.")]


def test_the_heading_stands_at_the_head_of_every_passage_below_it():
    passages = cut([Block("退票", SENTENCE * 60, "退票")])

    assert len(passages) > 1
    assert all(text.startswith("退票\n") for _, text in passages)


def test_a_very_short_rest_goes_with_what_is_before_it():
    passages = cut([Block("", SENTENCE * 20), Block("", "完。")])

    assert passages[-1][1].endswith("完。")
    assert all(len(text) >= LEAST for _, text in passages)


def test_nothing_gives_no_passage():
    assert cut([Block("", " \n ")]) == []


PARAGRAPHS = st.lists(st.text(alphabet="甲a. 。，！\n\t…”", max_size=900), max_size=8)


@given(PARAGRAPHS)
def test_no_letter_is_lost_or_doubled_and_no_passage_is_too_long(paragraphs: list[str]):
    passages = cut(Block("", paragraph) for paragraph in paragraphs)

    assert letters("".join(text for _, text in passages)) == letters("".join(paragraphs))
    assert all(0 < len(text) <= MOST * 1.2 for _, text in passages)
