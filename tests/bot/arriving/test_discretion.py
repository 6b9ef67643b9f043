"""Whose numbers are covered before what they say is kept, and whose are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.arriving.discretion import Discretion
from bot.event import Attachment, Conversation, Quoted
from bot.rules import AccessSection, Rules, RuleSet, ServiceSection
from bot.storage.db import Database
from bot.storage.people import People
from tests.fakes import an_event

NUMBER, COVERED = "13800138000", "138****8000"


async def cover(text: str) -> str:
    return text.replace(NUMBER, COVERED)


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    db = await Database.open(tmp_path)
    yield People(db)
    await db.close()


def discretion(people: People, *, staff: str = "", staff_chat: str = "") -> Discretion:
    rules = Rules(
        RuleSet(
            access=AccessSection(staff=(staff,) if staff else ()),
            service=ServiceSection(staff_chat=staff_chat),
        )
    )
    return Discretion(cover, people, rules, lambda text: text.startswith("/"))


def said(text: str, **more: Any) -> Any:
    return an_event("m1", text, **more)


async def test_all_that_a_person_sends_with_words_is_covered(people: People) -> None:
    named = (Attachment("ref", name=f"{NUMBER}.png"),)
    event = replace(
        said(f"call {NUMBER}"),
        photos=named,
        files=named,
        quoted=Quoted("m0", f"it was {NUMBER}", photos=named, files=named),
    )
    event = replace(event, person=replace(event.person, name=f"Ann {NUMBER}"))

    kept = await discretion(people).of(event)

    assert NUMBER not in repr(kept)
    assert repr(kept).count(COVERED) == 7
    assert kept.photos[0].ref == "ref"


async def test_a_text_without_numbers_is_kept_as_it_is(people: People) -> None:
    event = said("hello")

    assert await discretion(people).of(event) == event


async def test_edited_and_forwarded_words_are_covered_too(people: People) -> None:
    edit = replace(said(NUMBER), kind="edit", about="m0")

    assert (await discretion(people).of(edit)).text == COVERED
    assert (await discretion(people).of(replace(said(NUMBER), forwarded=True))).text == COVERED


async def test_what_is_said_in_the_staffs_chat_is_the_organisations_own(people: People) -> None:
    desk = Conversation("telegram", "-100")
    there, elsewhere = said(NUMBER), said(NUMBER)
    there = replace(there, conversation=desk)

    watch = discretion(people, staff_chat="telegram:-100")

    assert (await watch.of(there)).text == NUMBER
    assert (await watch.of(elsewhere)).text == COVERED


@pytest.mark.parametrize(
    ("text", "is_staff", "kept"),
    [
        (f"/broadcast call {NUMBER}", True, f"/broadcast call {NUMBER}"),
        (f"/broadcast call {NUMBER}", False, f"/broadcast call {COVERED}"),
        (f"whose is {NUMBER}?", True, f"whose is {COVERED}?"),
    ],
    ids=["command of staff", "command of others", "question of staff"],
)
async def test_commands_of_the_staff_alone_stay_as_typed(
    people: People, text: str, is_staff: bool, kept: str
) -> None:
    event = said(text)
    name = f"{event.conversation.platform}:{event.person.id}"

    watch = discretion(people, staff=name if is_staff else "")

    assert (await watch.of(event)).text == kept


async def test_a_forwarded_command_proves_nothing(people: People) -> None:
    event = replace(said(f"/learn {NUMBER}"), forwarded=True)
    name = f"{event.conversation.platform}:{event.person.id}"

    assert (await discretion(people, staff=name).of(event)).text == f"/learn {COVERED}"
