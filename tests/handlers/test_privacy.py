"""/privacy, /export and /forget: what people read, and who may."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.action import Ignore, Say
from bot.rules import ServiceSection
from bot.storage.people import FOR_EVER
from bot.storage.retention.section import RetentionSection
from handlers import decide
from handlers.desk import Desk
from tests.fakes import an_event
from tests.handlers.desks import a_desk

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        yield replace(desk, default_language="en")


async def said(desk: Desk, text: str, **event: object) -> Say:
    action = await decide(an_event("q1", text, **event), desk)
    assert isinstance(action, Say)
    return action


async def test_privacy_tells_the_times_of_the_moment(desk: Desk):
    first = await said(desk, "/privacy")
    desk.rules.change(retention=RetentionSection(photos_s=7200.0, text_s=0.0))

    now = await said(desk, "/privacy")

    assert "24 h" in first.text
    assert "30 days" in first.text
    assert "2 h" in now.text
    assert "without an end" in now.text


async def test_privacy_speaks_of_the_desk_only_where_there_is_one(desk: Desk):
    without = await said(desk, "/privacy")
    desk.rules.change(service=ServiceSection(staff_chat="test:-9"))

    assert "service desk" not in without.text
    assert "service desk" in (await said(desk, "/privacy")).text


@pytest.mark.parametrize("command", ["export", "forget", "forget yes"])
async def test_in_a_group_nothing_is_sent_or_deleted(desk: Desk, command: str):
    answer = await said(desk, f"/{command}", chat="-5", person="ann", group=True)

    assert "in private" in answer.text
    assert answer.document is None
    assert await desk.rights.erasures.pending() == []


async def test_export_is_a_zip(desk: Desk):
    answer = await said(desk, "/export")

    assert answer.document is not None
    with zipfile.ZipFile(io.BytesIO(answer.document.data)) as archive:
        assert archive.namelist() == ["data.json"]


async def test_export_is_made_by_the_page_where_no_file_can_be_sent(desk: Desk):
    desk = replace(desk, rights=replace(desk.rights, takes_files=lambda to: False))

    answer = await said(desk, "/export")

    assert answer.document is None
    assert "Download my data" in answer.text


async def test_forget_asks_first(desk: Desk):
    answer = await said(desk, "/forget")

    assert [button.name for button in answer.buttons] == ["forget-yes", "forget-no"]
    assert await desk.rights.erasures.pending() == []


async def test_words_of_somebody_else_that_are_passed_on_forget_nobody(desk: Desk):
    answer = await said(desk, "/forget yes", forwarded=True)

    assert [button.name for button in answer.buttons] == ["forget-yes", "forget-no"]
    assert await desk.rights.erasures.pending() == []


@pytest.mark.parametrize("words", ["/forget yes", "/forget YES", "/忘记我 是"])
async def test_forget_yes_orders_it(desk: Desk, words: str):
    await said(desk, words)

    (order,) = await desk.rights.erasures.pending()
    assert (order.platform, order.person) == ("test", "ann")
    assert order.tell == an_event("q1").conversation


@pytest.mark.parametrize(("button", "orders"), [("forget-yes", 1), ("forget-no", 0)])
async def test_button_decides(desk: Desk, button: str, orders: int):
    await said(desk, button, kind="press", about="m1")

    assert len(await desk.rights.erasures.pending()) == orders


async def test_button_in_a_group_does_nothing(desk: Desk):
    event = an_event("q1", "forget-yes", kind="press", about="m1", chat="-5", group=True)

    assert await decide(event, desk) == Ignore()
    assert await desk.rights.erasures.pending() == []


async def test_banned_people_may_still_ask_and_read_that_the_ban_stays(desk: Desk):
    async with desk.people._db.write() as connection:
        await desk.people.ban_with(connection, "test", "ann", FOR_EVER, "spam")

    assert "What I keep" in (await said(desk, "/privacy")).text
    assert "your ban" in (await said(desk, "/forget yes")).text
    assert "spam" in (await said(desk, "hello")).text
