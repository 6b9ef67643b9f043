from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.action import Say
from bot.texts import TEXTS
from handlers import decide
from handlers.desk import Desk
from tests.fakes import an_event
from tests.handlers.desks import a_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        yield desk


async def told(desk: Desk, text: str, language: str = "en") -> str:
    """What a person is told, who is met as the program meets everybody."""
    event = await desk.people.meet(an_event(text, text, language=language))
    action = await decide(event, desk)
    assert isinstance(action, Say)
    return action.text


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/language zh", "好的，以后都用中文。"),
        ("/language 中文", "好的，以后都用中文。"),
        ("/语言 zh", "好的，以后都用中文。"),
        ("/LANGUAGE EN", "From now on I speak English."),
    ],
)
async def test_a_choice_is_confirmed_in_its_own_language(desk: Desk, command: str, said: str):
    assert await told(desk, command) == said


async def test_a_choice_holds_for_what_follows(desk: Desk):
    await told(desk, "/language zh")

    assert await told(desk, "/start") == TEXTS["start"].zh


async def test_auto_takes_a_choice_back(desk: Desk):
    await told(desk, "/language zh")

    assert await told(desk, "/language auto") == "I will answer in the language you write in."
    assert await told(desk, "/start") == TEXTS["start"].en


@pytest.mark.parametrize("command", ["/language", "/language fr", "/language zh en"])
async def test_what_is_no_choice_is_explained_and_changes_nothing(desk: Desk, command: str):
    assert "/language auto" in await told(desk, command)
    assert await told(desk, "/start") == TEXTS["start"].en
