from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.delivery import Delivery
from bot.event import Button, Conversation
from bot.pacing import Governor
from bot.platforms.base import Gone, NotSent, Refused, TooFast, Unclear
from bot.postman import Postman
from bot.storage.db import Database
from bot.storage.outbox import Letter, Outbox
from bot.storage.photos import Photos
from tests.fakes import FakePlatform, FakeTime, cancelled, settle

ANN = Conversation("test", "ann")
BOB = Conversation("test", "bob")


class KeyedPlatform(FakePlatform):
    """Shows a message once, however often it is sent under its key."""

    def limits(self, to):
        return replace(super().limits(to), keyed=True)

    async def send(self, to, post, *, reply_to, key):
        for bubble in self.chats[to.chat]:
            if bubble.key == key:
                return bubble.id
        return await super().send(to, post, reply_to=reply_to, key=key)


class FailingOutbox(Outbox):
    """As when the disk is full for a minute, and the database locked."""

    def __init__(self, db, **rest):
        super().__init__(db, **rest)
        self.faults = {"waiting": 60, "sent": 60, "note": 60, "end": 60}

    def _fail(self, what):
        if self.faults[what]:
            self.faults[what] -= 1
            raise OSError(28, "no space left on device")

    async def waiting(self, platform, **which):
        self._fail("waiting")
        return await super().waiting(platform, **which)

    async def sent(self, letter_id):
        self._fail("sent")
        return await super().sent(letter_id)

    async def note(self, letter_id, part, message):
        self._fail("note")
        await super().note(letter_id, part, message)

    async def end(self, letter_id, fate):
        self._fail("end")
        await super().end(letter_id, fate)


class Office:
    """An outbox, its postman, and one platform."""

    def __init__(self, db, folder, platform, time):
        self.platform, self.time = platform, time
        self._db = db
        self.kind = Outbox
        self.outbox = Outbox(db, clock=time.clock)
        self.photos = Photos(folder / "photos")
        self._working = None

    async def put(self, *letters):
        await self.outbox.put(letters)

    def start(self):
        self.outbox = self.kind(self._db, clock=self.time.clock)
        self.governor = Governor(clock=self.time.clock, sleep=self.time.sleep)
        clock, sleep = self.time.clock, self.time.sleep
        delivery = Delivery(self.platform, self.governor, clock=clock, sleep=sleep)
        postman = Postman(
            self.outbox, self.photos, {self.platform.name: delivery}, sleep=self.time.sleep
        )
        self._working = asyncio.create_task(postman.run())

    async def stop(self):
        if self._working is not None:
            self.governor.close()
            await cancelled(self._working)
            self._working = None

    async def left(self):
        found = []
        for patient in (False, True):
            found += await self.outbox.waiting("test", patient=patient, without=(), limit=999)
        return [pending.letter.key for pending in found]

    async def work(self):
        """Until all letters have ended; time passes when it must."""
        if self._working is None:
            self.start()
        for _ in range(2000):
            if not await self.left():
                return
            await settle()
            await asyncio.sleep(0.001)  # the database has threads of its own
            await self.time.advance(0.25)
        raise AssertionError(await self.left())


@asynccontextmanager
async def an_office(folder, kind=FakePlatform, **limits):
    time = FakeTime()
    db = await Database.open(folder)
    office = Office(db, folder, kind(clock=time.clock, **limits), time)
    try:
        yield office
    finally:
        await office.stop()
        await db.close()


@pytest.fixture
async def office(tmp_path):
    async with an_office(tmp_path) as office:
        yield office


async def test_letter_comes_with_all_that_belongs_to_it(office):
    digest = await office.photos.put(b"a photo")
    button = Button("take/1", "Take")
    await office.put(Letter("k", ANN, "hello", digest, (button,), "12"))
    await office.work()

    [bubble] = office.platform.chats["ann"]
    [post] = bubble.posts
    assert (post.text, post.photo, post.buttons, post.final) == (
        "hello",
        b"a photo",
        (button,),
        True,
    )
    assert (bubble.reply_to, bubble.key) == ("12", "k")
    assert await office.outbox.key_of(ANN, bubble.id) == "k"


async def test_letters_of_a_chat_come_in_order(office):
    await office.put(*(Letter(f"{n}", ANN, f"letter {n}") for n in range(20)))
    office.platform.fail("send", NotSent("no"), TooFast(3))
    await office.work()

    assert office.platform.texts("ann") == [f"letter {n}" for n in range(20)]


async def test_chat_that_is_held_up_does_not_hold_up_the_others(office):
    office.platform.blocked["ann"] = asyncio.Event()
    await office.put(*(Letter(f"ann {n}", ANN, "x") for n in range(200)), Letter("bob", BOB, "hi"))
    office.start()

    await office.platform.until(lambda: office.platform.texts("bob"))

    assert office.platform.texts("ann") == []


async def test_long_letter_takes_several_messages_with_buttons_below_the_last(tmp_path):
    async with an_office(tmp_path, text_units=20) as office:
        text = "One sentence here. Another one there. And a third."
        await office.put(Letter("k", ANN, text, buttons=(Button("b", "B"),), reply_to="12"))
        await office.work()

        bubbles = office.platform.chats["ann"]
        assert [bubble.text for bubble in bubbles] == [
            "One sentence here.",
            "Another one there.",
            "And a third.",
        ]
        assert [bool(bubble.posts[0].buttons) for bubble in bubbles] == [False, False, True]
        assert [bubble.reply_to for bubble in bubbles] == ["12", None, None]
        assert len({bubble.key for bubble in bubbles}) == 3
        keys = [await office.outbox.key_of(ANN, bubble.id) for bubble in bubbles]
        assert keys == ["k", "k", "k"]


