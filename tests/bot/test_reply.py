from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from bot.delivery import Delivery, Undelivered
from bot.pacing import Governor
from bot.platforms.base import Gone, LostMessage, NotSent, Refused, Revoked, TooFast, Unclear
from bot.reply import Reply
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from tests.fakes import FakePlatform, FakeTime, an_event, settle


class Desk:
    """One question in an inbox, and the edge it is answered over."""

    def __init__(self, db, time, platform, entry, group):
        self.inbox = Inbox(db)
        self.time, self.platform, self.entry, self._group = time, platform, entry, group
        self.governor = Governor(clock=time.clock, sleep=time.sleep)
        self.delivery = Delivery(
            platform, self.governor, clock=time.clock, sleep=time.sleep, patience_s=86_400
        )
        self.reply = Reply(self.delivery, self.inbox, entry, group)

    def again(self):
        """As after a restart: only the database knows what was."""
        return Reply(self.delivery, self.inbox, self.entry, self._group)

    async def shown(self, text):
        """Show it and wait until it can be seen."""
        self.reply.show(text)
        await self.seen(text)

    async def seen(self, text):
        await self.elapse_until(lambda: text in self.platform.texts("ann"))

    async def finish(self, text, reply=None):
        task = asyncio.create_task((reply or self.reply).finish(text))
        await self.elapse_until(task.done)
        await task

    async def elapse_until(self, holds):
        """Time passes whenever nothing else is left to do."""
        while not holds():
            waker = asyncio.create_task(self.time.sleeping())
            changed = asyncio.create_task(self.platform.until(holds))
            await asyncio.wait([waker, changed], return_when="FIRST_COMPLETED", timeout=0.05)
            waker.cancel()
            changed.cancel()
            await asyncio.wait([waker, changed])
            if not waker.cancelled() and not holds():
                await self.time.advance(waker.result())


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


@asynccontextmanager
async def a_desk(folder, **limits):
    time = FakeTime()
    platform = FakePlatform(clock=time.clock, **limits)
    db = await Database.open(folder)
    inbox = Inbox(db)
    await inbox.accept(an_event("q1", "what is it?"))
    [entry] = await inbox.new(1)
    try:
        async with asyncio.TaskGroup() as group:
            desk = Desk(db, time, platform, entry, group)
            try:
                yield desk
            finally:
                await desk.reply.close()
                desk.governor.close()
    finally:
        await db.close()


async def test_placeholder_is_sent_as_an_answer_to_the_question(desk):
    desk.reply.wait_with("looking")
    await desk.seen("looking")
    await desk.reply.close()

    [bubble] = desk.platform.chats["ann"]
    assert bubble.reply_to == "q1"
    assert await desk.inbox.replies(desk.entry.id) == [bubble.id]


async def test_answer_grows_in_the_placeholders_message(desk):
    desk.reply.wait_with("looking")
    await desk.seen("looking")
    await desk.shown("red")
    await desk.finish("red circle")

    [bubble] = desk.platform.chats["ann"]
    assert bubble.versions == ["looking", "red", "red circle"]
    assert bubble.final


async def test_text_that_did_not_change_is_not_edited(desk):
    await desk.shown("red")
    calls = len(desk.platform.calls)

    desk.reply.show("red ")
    desk.reply.show("red")
    await desk.time.advance(60)

    assert len(desk.platform.calls) == calls


async def test_previews_that_come_too_fast_are_passed_over(tmp_path):
    async with a_desk(tmp_path, edit_every_s=1.0) as desk:
        desk.reply.wait_with("looking")
        await desk.seen("looking")
        for length in range(1, 101):
            desk.reply.show("word " * length)
        await desk.seen(("word " * 100).strip())

        assert len(desk.platform.calls) == 2
        assert desk.platform.calls[1].at - desk.platform.calls[0].at == pytest.approx(1.0)


async def test_id_of_the_message_is_committed_before_its_first_edit(desk):
    ids_at_edit = []
    edit = desk.platform.edit

    async def watched(to, message, text, *, final):
        ids_at_edit.append((message, await desk.inbox.replies(desk.entry.id)))
        await edit(to, message, text, final=final)

    desk.platform.edit = watched
    await desk.finish("red")

    assert all(message in known for message, known in ids_at_edit)
    assert ids_at_edit


async def test_long_answer_goes_on_in_further_messages(tmp_path):
    async with a_desk(tmp_path, text_units=20) as desk:
        await desk.shown("One sentence here.")
        desk.reply.show("One sentence here. Another one there. And a third.")
        await desk.seen("And a third.")
        await desk.finish("One sentence here. Another one there. And a third. End.")

        assert desk.platform.texts("ann") == [
            "One sentence here.",
            "Another one there.",
            "And a third. End.",
        ]
        assert [bubble.reply_to for bubble in desk.platform.chats["ann"]] == ["q1", None, None]
        assert await desk.inbox.replies(desk.entry.id) == [
            bubble.id for bubble in desk.platform.chats["ann"]
        ]
        assert all(bubble.final for bubble in desk.platform.chats["ann"])


async def test_resumed_answer_edits_the_same_messages(tmp_path):
    async with a_desk(tmp_path, text_units=20) as desk:
        desk.reply.show("One sentence here. Another one there. And a th")
        await desk.seen("And a th")
        await desk.reply.close()

        again = desk.again()
        assert await again.resume()
        await desk.finish("One sentence here. Another one there. And a third.", again)

        assert desk.platform.texts("ann") == [
            "One sentence here.",
            "Another one there.",
            "And a third.",
        ]


