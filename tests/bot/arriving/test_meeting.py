"""Whose words say something about the language they are spoken to in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.arriving.meeting import meet
from bot.storage.db import Database
from bot.storage.people import People
from tests.fakes import an_event


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    db = await Database.open(tmp_path)
    yield People(db)
    await db.close()


@pytest.mark.parametrize(
    ("event", "language"),
    [
        ({"text": "why?"}, "en"),
        ({"text": "为什么？"}, "zh"),
        ({"text": "12345"}, ""),
        ({"text": "/start"}, ""),
        ({"text": " ／start"}, ""),
        ({"text": "why?", "forwarded": True}, ""),
        ({"text": "up", "kind": "press", "about": "m1"}, ""),
        ({"text": "why?", "language": "de"}, "de"),
    ],
    ids=["en", "zh", "digits", "command", "wide", "forwarded", "press", "platform"],
)
async def test_only_own_words_show_a_language(people: People, event: dict, language: str):
    met = await meet(an_event("m2", **{"language": ""} | event), people)

    assert met.person.language == language
    assert (await meet(an_event("m3", "", language=""), people)).person.language == (
        language if language in ("zh", "en") else ""
    )
