"""What a delivery tells the platform about its calls."""

from __future__ import annotations

import asyncio

from bot.delivery import Delivery
from bot.event import Conversation
from bot.pacing import Governor
from bot.platforms.base import Post, TooFast, Unclear
from tests.fakes import FakePlatform, FakeTime, settle


async def test_what_is_said_without_the_model_is_final_at_once():
    platform = FakePlatform()
    delivery = Delivery(platform, Governor())

    await delivery.say(Conversation("test", "ann"), Post("hello"), reply_to=None, key="k")

    (bubble,) = platform.chats["ann"]
    assert (bubble.text, bubble.final, bubble.key) == ("hello", True, "k")


async def test_what_may_have_been_said_is_not_said_twice():
    platform = FakePlatform()
    platform.fail("send", Unclear("lost"), effect=True)
    delivery = Delivery(platform, Governor())

    said = await delivery.say(Conversation("test", "ann"), Post("hello"), reply_to=None, key="k")

    assert said is None
    assert platform.texts("ann") == ["hello"]


async def test_call_that_never_ends_is_given_up_and_the_next_one_is_made():
    platform = FakePlatform()
    platform.blocked["ann"] = asyncio.Event()
    delivery = Delivery(platform, Governor(), call_s=0.01)
    ann = Conversation("test", "ann")

    first = await delivery.say(ann, Post("hello"), reply_to=None, key="k")
    del platform.blocked["ann"]
    await delivery.say(ann, Post("again"), reply_to=None, key="l")

    assert first is None
    assert platform.texts("ann") == ["again"]


async def test_wait_of_hours_holds_one_chat_and_is_told_to_the_operator(caplog):
    """Row 18."""
    time = FakeTime()
    platform = FakePlatform(clock=time.clock)
    platform.fail("send", TooFast(13_938))
    governor = Governor(clock=time.clock, sleep=time.sleep)
    delivery = Delivery(platform, governor, clock=time.clock, sleep=time.sleep)

    async def say(chat):
        await delivery.say(Conversation("test", chat), Post("hello"), reply_to=None, key=chat)

    async with asyncio.TaskGroup() as group:
        group.create_task(say("ann"))
        await settle()
        group.create_task(say("bob"))
        await time.advance(13_937)
        assert [call.chat for call in platform.calls] == ["ann", "bob"]
        await time.advance(2)

    assert platform.texts("ann") == ["hello"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    governor.close()
