"""/help lists what this person may do here, in their language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from bot.access.roles import Role
from bot.action import Say
from bot.rules import AccessSection, ServiceSection
from bot.texts import Language, language_of
from handlers import COMMANDS, decide
from handlers.commands import command_of
from handlers.desk import Desk
from tests.fakes import an_event
from tests.handlers.desks import a_desk

EVERYBODY = {"start", "help", "new", "stop", "usage", "language", "again", "good", "bad"} | {
    *("appeal", "patience", "privacy", "export", "forget"),
}
CUSTOMERS = {"human", "back", "rate"}
STAFF = {"learn", "kb", "take", "close", "tickets", "ticket"} | {
    "cases",
    "case",
    "approve",
    "reject",
}
ADMINS = {
    "quota",
    "allow",
    "ban",
    "unban",
    "role",
    "stats",
    "pause",
    "resume",
    "reload",
    "broadcast",
    "audit",
}
SEEN: dict[Role, set[str]] = {
    "guest": EVERYBODY | CUSTOMERS,
    "member": EVERYBODY | CUSTOMERS,
    "staff": EVERYBODY | CUSTOMERS | STAFF,
    "admin": EVERYBODY | CUSTOMERS | STAFF | ADMINS,
    "owner": EVERYBODY | CUSTOMERS | STAFF | ADMINS,
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        access = AccessSection(
            owners=("test:owner",), admins=("test:admin",), staff=("test:staff",)
        )
        desk.rules.change(access=access, service=ServiceSection(staff_chat="test:desk"))
        await decide(an_event("m0", "/role test:member member", chat="owner"), desk)
        yield desk


async def lines(desk: Desk, chat: str, language: str = "en", **event: object) -> dict[str, str]:
    """What is listed: the command's name -> what it does."""
    told = await decide(
        an_event("m1", "/help", chat=chat, language=language, **event),
        desk,
    )
    assert isinstance(told, Say)
    listed = [line[1:] for line in told.text.splitlines() if line.startswith("/")]
    return dict(line.split(" ", 1) for line in listed)


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("role", get_args(Role))
async def test_each_role_sees_its_own_commands_in_its_own_language(
    desk: Desk, role: Role, language: Language
):
    listed = await lines(desk, role, language)

    assert set(listed) == SEEN[role]
    other: Language = "en" if language == "zh" else "zh"
    assert {language_of(about, "", other) for about in listed.values()} == {language}


def test_every_command_is_seen_by_somebody():
    assert set(COMMANDS) == set.union(*SEEN.values())


async def test_in_a_group_of_customers_orders_are_not_listed(desk: Desk):
    listed = await lines(desk, "town", person="owner", group=True)

    assert set(listed) == EVERYBODY | CUSTOMERS


async def test_where_nobody_is_served_the_commands_of_customers_are_not_listed(desk: Desk):
    section = ServiceSection(staff_chat="test:desk", customers=("private",))
    desk.rules.change(service=section)

    assert set(await lines(desk, "town", person="guest", group=True)) == EVERYBODY


async def test_in_the_staff_chat_staff_see_what_they_can_do_with_tickets(desk: Desk):
    listed = await lines(desk, "desk", person="bob", group=True)

    assert set(listed) == EVERYBODY | STAFF | {"back"}


async def test_without_a_service_desk_its_commands_are_not_listed(desk: Desk):
    desk.rules.change(service=ServiceSection())

    assert set(await lines(desk, "guest")) == EVERYBODY


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/新话题", "new"),
        ("／停止", "stop"),
        ("/帮助 ", "help"),
        ("/用量@some_bot", "usage"),
        ("/人工 请尽快", "human"),
        ("/语言 zh", "language"),
        ("/学习 规定", "learn"),
        ("/知识库 list", "kb"),
    ],
)
def test_a_chinese_word_is_the_command_it_stands_for(text: str, name: str):
    assert command_of(text) == name
    assert name in COMMANDS


@pytest.mark.parametrize("text", ["/停止吗", "/猫", "停止", "/新 话题"])
def test_other_chinese_words_are_a_question(text: str):
    assert command_of(text) is None
