"""The whole way of a customer: the bot, a complaint too many, the staff, the end, the bot again.

The customer is on one platform, the staff on another; between every two steps the program may die.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.event import Conversation
from bot.platforms.base import Gone
from bot.rules import ServiceSection
from bot.texts import say
from tests.bot.flow import Flow, a_flow
from tests.fakes import FakeForum, FakePlatform, a_quote

SECTION = ServiceSection(staff_chat="other:staff", remind_after_s=0.0, escalate_after_s=0.0)
THREAD = "t1"


class Story:
    """What Ann does in her chat and Bob in the staff's group."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.staff = FakeForum(name="other")
        flow.other = self.staff
        flow.platforms[1] = self.staff
        flow.platform.photos["broken"] = b"a photo of a handle"
        self.staff.photos["new"] = b"a photo of a new handle"
        flow.rules.change(service=SECTION)
        self.wrote: list[str] = []

    async def ann(self, text: str = "", **more: object) -> str:
        return await self.flow.say(text, name="Ann", **more)

    async def ann_presses(self, button: str) -> None:
        message = self.flow.platform.chats["ann"][-1].id
        await self.flow.press(button, message, name="Ann")

    async def bob(self, text: str = "", thread: str = THREAD, **more: object) -> None:
        where = {"platform": "other", "chat": "staff", "thread": thread, "person": "bob"}
        values = {"name": "Bob", "group": True, "addressed": False} | where | more
        self.wrote.append(await self.flow.say(text, **values))

    async def bob_presses(self, button: str) -> None:
        where = {"platform": "other", "chat": "staff", "thread": THREAD, "person": "bob"}
        await self.flow.press(button, "m1", name="Bob", group=True, **where)

    async def calm(self) -> None:
        """Until nothing is left to do."""
        while True:
            await self.flow.ended()
            unseen = await self.flow.tickets.to_announce()
            waiting = [
                await self.flow.outbox.waiting(name, patient=False, without=(), limit=1)
                for name in ("test", "other")
            ]
            if not unseen and not any(waiting):
                return

    def seen(self, platform: FakePlatform, chat: str) -> list[tuple[str, str, bytes | None]]:
        return [(one.thread, one.text, one.photo) for one in platform.chats[chat]]

    def seen_by_ann(self) -> list[tuple[str, str, bytes | None]]:
        return self.seen(self.flow.platform, "ann")

    def seen_by_staff(self) -> list[tuple[str, str, bytes | None]]:
        return self.seen(self.staff, "staff")


def steps(story: Story) -> list[Callable[[], Awaitable[object]]]:
    edited: list[str] = []

    async def complain_about_the_delivery() -> None:
        edited.append(await story.ann("it came broken on Monday"))

    async def correct_that() -> None:
        await story.flow.edit(edited[0], "it came broken on Tuesday", name="Ann")

    return [
        lambda: story.ann("what is it?", photos=("broken",)),
        lambda: story.ann("is it broken?"),
        lambda: story.ann("can I have a new one?"),
        lambda: story.ann_presses("down"),
        lambda: story.ann("useless!"),
        complain_about_the_delivery,
        lambda: story.bob_presses("take 1"),
        lambda: story.bob("we will send you this one", photos=("new",)),
        lambda: story.bob("// she is right"),
        correct_that,
        lambda: story.bob("on Friday"),
        lambda: story.bob("/close"),
        lambda: story.ann_presses("rate 1 5"),
        lambda: story.ann("and what is that?"),
    ]


