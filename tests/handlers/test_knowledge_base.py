"""/learn and /kb: who may use them, what they take, what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.action import Ask, Say
from bot.event import Attachment, Event, Quoted
from bot.rules import AccessSection, KnowledgeSection
from handlers import decide
from handlers.desk import Desk
from tests.bot.documents.files import a_pdf
from tests.fakes import an_event
from tests.handlers.desks import a_desk

RULES = "退票规定\n开场前可以全额退票。\n开场后不退。"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path / "data") as desk:
        desk.rules.change(access=AccessSection(staff=("test:ann",)))
        yield desk


@pytest.fixture
def file(tmp_path: Path) -> Attachment:
    path = tmp_path / "须知 2026.pdf"
    path.write_bytes(a_pdf("退票须在开场前。", "周一闭馆。"))
    return Attachment(str(path), "application/pdf", path.stat().st_size, path.name)


class Staff:
    """Someone who gives one order after another."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.said = 0

    async def __call__(self, text: str = "", **event: Any) -> str:
        self.said += 1
        return await told(self.desk, an_event(f"m{self.said}", text, **event))


@pytest.fixture
def staff(desk: Desk) -> Staff:
    return Staff(desk)


async def told(desk: Desk, event: Event) -> str:
    action = await decide(event, desk)
    assert isinstance(action, Say)
    return action.text


async def test_a_title_and_a_text_are_learned(staff: Staff):
    said = await staff(f"/learn {RULES}")

    assert "“退票规定”" in said
    assert "Passages: 1," in said
    assert "开场前可以全额退票。" in said
    (passage,) = await staff.desk.knowledge.find("怎么退票", 5)
    assert (passage.title, passage.text) == ("退票规定", "开场前可以全额退票。\n开场后不退。")


async def test_a_single_line_is_title_and_text(staff: Staff):
    await staff("/learn 周一闭馆。")

    assert [one.title for one in await staff.desk.knowledge.documents()] == ["周一闭馆。"]
    assert await staff.desk.knowledge.find("周一闭馆吗", 5)


async def test_a_file_is_learned_under_its_name(staff: Staff, file: Attachment):
    said = await staff("/learn", files=(file,))

    assert "“须知 2026”" in said
    assert "Passages: 2," in said
    (passage,) = await staff.desk.knowledge.find("周一闭馆吗", 5)
    assert (passage.title, passage.place) == ("须知 2026", "p. 2")


async def test_a_file_may_be_given_a_title(staff: Staff, file: Attachment):
    assert "“入馆须知”" in await staff("/learn 入馆须知", files=(file,))


@pytest.mark.parametrize("command", ["/learn 规定", "/学习 规定"])
async def test_a_quoted_text_is_learned(staff: Staff, command: str):
    said = await staff(command, quoted=Quoted("m0", "开场前可以全额退票。"))

    assert "“规定”" in said
    assert await staff.desk.knowledge.find("退票", 5)


async def test_a_quoted_text_without_a_title_has_its_first_line(staff: Staff):
    assert "“退票规定”" in await staff("/learn", quoted=Quoted("m0", RULES))


async def test_a_quoted_file_is_learned(staff: Staff, file: Attachment):
    assert "Passages: 2," in await staff("/learn", quoted=Quoted("m0", files=(file,)))


async def test_learning_the_same_title_again_replaces_it(staff: Staff):
    await staff(f"/learn {RULES}")

    said = await staff("/learn 退票规定\n一律不退。")

    assert said.startswith("Replaced “退票规定”")
    assert len(await staff.desk.knowledge.documents()) == 1


async def test_an_event_that_comes_again_is_told_the_same(desk: Desk):
    event = an_event("m1", f"/learn {RULES}")

    first = await told(desk, event)

    assert first.startswith("Learned")
    assert await told(desk, event) == first


async def test_an_event_that_comes_again_needs_its_file_no_more(desk: Desk, file: Attachment):
    event = an_event("m1", "/learn", files=(file,))
    first = await told(desk, event)
    await asyncio.to_thread(Path(file.ref).unlink)

    assert await told(desk, event) == first


async def test_without_anything_to_learn_it_is_explained(staff: Staff):
    assert await staff("/learn") == await staff("/learn   ")
    assert "/learn TITLE" in await staff("/learn")
    assert await staff.desk.knowledge.is_empty()


