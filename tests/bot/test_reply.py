from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.delivery import Delivery, Undelivered
from bot.event import Button
from bot.pacing import Governor, Urgency
from bot.platforms.base import Gone, LostMessage, NotSent, Refused, Revoked, TooFast, Unclear
from bot.reply import Reply
from bot.storage.db import Database
from bot.storage.errors import NoRoom
from bot.storage.inbox import Inbox
from tests.fakes import FakePlatform, FakeTime, an_event, cancelled, settle
from tests.opened import new_in

QUESTION = an_event("q1", "what is it?")
STOP = Button("stop", "Stop")
AGAIN = Button("again", "Again")


class Desk:
    """One question in an inbox, and the edge it is answered over."""

    def __init__(self, db, time, platform, entry, group):
        self.inbox = Inbox(db)
        self.time, self.platform, self.entry, self._group = time, platform, entry, group
        self.governor = Governor(clock=time.clock, sleep=time.sleep)
        self.delivery = Delivery(
            platform, self.governor, clock=time.clock, sleep=time.sleep, patience_s=86_400
        )
        self.reply = self.again()

    def again(self):
        """As after a restart: only the database knows what was."""
        return Reply(self.delivery, self.inbox, self.entry, self._group, writing=(STOP,))

    async def known(self):
        """The messages of the answer, as the database knows them."""
        return [opened.message for opened in await self.inbox.replies(self.entry.id)]

    async def shown(self, text):
        """Show it and wait until it can be seen."""
        self.reply.show(text)
        await self.seen(text)

    async def seen(self, text):
        await self.elapse_until(lambda: text in self.platform.texts("ann"))

    async def finish(self, text, reply=None, **how):
        task = asyncio.create_task((reply or self.reply).finish(text, **how))
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
async def a_desk(folder, event=QUESTION, **limits):
    time = FakeTime()
    platform = FakePlatform(clock=time.clock, **limits)
    db = await Database.open(folder)
    inbox = Inbox(db)
    await inbox.accept(event)
    [entry] = await new_in(inbox, 1)
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
    assert await desk.known() == [bubble.id]


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

    async def watched(to, message, post):
        ids_at_edit.append((message, await desk.known()))
        return await edit(to, message, post)

    desk.platform.edit = watched
    await desk.finish("red")

    assert all(message in known for message, known in ids_at_edit)
    assert ids_at_edit


async def test_message_whose_id_could_not_be_committed_is_not_sent_again(desk):
    note, failures = desk.inbox.note_reply, [NoRoom(Path("data"))]

    async def failing(*args):
        if failures:
            raise failures.pop()
        await note(*args)

    desk.inbox.note_reply = failing
    with pytest.raises(NoRoom):
        await desk.finish("red")
    await desk.reply.close()

    await desk.finish("red")

    assert desk.platform.texts("ann") == ["red"]
    assert len(await desk.known()) == 1


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
        assert await desk.known() == [bubble.id for bubble in desk.platform.chats["ann"]]
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


async def test_who_tells_of_the_waiting_too_late_does_not_cover_the_answer(desk):
    await desk.shown("a")
    await desk.finish("an answer")

    desk.reply.wait_with("wait a little")
    desk.reply.show("half of it")
    await settle()

    assert desk.platform.texts("ann") == ["an answer"]


@pytest.mark.row(17)
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


@pytest.mark.row(20)
async def test_send_whose_answer_was_lost_leaves_an_empty_message_and_one_answer(tmp_path):
    """Row 20."""
    async with a_desk(tmp_path, text_units=20) as desk:
        desk.reply.wait_with("looking")
        await desk.seen("looking")
        desk.platform.fail("send", Unclear("lost"), effect=True)
        await desk.finish("One sentence here. Another one there.")

        assert desk.platform.texts("ann") == ["One sentence here.", "…", "Another one there."]


@pytest.mark.row(21)
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


async def test_message_somebody_deleted_is_sent_anew_for_the_final(desk):
    """Row 23."""
    await desk.shown("red")
    first_key = desk.platform.chats["ann"][0].key
    desk.platform.delete("ann")
    await desk.finish("red circle")

    [bubble] = desk.platform.chats["ann"]
    assert bubble.text == "red circle"
    assert bubble.key != first_key
    assert await desk.known() == [bubble.id]


async def test_message_deleted_while_it_is_written_does_not_come_back_before_the_final(desk):
    """Rows 23 and 40."""
    await desk.shown("red")
    desk.platform.delete("ann")
    desk.reply.show("red circle")
    await desk.elapse_until(lambda: desk.platform.calls[-1].text == "red circle")
    for length in range(3, 20):
        desk.reply.show("red circle on white" + "." * length)
        await desk.time.advance(5)
    assert desk.platform.texts("ann") == []

    await desk.finish("red circle on white")

    assert desk.platform.texts("ann") == ["red circle on white"]


