"""What goes wrong is told at once in private, and once in a while in a group."""

from __future__ import annotations

import asyncio

import pytest

from bot.arriving.notices import Notices
from bot.delivery import Delivery
from bot.event import Button, Conversation
from bot.pacing import Governor
from bot.platforms.base import Post
from bot.storage.inbox import Entry
from tests.fakes import FakePlatform, FakeTime, an_event, settle


class Room:
    def __init__(self):
        self.platform = FakePlatform()
        self.time = FakeTime()
        self.governor = Governor()
        deliveries = {"test": Delivery(self.platform, self.governor)}
        self.notices = Notices(deliveries, clock=self.time.clock)
        self.count = 0

    def entry(self, **event):
        self.count += 1
        return Entry(self.count, an_event(f"q{self.count}", **{"chat": "room", **event}), 0)

    async def complain(self, text, kind, **event):
        await self.notices.complain(self.entry(**{"group": True, **event}), text, kind)

    def seen(self):
        return self.platform.texts("room")


@pytest.fixture
async def room():
    room = Room()
    yield room
    room.governor.close()


async def test_same_complaint_is_made_once_in_ten_minutes(room):
    await room.complain("full 1", "full")
    await room.complain("full 2", "full")
    room.time.now += 599
    await room.complain("full 3", "full")
    room.time.now += 1
    await room.complain("full 4", "full")

    assert room.seen() == ["full 1", "full 4"]


async def test_other_complaints_and_other_groups_have_their_own_turn(room):
    await room.complain("full", "full")
    await room.complain("too large", "photo")
    await room.complain("full", "full", chat="other")

    assert room.seen() == ["full", "too large"]
    assert room.platform.texts("other") == ["full"]


async def test_whole_answers_pass_those_who_cannot_be_answered(room):
    room.platform.edit_every_s = 0.05
    delivery = Delivery(room.platform, room.governor)
    async with asyncio.TaskGroup() as group:
        for number in (1, 2):
            group.create_task(room.complain(f"full {number}", f"full {number}"))
        await settle()
        to = Conversation("test", "room")
        group.create_task(delivery.say(to, Post("42"), reply_to=None, key="k"))

    assert room.seen() == ["full 1", "42", "full 2"]


async def test_in_private_every_complaint_is_made(room):
    for _ in range(2):
        await room.complain("full", "full", group=False)

    assert room.seen() == ["full", "full"]


async def test_nobody_who_did_not_speak_to_us_is_complained_to(room):
    await room.complain("too large", "photo", addressed=False)

    assert room.seen() == []


async def test_what_was_asked_for_is_said_each_time(room):
    for _ in range(2):
        await room.notices.say(room.entry(group=True), "help")

    assert room.seen() == ["help", "help"]


async def test_buttons_stand_below_what_is_said(room):
    await room.notices.say(room.entry(), "sure?", (Button("yes", "Yes"), Button("no", "No")))

    assert room.platform.chats["room"][0].buttons == ["yes", "no"]


@pytest.mark.parametrize(
    ("event", "reply_to"),
    [
        ({}, "q1"),
        ({"kind": "press", "about": "m7"}, "m7"),
        ({"kind": "edit", "about": "12"}, "12"),
        ({"kind": "delete", "about": "12"}, None),
    ],
    ids=["message", "press", "edit", "delete"],
)
async def test_notice_stands_below_what_it_is_about(room, event, reply_to):
    await room.notices.say(room.entry(**event), "so")

    assert room.platform.chats["room"][0].reply_to == reply_to


@pytest.mark.parametrize(("shows", "seen"), [(False, ["thanks"]), (True, [])])
async def test_press_is_thanked_for_unless_its_button_shows_it(room, shows, seen):
    room.platform.shows_presses = shows

    await room.notices.thank(room.entry(), "thanks")

    assert room.seen() == seen


async def test_an_entry_that_is_done_again_is_told_nothing_twice(room):
    """What came after the words failed, such as its end on a full disk."""
    entry = room.entry()

    await room.notices.say(entry, "your quota")
    await room.notices.say(entry, "your quota")
    await room.notices.say(room.entry(), "your quota")

    assert room.seen() == ["your quota", "your quota"]
