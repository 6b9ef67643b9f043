"""The web page's messages outlive a reload and a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from bot.storage.page import Page, PageMessage
from bot.storage.ratings import Ratings
from tests.opened import new_in


@pytest.fixture
def page(db: Database) -> Page:
    return Page(db, clock=lambda: 1000.0)


async def test_messages_come_back_oldest_first(page: Page):
    one = await page.add("c", "person", "what?", ["a" * 64], final=True)
    two = await page.add("c", "bot", "…", [], final=False)

    assert await page.messages("c", limit=10) == [
        PageMessage(one, "person", "what?", ("a" * 64,), True, 1000.0),
        PageMessage(two, "bot", "…", (), False, 1000.0),
    ]
    assert one < two


async def test_only_the_newest_are_shown(page: Page):
    for number in range(5):
        await page.add("c", "person", str(number), [], final=True)

    assert [message.text for message in await page.messages("c", limit=2)] == ["3", "4"]


async def test_chats_do_not_see_each_other(page: Page):
    await page.add("c", "person", "mine", [], final=True)

    assert await page.messages("d", limit=10) == []


async def test_a_text_is_replaced_and_becomes_final(page: Page):
    before = await page.add("c", "bot", "other", [], final=False)
    written = await page.add("c", "bot", "…", [], final=False)

    await page.set_text(written, "red", final=True)

    assert [(m.text, m.final) for m in await page.messages("c", limit=10)] == [
        ("other", False),
        ("red", True),
    ]
    assert before != written


@pytest.mark.parametrize("message_id", [0, -1, 99, 2**63, 2**70])
async def test_a_message_that_is_not_there_is_not_an_error(page: Page, message_id: int):
    await page.add("c", "bot", "text", [], final=True)

    await page.set_text(message_id, "x", final=True)

    assert [message.text for message in await page.messages("c", limit=10)] == ["text"]


async def test_a_message_is_found_by_its_key_in_its_own_chat(page: Page):
    await page.add("c", "person", "what?", [], final=True, key="key-1")
    wanted = await page.add("c", "person", "what?", [], final=True, key="key-2")
    await page.add("d", "person", "what?", [], final=True, key="key-2")

    assert await page.find("c", "key-2") == PageMessage(
        wanted, "person", "what?", (), True, 1000.0, "key-2"
    )
    assert await page.find("d", "key-1") is None


async def test_a_chat_has_a_key_once_and_messages_without_one_as_often_as_it_likes(page: Page):
    await page.add("c", "person", "what?", [], final=True, key="key-1")
    for text in ("one", "two"):
        await page.add("c", "bot", text, [], final=True)

    with pytest.raises(IntegrityError):
        await page.add("c", "person", "what?", [], final=True, key="key-1")

    assert [m.key for m in await page.messages("c", limit=9)] == ["key-1", "", ""]


async def test_unsound_text_is_kept_readable(page: Page):
    await page.add("\0", "person", "\ud800", [], final=True)

    assert [message.text for message in await page.messages("\0", limit=1)] == ["\ufffd"]


async def test_half_written_messages_of_no_open_question_are_forgotten(
    page: Page, db: Database, make_event
):
    inbox = Inbox(db)
    event = make_event("1", chat="c")
    await inbox.accept(replace(event, conversation=Conversation("web", "c")))
    (entry,) = await new_in(inbox, 1)
    lost = await page.add("c", "bot", "…", (), final=False)
    going_on = await page.add("c", "bot", "…", (), final=False)
    await inbox.open_reply(entry.id, 0)
    await inbox.note_reply(entry.id, 0, str(going_on))
    await inbox.open_reply(entry.id, 1)  # it was about to be sent
    said = await page.add("c", "bot", "done", (), final=True)
    asked = await page.add("c", "person", "why?", (), final=True)

    await page.forget_orphans()

    left = [message.id for message in await page.messages("c", limit=10)]
    assert left == [going_on, said, asked]
    assert lost not in left


async def test_a_message_tells_which_thumb_its_answer_was_given(
    page: Page, db: Database, make_event
):
    inbox = Inbox(db)
    await inbox.accept(replace(make_event("1"), conversation=Conversation("web", "c")))
    (entry,) = await new_in(inbox, 1)
    other, answer = [await page.add("c", "bot", "red", (), final=True) for _ in range(2)]
    await inbox.open_reply(entry.id, 0)
    await inbox.note_reply(entry.id, 0, str(answer))
    await Ratings(db).rate(entry.id, 1)
    await Ratings(db).rate(entry.id, -1)

    thumbs = {message.id: message.pressed for message in await page.messages("c", limit=10)}
    assert thumbs == {other: "", answer: "down"}
