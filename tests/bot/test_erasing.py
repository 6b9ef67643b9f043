"""Forgetting while the program works: what is in hand for somebody ends, nothing reappears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.api.caller import Caller
from bot.event import Conversation
from bot.intake import PhotosSection
from bot.storage.outbox import Letter
from bot.storage.repeats import KeptAnswers
from tests.bot.flow import Flow

pytestmark = pytest.mark.asyncio

DONE, CHAT = "Done", "7711"


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    flow = Flow(tmp_path)
    await flow.start()
    yield flow
    await flow.crash()


async def told(flow: Flow, chat: str = CHAT) -> None:
    await flow.platform.until(lambda: any(t.startswith(DONE) for t in flow.platform.texts(chat)))
    await flow.erasures.until_ended("test", CHAT)


async def rows(flow: Flow) -> str:
    """All that stands in any table."""
    async with flow.db.read() as connection:
        names = await connection.execute(text("SELECT name FROM sqlite_master WHERE type='table'"))
        tables = [name for name in names.scalars() if not name.startswith("passage_words")]
        found = [(await connection.execute(text(f"SELECT * FROM {one}"))).all() for one in tables]
    return repr(found)


async def test_answer_being_written_stops_and_nothing_reappears(flow: Flow):
    gate = flow.engine.hold("kanarie question")
    await flow.say("kanarie question", chat=CHAT)
    await flow.engine.until(lambda: "kanarie question" in flow.engine.running)

    await flow.say("/forget yes", chat=CHAT)
    await told(flow)
    gate.set()

    assert flow.engine.cancelled == ["kanarie question"]
    assert "kanarie" not in await rows(flow)
    assert CHAT not in await rows(flow)
    assert flow.engine.forgot >= 1


async def test_question_in_line_is_never_answered(flow: Flow):
    flow.engine.hold("first")
    flow.engine.hold("second")
    await flow.say("first", chat="bob")
    await flow.say("second", chat="eve")
    await flow.engine.until(lambda: len(flow.engine.running) == 2)
    await flow.say("kanarie question", chat=CHAT)

    await flow.say("/forget yes", chat=CHAT)
    await told(flow)

    assert all(request.turns[-1].text != "kanarie question" for request in flow.engine.requests)
    assert "kanarie" not in await rows(flow)
    assert sorted(flow.engine.running) == ["first", "second"]


async def test_question_that_comes_into_the_line_meanwhile_is_ended_too(flow: Flow):
    await flow.crash()
    flow.platform.photos["p1"] = b"a photo"
    flow.engine.hold("kanarie question")
    flow.photos = PhotosSection(together_s=1.0)
    await flow.start()
    group = {"chat": "-5", "person": CHAT, "group": True}
    await flow.say("kanarie question", photos=("p1",), album="a", **group)
    await flow.wall.sleeping()
    await flow.say("/forget yes", chat=CHAT)
    await flow.platform.until(lambda: flow.platform.texts(CHAT))

    while await flow.erasures.is_pending("test", CHAT):
        await flow.wall.advance(1.0)

    assert flow.engine.running == []
    assert "echo of kanarie question" not in flow.platform.texts("-5")
    assert "kanarie" not in await rows(flow)


async def test_letter_on_its_way_is_waited_for(flow: Flow):
    gate = flow.platform.blocked[CHAT] = asyncio.Event()
    await flow.outbox.put([Letter("key", Conversation("test", CHAT), "kanarie letter")])
    await flow.platform.until(lambda: flow.platform.under_way == 1)
    await flow.erasures.order("test", CHAT)
    gate.set()

    await flow.erasures.until_ended("test", CHAT)

    assert "kanarie" not in await rows(flow)
    assert CHAT not in await rows(flow)


async def test_answer_over_the_api_that_is_kept_when_it_ends_is_waited_for(flow: Flow):
    async with flow.repeats.once(Caller("k_1"), "key", b"{}") as repeat:
        kept = KeptAnswers(flow.db)
        await kept.put("api:k_1", "earlier", "request", "kanarie before")
        await flow.erasures.order("api", "k_1")
        while await kept.find("api:k_1", "earlier"):
            pass
        repeat.keep("kanarie answer")

    await flow.erasures.until_ended("api", "k_1")

    assert "kanarie" not in await rows(flow)


async def test_crash_in_the_middle_is_made_good_at_the_next_start(flow: Flow):
    await flow.say("kanarie question", chat=CHAT)
    await flow.answered(CHAT)
    await flow.crash()
    await flow.start()
    await flow.erasures.order("test", CHAT, tell=Conversation("test", CHAT), language="en")
    await flow.crash()

    await flow.start()
    await told(flow)

    assert "kanarie" not in await rows(flow)
    assert CHAT not in await rows(flow)


async def test_others_go_on(flow: Flow):
    gate = flow.engine.hold("a question")
    await flow.say("a question", chat="bob")
    await flow.engine.until(lambda: "a question" in flow.engine.running)

    await flow.say("/forget yes", chat=CHAT)
    await told(flow)
    gate.set()

    assert await flow.answered("bob") == ["echo of a question"]
