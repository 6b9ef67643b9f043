"""What people do on a real Synapse arrives as events."""

from __future__ import annotations

import asyncio

import pytest

from bot.event import Button, Conversation
from bot.platforms.base import Post, Refused
from tests.bot.platforms.matrix.receiving import Inbox, running

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_words_and_a_photo_arrive_with_who_sent_them(make, inbox, meet, account):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        room = await ann.opens(account.id)
        message = await ann.sends_photo(PNG, "how many?")
        event = await inbox.gets(lambda event: event.text == "how many?")
        data = await matrix.fetch(event.photos[0], max_bytes=1000)

    assert event.message == message
    assert event.conversation == Conversation("matrix", room)
    assert (event.person.id, event.person.name) == (ann.id, ann.name)
    assert (event.bot, event.group, event.addressed) == (account.id, False, True)
    assert data == PNG


async def test_a_photo_above_the_limit_is_refused_before_all_of_it_came(make, inbox, meet, account):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id)
        await ann.sends_photo(PNG)
        event = await inbox.gets(lambda event: event.photos)

        with pytest.raises(Refused, match="more than 50 bytes"):
            await matrix.fetch(event.photos[0], max_bytes=50)


async def test_what_is_said_before_the_bot_has_joined_is_not_lost(make, inbox, meet, account):
    """People invite and ask in the same moment."""
    ann = await meet()
    await ann.opens(account.id)
    await ann.says("are you there?")

    async with running(make(), inbox.accept):
        event = await inbox.gets(lambda event: event.text == "are you there?")

    assert event.person.id == ann.id


async def test_what_was_said_before_the_invitation_was_not_said_to_us(make, inbox, meet, account):
    ann = await meet()
    await ann.opens(name="Team")
    await ann.says("a secret among us")
    await ann.invites(account.id)

    async with running(make(), inbox.accept):
        await ann.says("/hello")
        await inbox.gets(lambda event: event.text == "/hello")

    assert "a secret among us" not in inbox.texts()


async def test_a_question_about_another_persons_photo_brings_that_photo(make, inbox, meet, account):
    ann, bob = await meet("ann"), await meet("bob")
    matrix = make()

    async with running(matrix, inbox.accept):
        room = await ann.opens(account.id, bob.id, name="Team")
        await bob.joins(room)
        photo = await bob.sends_photo(PNG, "lunch")
        await ann.says("what is on it?", reply_to=photo, mentions=[account.id])
        event = await inbox.gets(lambda event: event.text == "what is on it?")
        data = await matrix.fetch(event.quoted.photos[0], max_bytes=1000)

    assert event.group
    assert event.addressed
    assert (event.quoted.message, event.quoted.text, event.quoted.ours) == (photo, "lunch", False)
    assert data == PNG


async def test_a_reply_to_our_answer_is_meant_for_us_and_brings_its_newest_words(
    make, inbox, meet, account
):
    ann, bob = await meet("ann"), await meet("bob")
    matrix = make()

    async with running(matrix, inbox.accept):
        room = await ann.opens(account.id, bob.id, name="Team")
        await ann.says("/new")
        place = (await inbox.gets(lambda event: event.text == "/new")).conversation
        ours = await matrix.send(place, Post("…", final=False), reply_to=None, key="k1")
        await matrix.edit(place, ours, Post("Three circles."))
        await bob.joins(room)
        await bob.says("and squares?", reply_to=ours)
        event = await inbox.gets(lambda event: event.text == "and squares?")

    assert event.addressed
    assert event.quoted.ours
    assert event.quoted.text == "Three circles."


async def test_edits_presses_and_deletions_tell_what_they_are_about(make, inbox, meet, account):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id)
        asked = await ann.says("how many?")
        place = (await inbox.gets(lambda event: event.message == asked)).conversation
        answer = Post("Three.", buttons=(Button("again", "Again"), Button("up", "Good")))
        ours = await matrix.send(place, answer, reply_to=asked, key="k1")
        edit = await ann.edits(asked, "how many circles?")
        press = await ann.presses(ours, "again")
        await ann.presses(asked, "up")  # her own message
        await ann.presses(ours, "stop")  # is not offered any more
        gone = await ann.deletes(asked)
        await inbox.gets(lambda event: event.kind == "delete")

    assert [(e.kind, e.message, e.about, e.text) for e in inbox.events[1:]] == [
        ("edit", edit, asked, "how many circles?"),
        ("press", press, ours, "again"),
        ("delete", gone, asked, ""),
    ]


async def test_a_thread_is_a_conversation_of_its_own(make, inbox, meet, account):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        room = await ann.opens(account.id)
        root = await ann.says("about the invoice")
        await ann.says("which sum?", thread=root)
        event = await inbox.gets(lambda event: event.text == "which sum?")
        answer = Post("42", buttons=(Button("up", "Good"),))
        ours = await matrix.send(event.conversation, answer, reply_to=event.message, key="k1")
        await ann.presses(ours, "up")
        press = await inbox.gets(lambda event: event.kind == "press")

    assert event.conversation == Conversation("matrix", room, root)
    assert event.quoted is None
    assert press.conversation == event.conversation


async def test_other_bots_and_our_own_words_are_not_heard(make, inbox, meet, account):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id)
        first = await ann.says("first")
        place = (await inbox.gets(lambda event: event.message == first)).conversation
        await matrix.send(place, Post("our own"), reply_to=None, key="k1")
        await ann.says("beep", msgtype="m.notice")
        await ann.says("last")
        await inbox.gets(lambda event: event.text == "last")

    assert inbox.texts() == ["first", "last"]


async def test_only_those_on_the_list_may_invite(make, inbox, meet, account):
    ann, eve = await meet("ann"), await meet("eve")

    async with running(make(invites=(ann.id,)), inbox.accept):
        hers = await eve.opens(account.id)
        await ann.opens(account.id)
        await ann.says("hello")
        await inbox.gets(lambda event: event.text == "hello")

    assert await eve.members(hers) == {eve.id}


async def test_the_bot_leaves_when_nobody_else_is_left(synapse, make, inbox, meet, account):
    ann, bob = await meet("ann"), await meet("bob")

    async with running(make(), inbox.accept):
        room = await ann.opens(account.id, bob.id, name="Team")
        await bob.joins(room)
        await ann.says("/new", to=room)
        await inbox.gets(lambda event: event.text == "/new")
        await ann.leaves(room)
        assert account.id in await bob.members(room)
        await bob.leaves(room)
        await ann.opens(account.id)  # what comes behind it
        await ann.says("still there?")
        await inbox.gets(lambda event: event.text == "still there?")

    assert await asyncio.to_thread(synapse.members, room) == set()


async def test_a_malformed_event_does_not_hold_up_the_next(make, inbox: Inbox, meet, account):
    ann = await meet()

    async with running(make(), inbox.accept):
        await ann.opens(account.id)
        await ann.sends({"msgtype": "m.image", "body": "no address"})
        await ann.sends({"msgtype": "m.image", "body": "odd", "url": "mxc://a/b", "info": "odd"})
        await ann.sends({"msgtype": "m.text", "body": "odd", "m.relates_to": {"rel_type": 5}})
        await ann.says("whole")
        await inbox.gets(lambda event: event.text == "whole")

    assert inbox.texts()[-1] == "whole"
    assert "no address" not in inbox.texts()
