"""What a delivery tells the platform about its calls."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery import Delivery
from bot.event import Attachment, Conversation
from bot.pacing import Governor
from bot.platforms.base import NotSent, Post, Revoked, TooFast, Trouble, Unclear
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


@pytest.mark.row(18)
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


@pytest.mark.row(26)
async def test_an_account_that_was_taken_away_is_asked_for_once_for_all_chats():
    """And all of them go on when it is back."""
    time = FakeTime()
    platform = FakePlatform(clock=time.clock)
    platform.fail("send", *[Revoked("401")] * 3)
    governor = Governor(clock=time.clock, sleep=time.sleep)
    delivery = Delivery(platform, governor, clock=time.clock, sleep=time.sleep)

    async def say(chat):
        await delivery.say(Conversation("test", chat), Post("hello"), reply_to=None, key=chat)

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(say(f"chat {number}"))
        await time.advance(700)
        assert len(platform.calls) == 3
        assert delivery.trouble() == Trouble("revoked", 1000.0)
        await time.advance(600)

    assert len(platform.calls) == 3 + 100
    assert delivery.trouble() is None
    governor.close()


@pytest.mark.row(21)
async def test_a_photo_waits_for_its_platform_as_long_as_there_is_no_way_to_it():
    time = FakeTime()
    platform = FakePlatform(clock=time.clock, photos={"p": b"photo"})
    platform.fail("fetch", *[NotSent("connection refused")] * 60)
    delivery = Delivery(platform, Governor(), clock=time.clock, sleep=time.sleep)

    fetching = asyncio.create_task(delivery.fetch(Attachment("p"), max_bytes=100))
    await time.advance(3600)

    assert await fetching == b"photo"
    assert len(platform.calls) == 61


@pytest.mark.row(22)
async def test_a_photo_that_breaks_off_again_and_again_is_given_up_within_minutes():
    time = FakeTime()
    platform = FakePlatform(clock=time.clock, photos={"p": b"photo"})
    platform.fail("fetch", *[Unclear("broke off")] * 100)
    delivery = Delivery(platform, Governor(), clock=time.clock, sleep=time.sleep)

    fetching = asyncio.create_task(delivery.fetch(Attachment("p"), max_bytes=100))
    await time.advance(120)

    with pytest.raises(Unclear):
        await fetching
    assert len(platform.calls) == 8


class Alone(FakePlatform):
    single = True


@pytest.mark.parametrize(("kind", "most"), [(FakePlatform, 2), (Alone, 4)], ids=["all", "leader"])
async def test_programs_divide_what_their_account_may_do_where_all_of_them_speak(kind, most):
    time = FakeTime()
    platform = kind(calls_per_s=4.0, clock=time.clock)
    governor = Governor(clock=time.clock, sleep=time.sleep)
    delivery = Delivery(platform, governor, clock=time.clock, sleep=time.sleep, share=lambda: 2)
    say = [
        delivery.say(Conversation("test", chat), Post("hello"), reply_to=None, key=chat)
        for chat in "abcd"
    ]

    saying = asyncio.gather(*say)
    await settle()
    at_once = len(platform.calls)
    await time.advance(5)
    await saying

    assert at_once == most
    governor.close()