BY_ANN = [
    ("", "echo of what is it?", None),
    ("", "echo of is it broken?", None),
    ("", "echo of can I have a new one?", None),
    ("", say("rated", "en"), None),
    ("", f"{say('called_for_you', 'en', number=1)}\n{say('called_next', 'en')}", None),
    ("", say("taken_for_you", "en", name="Bob"), None),
    ("", "Bob: we will send you this one", b"a photo of a new handle"),
    ("", "Bob: on Friday", None),
    ("", f"{say('closed_for_you', 'en', number=1)}\n{say('rate_ask', 'en')}", None),
    ("", say("rate_thanks", "en", score=5), None),
    ("", "echo of and what is that?", None),
]
HEAD = "\n".join(
    [
        say(
            "head",
            "en",
            number=1,
            name="Ann",
            person="test:ann",
            why=say("why_dissatisfied", "en"),
        ),
        say("ticket_summary", "en", messages=4, photos=1, last="useless!"),
        say("head_thread", "en"),
    ]
)
TALK = "\n".join(
    [
        say("ticket_talk", "en"),
        f"Ann: what is it? {say('photos_mark', 'en', count=1)}",
        "Bot: echo of what is it?",
        "Ann: is it broken?",
        "Bot: echo of is it broken?",
        "Ann: can I have a new one?",
        "Bot: echo of can I have a new one?",
        "Ann: useless!",
    ]
)
BY_STAFF = [
    (THREAD, HEAD, None),
    (THREAD, TALK, None),
    (THREAD, "Ann: what is it?", b"a photo of a handle"),
    (THREAD, "Ann: it came broken on Monday", None),
    (THREAD, say("took", "en", name="Bob", number=1), None),
    (THREAD, say("customer_corrected", "en", name="Ann", text="it came broken on Tuesday"), None),
    (THREAD, say("closed", "en", name="Bob", number=1), None),
    (THREAD, say("customer_rated", "en", number=1, score=5), None),
]


@dataclass
class Death:
    """When the program dies in each step: not at all, after it, or as soon as it is accepted."""

    after: bool = False
    at_once: bool = False


@pytest.mark.parametrize(
    "death",
    [Death(), Death(after=True), Death(at_once=True)],
    ids=["no crash", "crash between the steps", "crash as soon as an event is accepted"],
)
async def test_a_customer_goes_from_the_bot_to_the_staff_and_back(tmp_path: Path, death: Death):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        await flow.start()

        for step in steps(story):
            await step()
            if death.at_once:
                await flow.crash()
                await flow.start()
            await story.calm()
            if death.after:
                await flow.crash()
                await flow.start()

        assert story.seen_by_ann() == BY_ANN
        assert story.seen_by_staff() == BY_STAFF
        ticket = await flow.tickets.ticket(1)
        assert (ticket.state, ticket.score, ticket.taken_by) == ("closed", 5, "other:bob")
        assert list(story.staff.threads.values()) == ["#1 Ann"]