async def test_shorter_answer_after_a_restart_empties_the_messages_it_does_not_need(tmp_path):
    async with a_desk(tmp_path, text_units=20) as desk:
        desk.reply.show("One sentence here. Another one there.")
        await desk.seen("Another one there.")
        await desk.reply.close()

        again = desk.again()
        await again.resume()
        await desk.finish("Red.", again)

        assert desk.platform.texts("ann") == ["Red.", "—"]


async def test_half_answer_is_taken_back_in_the_same_message(desk):
    await desk.shown("Sure, first")
    await desk.finish("I cannot say.")

    assert desk.platform.texts("ann") == ["I cannot say."]


async def test_asked_to_wait_it_makes_no_call_before_and_the_final_comes(tmp_path):
    """Row 17."""
    async with a_desk(tmp_path, edit_every_s=1.0) as desk:
        desk.reply.wait_with("looking")
        await desk.seen("looking")
        desk.platform.fail("edit", TooFast(35))
        desk.reply.show("red")
        await desk.elapse_until(lambda: len(desk.platform.calls) == 2)
        asked_at = desk.platform.calls[1].at
        await desk.finish("red circle")

        assert [call.at - asked_at >= 35 for call in desk.platform.calls[2:]] == [True]
        assert desk.platform.texts("ann") == ["red circle"]


@pytest.mark.parametrize("effect", [False, True], ids=["not applied", "applied"])
async def test_edit_whose_answer_was_lost_is_repeated(desk, effect):
    await desk.shown("looking")
    desk.platform.fail("edit", Unclear("lost"), effect=effect)
    await desk.finish("red circle")

    assert desk.platform.texts("ann") == ["red circle"]


async def test_send_whose_answer_was_lost_leaves_an_empty_message_and_one_answer(tmp_path):
    """Row 20."""
    async with a_desk(tmp_path, text_units=20) as desk:
        desk.reply.wait_with("looking")
        await desk.seen("looking")
        desk.platform.fail("send", Unclear("lost"), effect=True)
        await desk.finish("One sentence here. Another one there.")

        assert desk.platform.texts("ann") == ["One sentence here.", "…", "Another one there."]


async def test_platform_that_is_down_for_an_hour_gets_the_final_then(desk):
    await desk.shown("red")
    desk.platform.fail("edit", *[NotSent("connection refused")] * 60)
    began = desk.time.now
    await desk.finish("red circle")

    assert desk.platform.texts("ann") == ["red circle"]
    assert 1800 < desk.time.now - began < 7200


async def test_platform_that_is_down_for_days_is_given_up_in_this_run(desk):
    desk.platform.fail("send", *[NotSent("connection refused")] * 10_000)

    with pytest.raises(Undelivered):
        await desk.finish("red circle")

    assert len(desk.platform.calls) < 3000


async def test_account_that_was_taken_away_is_asked_seldom(desk):
    desk.platform.fail("send", *[Revoked("401")] * 3)
    began = desk.time.now
    await desk.finish("red")

    assert desk.time.now - began >= 900


async def test_message_somebody_deleted_is_sent_anew(desk):
    """Row 23."""
    await desk.shown("red")
    desk.platform.delete("ann")
    await desk.finish("red circle")

    assert desk.platform.texts("ann") == ["red circle"]
    assert await desk.inbox.replies(desk.entry.id) == [desk.platform.chats["ann"][0].id]


async def test_messages_that_are_always_lost_end_it(desk):
    desk.platform.fail("edit", *[LostMessage("gone")] * 100)

    with pytest.raises(Refused):
        await desk.finish("red circle")

    assert len(desk.platform.calls) < 20


async def test_person_who_left_is_noticed_while_the_answer_is_written(desk):
    """Row 24."""
    await desk.shown("red")
    desk.platform.gone.add("ann")
    desk.reply.show("red circle")
    await desk.elapse_until(lambda: desk.platform.calls[-1].text == "red circle")
    await desk.time.advance(0)
    calls = len(desk.platform.calls)

    with pytest.raises(Gone):
        desk.reply.show("red circle on")
    with pytest.raises(Gone):
        await desk.reply.finish("red circle on white")
    assert len(desk.platform.calls) == calls


async def test_preview_under_way_does_not_overtake_the_final(desk):
    desk.reply.wait_with("looking")
    await desk.seen("looking")
    desk.platform.blocked["ann"] = asyncio.Event()
    desk.reply.show("red")
    await desk.platform.until(lambda: desk.platform.under_way)

    finishing = asyncio.create_task(desk.reply.finish("red circle"))
    await desk.time.advance(5)
    assert not finishing.done()
    desk.platform.blocked["ann"].set()
    await finishing

    [bubble] = desk.platform.chats["ann"]
    assert bubble.versions == ["looking", "red", "red circle"]


async def test_final_does_not_wait_for_the_pause_of_a_failing_preview(desk):
    await desk.shown("looking")
    desk.platform.fail("edit", NotSent("no"), NotSent("no"), NotSent("no"))
    desk.reply.show("red")
    await desk.elapse_until(lambda: not desk.platform.faults["edit"])
    await settle()
    before = desk.time.now

    await desk.reply.finish("red circle")

    assert desk.time.now == before
    assert desk.platform.texts("ann") == ["red circle"]


async def test_final_without_any_words_still_ends_the_message(desk):
    await desk.finish(" ")

    assert desk.platform.chats["ann"][0].final


async def test_emoji_are_counted_as_the_platform_counts_them(tmp_path):
    family = "👨‍👩‍👧"
    async with a_desk(tmp_path, text_units=80) as desk:
        await desk.finish(family * 25)

        assert desk.platform.texts("ann") == [family * 10, family * 10, family * 5]