async def test_photo_with_too_many_words_stands_alone(office):
    digest = await office.photos.put(b"a photo")
    await office.put(Letter("k", ANN, "word " * 300, digest))
    await office.work()

    first, second = (bubble.posts[0] for bubble in office.platform.chats["ann"])
    assert (first.text, first.photo) == ("", b"a photo")
    assert (second.text, second.photo) == (("word " * 300).strip(), None)


async def test_photo_that_is_not_kept_any_more_is_left_out(office):
    await office.put(Letter("k", ANN, "hello", "a" * 64), Letter("l", ANN, "", "b" * 64))
    await office.work()

    assert [bubble.posts[0].photo for bubble in office.platform.chats["ann"]] == [None]
    assert await office.outbox.progress("") == {"sent": 1, "failed": 1}


@pytest.mark.parametrize("error", [Gone("blocked"), Refused("no")])
async def test_letter_that_nobody_can_have_has_failed(office, error):
    office.platform.fail("send", error)
    await office.put(Letter("k", ANN, "x", batch="b"), Letter("l", ANN, "y", batch="b"))
    await office.work()

    assert await office.outbox.progress("b") == {"failed": 1, "sent": 1}
    assert office.platform.texts("ann") == ["y"]


async def test_letter_that_may_have_come_is_not_sent_again(office):
    """Row 20."""
    office.platform.fail("send", Unclear("lost"), effect=True)
    await office.put(Letter("k", ANN, "x"))
    await office.work()

    assert office.platform.texts("ann") == ["x"]
    assert await office.outbox.progress("") == {"unclear": 1}


async def test_rest_of_a_long_letter_comes_though_one_part_may_be_lost(tmp_path):
    async with an_office(tmp_path, text_units=10) as office:
        office.platform.fail("send", Unclear("lost"))
        await office.put(Letter("k", ANN, "First one. And two."))
        await office.work()

        assert office.platform.texts("ann") == ["And two."]
        assert await office.outbox.progress("") == {"unclear": 1}


async def test_platform_that_knows_keys_is_sent_it_again(tmp_path):
    async with an_office(tmp_path, KeyedPlatform) as office:
        office.platform.fail("send", Unclear("lost"), effect=True)
        await office.put(Letter("k", ANN, "x"))
        await office.work()

        assert office.platform.texts("ann") == ["x"]
        assert await office.outbox.progress("") == {"sent": 1}


async def test_restart_goes_on_at_the_part_that_was_not_sent(tmp_path):
    async with an_office(tmp_path, text_units=10) as office:
        await office.put(Letter("k", ANN, "First one. And two."))
        office.start()
        await office.platform.until(lambda: office.platform.texts("ann"))
        office.platform.blocked["ann"] = asyncio.Event()
        await office.platform.until(lambda: office.platform.under_way)
        await office.stop()
        del office.platform.blocked["ann"]
        await office.work()

        assert office.platform.texts("ann") == ["First one.", "And two."]
        assert office.platform.chats["ann"][1].key == "k#1"


async def test_letters_for_a_platform_that_is_off_wait(office):
    await office.put(Letter("off", Conversation("other", "ann"), "x"), Letter("k", ANN, "y"))
    await office.work()

    found = await office.outbox.waiting("other", patient=False, without=(), limit=1)
    assert [pending.letter.key for pending in found] == ["off"]


async def test_platform_that_is_down_for_days_gets_them_in_the_end(office):
    office.platform.fail("send", *[NotSent("connection refused")] * 1600)
    await office.put(Letter("k", ANN, "x"))
    office.start()
    began = office.time.now
    while await office.left():
        await asyncio.sleep(0.001)
        await office.time.advance(600)

    assert office.platform.texts("ann") == ["x"]
    assert office.time.now - began > 86_400


async def test_everything_else_passes_the_letters_of_a_broadcast(tmp_path):
    async with an_office(tmp_path, calls_per_s=1.0) as office:
        many = [Letter(f"{n}", Conversation("test", f"p{n}"), "x", patient=True) for n in range(50)]
        await office.put(*many)
        office.start()
        await office.platform.until(lambda: office.platform.calls)

        await office.put(Letter("k", ANN, "urgent"))
        for _ in range(100):
            await asyncio.sleep(0.001)
            await office.time.advance(0.05)

        assert len(office.platform.calls) < 12
        assert office.platform.texts("ann") == ["urgent"]


async def test_database_that_fails_for_minutes_costs_no_letter_and_doubles_none(office):
    """Rows 42 and 43."""
    await office.put(Letter("k", ANN, "x"), Letter("l", ANN, "y"))
    office.kind = FailingOutbox
    office.start()
    began = office.time.now
    while office.outbox.faults["end"] or await Outbox.waiting(
        office.outbox, "test", patient=False, without=(), limit=1
    ):
        await asyncio.sleep(0.001)
        await office.time.advance(10)

    assert office.time.now - began >= 240
    assert office.platform.texts("ann") == ["x", "y"]
    assert await office.outbox.progress("") == {"sent": 2}


async def test_letter_that_breaks_the_postman_is_given_up_and_the_others_come(office):
    office.platform.fail("send", *[ZeroDivisionError("a bug")] * 4)
    await office.put(Letter("k", ANN, "x"), Letter("l", ANN, "y"))
    await office.work()

    assert office.platform.texts("ann") == ["y"]
    assert await office.outbox.progress("") == {"failed": 1, "sent": 1}
