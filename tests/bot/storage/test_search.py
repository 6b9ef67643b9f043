"""What the knowledge base finds, and what it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.storage.audit import Act
from bot.storage.db import Database
from bot.storage.knowledge import Knowledge, NewDocument, Piece
from bot.storage.words import asked_words, is_small_talk, words_of
from tests.bot.storage import library


@pytest.fixture
def knowledge(db: Database) -> Knowledge:
    return Knowledge(db)


async def teach(knowledge: Knowledge, title: str, *pieces: Piece) -> None:
    new = NewDocument(title, "txt", f"digest of {title}", "web:1", pieces)
    await knowledge.add(Act(f"learn {title}", "web:1", "/learn"), new, lambda *_: "")


async def places(knowledge: Knowledge, question: str, limit: int = 5) -> list[str]:
    return [passage.place for passage in await knowledge.find(question, limit)]


async def test_of_a_generated_library_the_right_passage_is_found(
    db: Database, knowledge: Knowledge
):
    await teach(knowledge, "服务指南", *library.pieces())
    questions = library.questions()[:: 1 if db.name.endswith(".db") else 4]

    found = [
        ([passage.text for passage in await knowledge.find(asked, 5)], answer)
        for asked, answer in questions
    ]

    assert sum(answer in texts for texts, answer in found) >= 0.99 * len(questions)  # recall@5
    assert sum(answer in texts[:1] for texts, answer in found) >= 0.95 * len(questions)


async def test_a_long_story_finds_what_it_is_about(knowledge: Knowledge):
    await teach(knowledge, "服务指南", *library.pieces())

    for story, about in library.STORIES:
        found = await knowledge.find(story, 5)
        assert found, story
        assert about in found[0].text, story


async def test_a_question_about_something_else_finds_nothing(knowledge: Knowledge):
    await teach(knowledge, "服务指南", *library.pieces())

    assert [asked for asked in library.OTHER if await knowledge.find(asked, 5)] == []


async def test_one_passage_alone_is_found_and_left_alone_alike(knowledge: Knowledge):
    await teach(knowledge, "须知", Piece("p. 1", "本馆周一闭馆，其余各天九点开门。"))

    assert await places(knowledge, "周一开门吗？") == ["p. 1"]
    assert await places(knowledge, "这只猫是什么品种？") == []


@pytest.mark.parametrize(
    "question",
    [
        "refunds",
        "REFUNDS after three days?",
        "ｒｅｆｕｎｄ",
        "how do I get a refund",
        "is there a refund for tickets",
    ],
)
async def test_english_is_found_in_any_case_and_width(knowledge: Knowledge, question: str):
    await teach(
        knowledge,
        "Handbook",
        Piece("Refunds", "A ticket can be given back within three days; the refund is in cash."),
        Piece("Hours", "The hall is open from nine to five."),
    )

    assert (await places(knowledge, question))[:1] == ["Refunds"]


async def test_a_single_character_is_found_where_a_word_begins_with_it(knowledge: Knowledge):
    await teach(knowledge, "规定", Piece("1", "猫粮在二楼。"), Piece("2", "狗不得入内。"))

    assert await places(knowledge, "猫") == ["1"]
    assert await places(knowledge, "狗呢？") == ["2"]


async def test_the_title_belongs_to_each_passage(knowledge: Knowledge):
    await teach(knowledge, "退票规定", Piece("1", "开场前可以办理。"))

    assert await places(knowledge, "怎么退票") == ["1"]


async def test_no_more_than_asked_for_are_found(knowledge: Knowledge):
    await teach(knowledge, "规定", *(Piece(str(n), f"退票规定第 {n} 条") for n in range(9)))

    assert len(await knowledge.find("退票规定", 3)) == 3
    assert await knowledge.find("退票规定", 0) == []


@pytest.mark.parametrize(
    "question",
    ['"', "* OR *", "NEAR(退票)", "words:退票)", "'; DROP TABLE passages", "\0\ud800", ""],
)
async def test_the_language_of_the_index_means_nothing_in_a_question(
    knowledge: Knowledge, question: str
):
    await teach(knowledge, "规定", Piece("1", "退票须在开场前。"))

    assert await places(knowledge, question) in ([], ["1"])


def test_words_of_a_run_are_its_pairs_and_its_last_character():
    assert words_of("退票须知 A4 纸，Café") == ["退票", "票须", "须知", "知", "a4", "纸", "café"]


def test_filler_is_not_asked_for():
    assert asked_words("请问你们的退票怎么办理？") == ["退票", "办理"]
    assert asked_words("Where can I get a refund, please?") == ["refund"]


def test_a_very_long_question_is_cut():
    assert len(asked_words(" ".join(f"word{n}" for n in range(1000)))) == 64


@given(st.text(max_size=200))
def test_words_hold_nothing_that_could_end_them(text: str):
    for word in (*words_of(text), *asked_words(text)):
        assert word
        assert word.isascii() is False or word.isalnum()
        assert not set(word) & set(' "*\0')


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Good morning, everyone", True),
        ("Thanks!", True),
        ("您好，在吗", True),
        ("👍", True),
        ("Hello, where is the toilet?", False),
        ("早上好，停车场在哪", False),
        ("退票", False),
    ],
)
def test_a_greeting_asks_for_nothing_and_a_single_word_may(text: str, is_it: bool):
    assert is_small_talk(text) is is_it