async def test_two_files_are_not_taken_at_once(staff: Staff, file: Attachment):
    assert "there are 2" in await staff("/learn", files=(file, file))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.doc", b"old", "cannot read this kind"),
        ("a.txt", b"  ", "no text in this document"),
        ("a.pdf", a_pdf("", pictures=True), "text recognition"),
        ("a.pdf", b"no pdf", "damaged"),
        ("a.docx", bytes.fromhex("d0cf11e0a1b11ae1"), "password"),
    ],
)
async def test_a_file_that_cannot_be_read_gets_its_sentence(
    staff: Staff, tmp_path: Path, name: str, data: bytes, said: str
):
    path = tmp_path / name
    path.write_bytes(data)

    assert said in await staff("/learn", files=(Attachment(str(path), name=name),))
    assert await staff.desk.knowledge.is_empty()


async def test_a_large_file_is_refused_before_it_is_fetched(staff: Staff, file: Attachment):
    staff.desk.rules.change(knowledge=KnowledgeSection(max_file_mb=2))
    large = replace(file, size_bytes=3 << 20)

    assert "3 MB, at most 2 MB" in await staff("/learn", files=(large,))


async def test_the_knowledge_base_is_listed(staff: Staff):
    assert "empty" in await staff("/kb list")
    await staff(f"/learn {RULES}")
    await staff("/learn 周一闭馆。")

    lines = (await staff("/kb list")).splitlines()

    assert lines[0].endswith(": 2")
    assert lines[1].startswith("1. 退票规定 (text, passages: 1,")
    assert lines[2].startswith("2. 周一闭馆。")


async def test_a_long_list_has_pages(staff: Staff):
    for number in range(21):
        await staff(f"/learn 规定 {number}")

    assert "/kb list 2" in await staff("/kb list")
    assert "21. 规定 20" in await staff("/kb list 2")
    assert "the last is 2" in await staff("/kb list 3")


async def test_a_document_is_shown_page_by_page(staff: Staff):
    text = "\n\n".join(f"第 {n} 条。" + "字" * 250 for n in range(1, 8))
    await staff(f"/learn 规定\n{text}")

    first, second = await staff("/kb show 1"), await staff("/kb show 1 2")

    assert "page 1 of 2" in first
    assert "5. part 5" in first
    assert first.endswith("/kb show 1 2")
    assert "6. part 6\n第 6 条。" in second
    assert "the last is 2" in await staff("/kb show 1 3")


async def test_what_a_question_would_find_is_shown(staff: Staff):
    await staff(f"/learn {RULES}")

    assert "[1] 退票规定, part 1\n开场前" in await staff("/kb find 怎么退票")
    assert "“火星旅行”" in await staff("/kb find 火星旅行")


async def test_a_document_is_forgotten(staff: Staff):
    await staff(f"/learn {RULES}")

    assert (
        await staff("/kb forget 1") == "Removed “退票规定” (passages: 1). Answers no longer use it."
    )
    assert "no document 1" in await staff("/kb forget 1")
    assert "no document 1" in await staff("/kb show 1")


@pytest.mark.parametrize(
    "order", ["", "help", "list x", "show", "show x", "show 1 2 3", "forget", "forget all", "find"]
)
async def test_an_order_that_is_not_understood_is_explained(staff: Staff, order: str):
    await staff(f"/learn {RULES}")

    assert "/kb forget NUMBER" in await staff(f"/kb {order}")
    assert len(await staff.desk.knowledge.documents()) == 1


@pytest.mark.parametrize("number", ["0", "٣", "99999999999999999999999999"])
async def test_a_number_that_no_document_has_is_told(staff: Staff, number: str):
    assert "There is no document" in await staff(f"/kb show {number}")


@pytest.mark.parametrize(
    "event",
    [
        an_event("m1", "/learn 假规定", chat="bob"),
        an_event("m1", "/learn 假规定", forwarded=True),
        an_event("m1", "/learn 假规定", person="ann", chat="town", group=True),
    ],
    ids=["guest", "forwarded", "group"],
)
async def test_only_staff_teach_and_only_among_themselves(desk: Desk, event: Event):
    action = await decide(event, desk)

    assert not isinstance(action, Ask)
    assert await desk.knowledge.is_empty()


async def test_the_answer_is_in_the_persons_language_and_not_the_documents(desk: Desk):
    event = an_event("m1", "/learn The refund rules", language="zh-hans")

    assert (await told(desk, event)).startswith("已学会《The refund rules》")
