from __future__ import annotations

import pytest

from bot.storage.audit import Act, Audit
from bot.storage.db import Database
from bot.storage.knowledge import Document, Knowledge, NewDocument, Novelty, Piece
from tests.fakes import FakeTime

RULES = (Piece("p. 1", "退票须在开场前。"), Piece("p. 2", "改签免费。"))


@pytest.fixture
def knowledge(db: Database) -> Knowledge:
    return Knowledge(db, clock=FakeTime().clock)


def act(number: int) -> Act:
    return Act(f"event {number}", "web:1", "/learn")


def a_document(title: str, *pieces: Piece, digest: str = "") -> NewDocument:
    return NewDocument(title, "pdf", digest or title, "web:1", pieces or RULES)


def told(document: Document, novelty: Novelty) -> str:
    return f"{novelty} {document.title}"


def told_forgotten(document: Document | None) -> str:
    return f"forgot {document.title}" if document else "no such"


async def words(db: Database) -> int:
    async with db.read() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM passage_words")
        return int(rows.scalar_one())


async def test_a_document_is_listed_with_its_numbers(knowledge: Knowledge):
    assert await knowledge.is_empty()

    said = await knowledge.add(act(1), a_document("须知"), told)

    assert said == "new 须知"
    assert not await knowledge.is_empty()
    assert await knowledge.documents() == [Document(1, "须知", "pdf", "web:1", 1000.0, 2, 13)]


async def test_its_passages_are_shown_in_order(knowledge: Knowledge):
    await knowledge.add(act(1), a_document("须知"), told)

    passages = await knowledge.passages(1, skip=1, limit=5)

    assert [(one.title, one.place, one.text) for one in passages] == [
        ("须知", "p. 2", "改签免费。")
    ]


@pytest.mark.parametrize("digest", ["", "another"])
async def test_the_same_title_replaces_what_was_there(
    db: Database, knowledge: Knowledge, digest: str
):
    await knowledge.add(act(1), a_document("须知"), told)

    said = await knowledge.add(act(2), a_document("须知", Piece("", "全新"), digest=digest), told)

    assert said == "replaced 须知"
    assert [document.id for document in await knowledge.documents()] == [1]
    assert [one.text for one in await knowledge.passages(1, skip=0, limit=9)] == ["全新"]
    assert await knowledge.find("退票", 5) == []
    assert await words(db) == 1


async def test_the_same_content_gets_its_new_title(knowledge: Knowledge):
    await knowledge.add(act(1), a_document("旧名", digest="same"), told)

    said = await knowledge.add(act(2), a_document("新名", digest="same"), told)

    assert said == "replaced 新名"
    assert [document.title for document in await knowledge.documents()] == ["新名"]


async def test_a_document_may_replace_two(db: Database, knowledge: Knowledge):
    await knowledge.add(act(1), a_document("甲", digest="one"), told)
    await knowledge.add(act(2), a_document("乙", digest="two"), told)

    await knowledge.add(act(3), a_document("乙", digest="one"), told)

    assert [(one.id, one.title) for one in await knowledge.documents()] == [(2, "乙")]
    assert await words(db) == 2


async def test_the_same_event_teaches_once(knowledge: Knowledge):
    await knowledge.add(act(1), a_document("须知"), told)
    assert await knowledge.told(act(1)) == "new 须知"

    again = await knowledge.add(act(1), a_document("须知"), told)

    assert again == "new 须知"
    assert await knowledge.told(act(2)) is None


async def test_what_is_forgotten_is_found_no_more(db: Database, knowledge: Knowledge):
    await knowledge.add(act(1), a_document("须知"), told)

    said = await knowledge.forget(act(2), 1, told_forgotten)

    assert said == "forgot 须知"
    assert await knowledge.is_empty()
    assert await knowledge.document(1) is None
    assert await knowledge.find("退票", 5) == []
    assert await words(db) == 0


async def test_the_same_event_forgets_once(knowledge: Knowledge):
    await knowledge.add(act(1), a_document("须知"), told)
    await knowledge.forget(act(2), 1, told_forgotten)

    assert await knowledge.forget(act(2), 1, told_forgotten) == "forgot 须知"
    assert await knowledge.forget(act(3), 1, told_forgotten) == "no such"


async def test_a_number_is_never_given_twice(knowledge: Knowledge):
    await knowledge.add(act(1), a_document("甲"), told)
    await knowledge.forget(act(2), 1, told_forgotten)

    await knowledge.add(act(3), a_document("乙"), told)

    assert [document.id for document in await knowledge.documents()] == [2]


async def test_a_change_leaves_a_trace(db: Database, knowledge: Knowledge):
    await knowledge.add(act(1), a_document("须知"), told)

    (line,) = await Audit(db).newest(5)

    assert (line.actor, line.command, line.subject) == ("web:1", "/learn", "须知")


async def test_a_failure_half_way_leaves_nothing(db: Database, knowledge: Knowledge):
    def fails(*_: object) -> str:
        raise RuntimeError("no words for it")

    with pytest.raises(RuntimeError):
        await knowledge.add(act(1), a_document("须知"), fails)

    assert await knowledge.is_empty()
    assert await words(db) == 0


async def test_text_that_no_database_takes_is_cleaned(knowledge: Knowledge):
    await knowledge.add(
        act(1), a_document("a\0\ud800", Piece("\ud800", "退票\0\ud800"), digest="one"), told
    )

    ((passage),) = await knowledge.find("退票", 5)

    assert (passage.title, passage.place, passage.text) == (
        "a\ufffd\ufffd",
        "\ufffd",
        "退票\ufffd\ufffd",
    )