async def test_the_head_can_be_pressed_and_the_close_can_be_rated(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        await flow.start()
        await story.ann("/human")
        await story.calm()
        await story.bob("hello")
        await story.bob("/close")
        await story.calm()

        head, closing = story.staff.chats["staff"][0], flow.platform.chats["ann"][-1]
        assert head.buttons == ["take 1", "back 1", "close 1"]
        assert closing.buttons == [f"rate 1 {score}" for score in range(1, 6)]


async def test_after_the_close_the_bot_still_knows_what_the_talk_was_about(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        await flow.start()
        await story.ann("what is it?", photos=("broken",))
        await story.calm()
        await story.ann("/human")
        await story.ann("hello?")
        await story.calm()
        await story.bob("/close 1")
        await story.calm()

        await story.ann("how old is it?")
        await story.calm()

        turns = [turn.text for turn in flow.asked("how old is it?").turns[1:]]
        assert turns == ["what is it?", "echo of what is it?", "how old is it?"]


async def test_in_a_group_without_threads_staff_reply_to_messages(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        story.staff.plain.add("staff")
        await flow.start()
        await story.ann("/human")
        await story.ann("is it open?")
        await story.calm()
        shown = story.staff.chats["staff"]
        assert all("#1" in one.text.split("\n")[0] for one in shown)

        await story.bob("lunch?", thread="")
        last = shown[-1]
        await story.bob("until 8", thread="", quoted=a_quote(last.id, last.text, ours=True))
        await story.calm()

        assert [text for _, text, _ in story.seen_by_ann()][1:] == ["Bob: until 8"]


async def test_a_platform_without_threads_takes_the_tickets_too(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        flow.other = flow.platforms[1] = FakePlatform(name="other")
        await flow.start()
        await story.ann("/human")
        await story.calm()

        assert "#1" in flow.other.texts("staff")[0]


async def test_a_group_served_by_staff_sees_each_answer_as_a_reply(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        await flow.start()
        ann = {"chat": "shop", "person": "ann", "group": True}
        bea = {"chat": "shop", "person": "bea", "name": "Bea", "group": True}
        await story.ann("human", **ann)
        await story.calm()
        await flow.say("a cat?", **bea)
        question = await story.ann("is it open?", **ann)
        await story.calm()

        await story.bob("until 8")
        await story.calm()

        shop = flow.platform.chats["shop"]
        assert [(one.text, one.reply_to) for one in shop][-1] == ("Bob: until 8", question)
        assert any(one.text == "echo of a cat?" for one in shop)


async def test_an_engine_that_gives_up_calls_the_staff_with_photo_and_question(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        flow.engine.faults["what is it?"] = [RuntimeError("broken")] * 9
        await flow.start()

        await story.ann("what is it?", photos=("broken",))
        await flow.time.sleeping()
        while not await flow.tickets.listed():
            await flow.time.advance(60.0)
        await story.calm()

        (ticket,) = await flow.tickets.listed()
        assert (ticket.state, ticket.why) == ("waiting", "engine")
        photos = [photo for _, _, photo in story.seen_by_staff() if photo]
        assert photos == [b"a photo of a handle"]
        assert any("#1" in text for _, text, _ in story.seen_by_ann())


async def test_staff_are_told_when_their_words_reach_nobody(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        await flow.start()
        await story.ann("/human")
        await story.calm()
        flow.platform.fail("send", Gone("blocked by the user"))

        await story.bob("hello")
        await story.calm()
        await flow.shift.sleeping()
        await flow.shift.advance(60.0)
        await story.staff.until(lambda: len(story.seen_by_staff()) == 3)

        assert story.seen_by_staff()[-1] == (THREAD, say("customer_unreached", "en"), None)


async def test_the_model_adds_a_summary_if_it_may(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        flow.rules.change(service=SECTION.model_copy(update={"model_summary": True}))
        await flow.start()
        await story.ann("转人工")
        await story.staff.until(lambda: len(story.seen_by_staff()) == 3)

        assert flow.summarised == ["Ann: 转人工"]
        told = say("ticket_model_summary", "en", text="in short")
        assert story.seen_by_staff()[-1] == (THREAD, told, None)


async def test_a_summary_that_comes_when_the_customer_was_forgotten_is_dropped(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        flow.rules.change(service=SECTION.model_copy(update={"model_summary": True}))
        flow.summary_may_come.clear()
        await flow.start()
        await story.ann("转人工")
        await story.staff.until(lambda: len(story.seen_by_staff()) == 2)
        await flow.erasures.order("test", "ann")
        await flow.erasures.until_ended("test", "ann")

        flow.summary_may_come.set()
        await story.calm()

        assert await flow.tickets.lines(1) == []


async def test_a_staff_group_that_cannot_be_reached_for_now_gets_the_ticket_later(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        story.staff.fail("open_thread", RuntimeError("odd"))  # type: ignore[arg-type]
        await flow.start()
        await story.ann("/human")
        await flow.time.sleeping()
        assert story.seen_by_staff() == []

        await flow.time.advance(60.0)
        await story.calm()

        assert story.seen_by_staff() != []


async def test_who_goes_back_before_staff_were_shown_the_ticket_is_not_shown_to_them(
    tmp_path: Path,
):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        story.staff.blocked["staff"] = asyncio.Event()
        await flow.start()
        await story.ann("/human")
        await story.staff.until(lambda: story.staff.under_way)

        await story.ann("/back")
        await flow.ended()
        story.staff.blocked.pop("staff").set()
        await flow.say("/human", chat="bea", name="Bea")  # tickets are shown one after the other
        await story.calm()

        heads = [text for _, text, _ in story.seen_by_staff() if say("head_thread", "en") in text]
        assert ["Bea" in head for head in heads] == [True]


async def test_a_ticket_of_a_platform_that_is_off_waits_for_it(tmp_path: Path):
    async with a_flow(tmp_path) as flow:
        story = Story(flow)
        section = SECTION.model_copy(update={"staff_chat": "matrix:!staff:example.org"})
        flow.rules.change(service=section)
        await flow.start()

        await story.ann("/human")
        await flow.ended()

        (ticket,) = await flow.tickets.to_announce()
        assert ticket.chat == Conversation("matrix", "!staff:example.org")
        assert replace(ticket, announce=False).desk is None