async def test_deleted_message_does_not_come_back_at_a_second_attempt_either(desk):
    await desk.shown("red")
    desk.platform.delete("ann")
    desk.reply.show("red circle")
    await desk.elapse_until(lambda: desk.platform.calls[-1].text == "red circle")
    await desk.reply.close()

    desk.reply.show("a red circle")
    await settle()
    await desk.inbox.unbegin(desk.entry.id)  # writes stand in line, so this one is behind its own
    await settle()

    assert desk.platform.texts("ann") == []


async def test_first_words_of_an_answer_pass_the_previews_of_others(tmp_path):
    async with a_desk(tmp_path, calls_per_s=1.0) as desk:
        passed = []

        async def preview(chat):
            limits = desk.delivery.limits(QUESTION.conversation)
            async with desk.governor.turn(chat, limits, lambda: Urgency.PREVIEW):
                passed.append(chat)

        desk.reply.wait_with("looking")
        await desk.seen("looking")
        others = [asyncio.create_task(preview(f"other {number}")) for number in range(9)]
        await settle()
        desk.reply.show("red")
        await desk.seen("red")

        assert len(passed) <= 1
        await desk.reply.close()
        for other in others:
            await cancelled(other)


async def test_message_that_is_deleted_again_and_again_ends_it(desk):
    desk.platform.fail("edit", *[LostMessage("gone")] * 100)

    with pytest.raises(Refused):
        await desk.finish("red circle")

    assert len(desk.platform.calls) < 5


async def test_button_stands_below_the_text_until_it_is_finished(desk):
    desk.reply.wait_with("looking")
    await desk.seen("looking")
    await desk.shown("red")
    await desk.finish("red circle", buttons=(AGAIN,))

    [bubble] = desk.platform.chats["ann"]
    assert [post.buttons for post in bubble.posts] == [(STOP,), (STOP,), (AGAIN,)]


async def test_buttons_stand_below_the_last_part_alone(tmp_path):
    async with a_desk(tmp_path, text_units=20) as desk:
        await desk.shown("One sentence here.")
        desk.reply.show("One sentence here. Another one there.")
        await desk.seen("Another one there.")
        buttons = [bubble.posts[-1].buttons for bubble in desk.platform.chats["ann"]]
        assert buttons == [(), (STOP,)]

        await desk.finish("One sentence here. Another one there. And a third.", buttons=(AGAIN,))

        buttons = [bubble.posts[-1].buttons for bubble in desk.platform.chats["ann"]]
        assert buttons == [(), (), (AGAIN,)]


async def test_text_is_plain_while_it_is_written_and_styled_in_the_end(tmp_path):
    async with a_desk(tmp_path, text_units=20) as desk:
        desk.reply.show("**One** sentence. Another one.")
        await desk.seen("Another one.")
        await desk.finish("**One** sentence. Another one. A third one.", rich=True)

        posts = [bubble.posts for bubble in desk.platform.chats["ann"]]
        assert not any(post.rich or post.final for part in posts for post in part[:-1])
        assert all(part[-1].rich and part[-1].final for part in posts)


async def test_preview_is_markdown_where_the_platform_draws_it_but_words_of_ours_are_not(
    tmp_path,
):
    async with a_desk(tmp_path, rich_previews=True) as desk:
        desk.reply.wait_with("*1* ahead")
        await desk.seen("*1* ahead")
        desk.reply.show("**On")
        await desk.seen("**On")
        await desk.finish("The engine has *failed*.")

        [bubble] = desk.platform.chats["ann"]
        assert [post.rich for post in bubble.posts] == [False, True, False]


async def test_new_id_of_a_finished_message_is_noted(desk):
    edit = desk.platform.edit

    async def becomes_real(to, message, post):
        await edit(to, message, post)
        return f"{message} for good" if post.final else message

    desk.platform.edit = becomes_real
    await desk.shown("red")
    await desk.finish("red circle")

    [bubble] = desk.platform.chats["ann"]
    assert await desk.known() == [f"{bubble.id} for good"]


async def test_send_that_was_interrupted_is_repeated_under_its_key(desk):
    key = await desk.inbox.open_reply(desk.entry.id, 0)  # and then the program ended

    again = desk.again()
    assert await again.resume()
    await desk.finish("red circle", again)

    assert [bubble.key for bubble in desk.platform.chats["ann"]] == [key]


@pytest.mark.parametrize(
    ("kind", "about", "answered"), [("edit", "q0", "q0"), ("press", "m7", "m7")]
)
async def test_answer_to_what_is_no_message_stands_below_the_one_it_is_about(
    tmp_path, kind, about, answered
):
    event = an_event("q1/it/1", kind=kind, about=about)
    async with a_desk(tmp_path, event) as desk:
        await desk.finish("red circle")

        assert desk.platform.chats["ann"][0].reply_to == answered


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
