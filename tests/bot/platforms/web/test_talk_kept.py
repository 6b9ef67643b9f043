"""What the page keeps of a talk: people's and the model's words without numbers of people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.platforms.base import Post
from bot.platforms.web.live import Live
from bot.platforms.web.talk import Talk
from bot.platforms.web.wire import Message
from bot.storage.db import Database
from bot.storage.page import Page

NUMBER, COVERED = "13800138000", "138****8000"
CHAT = "w1"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    db = await Database.open(tmp_path)
    yield Page(db)
    await db.close()


@pytest.fixture
def talk(page: Page) -> Talk:
    async def cover(text: str) -> str:
        return text.replace(NUMBER, COVERED)

    return Talk(page, Live(first_revision=1), lambda: 0.0, cover)


def bubble(side: str, text: str, *, final: bool = True, rich: bool = False) -> Message:
    return Message(0, side, text, (), final, 0.0, f"key-{side}", rich)


async def test_a_persons_own_bubble_is_kept_and_shown_covered(talk: Talk, page: Page) -> None:
    shown = await talk.add(CHAT, bubble("person", f"call {NUMBER}"))

    assert shown.text == f"call {COVERED}"
    assert (await page.messages(CHAT, limit=1))[0].text == f"call {COVERED}"


async def test_an_answer_is_kept_and_in_the_end_shown_covered(talk: Talk, page: Page) -> None:
    shown = await talk.add(CHAT, bubble("bot", "call 13800", final=False, rich=True))
    before = await page.messages(CHAT, limit=1)
    await talk.write(CHAT, shown.id, Post(f"call {NUMBER}", rich=True))

    assert shown.text == "call 13800"
    assert [one.text for one in before] == [""]
    assert (await page.messages(CHAT, limit=1))[0].text == f"call {COVERED}"
    assert [one.text for one in await talk.recent(CHAT)] == [f"call {COVERED}"]


async def test_what_the_organisation_says_stays_as_it_is(talk: Talk, page: Page) -> None:
    await talk.add(CHAT, bubble("bot", f"Our hotline is {NUMBER}"))

    assert (await page.messages(CHAT, limit=1))[0].text == f"Our hotline is {NUMBER}"
