"""What the bot sends and edits, as people and the server see it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from PIL import Image

from bot.delivery import Delivery
from bot.event import Attachment, Button, Conversation
from bot.pacing import Governor
from bot.platforms.base import Gone, LostMessage, NotSent, Post, Refused, TooFast
from bot.platforms.matrix.adapter import Matrix
from bot.platforms.matrix.client import Timings
from tests.bot.platforms.matrix.receiving import Inbox, running
from tests.emulators.matrix.people import Message, Person

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@dataclass
class Talk:
    """A person and the bot in a room, after the first message."""

    person: Person
    matrix: Matrix
    place: Conversation
    asked: str

    async def ours(self, number: int = 0) -> Message:
        """The bot's message of that number, when it is there and can be read."""

        def look(seen: list[Message]) -> Message | None:
            said = [one for one in seen if one.sender == self.matrix.bot and one.text]
            return said[number] if len(said) > number else None

        return await self.person.reads(look)


@pytest.fixture
def talk(make, inbox: Inbox, meet, account) -> Callable[..., object]:
    @asynccontextmanager
    async def open_talk(*, encrypted: bool = False, **settings: object) -> AsyncIterator[Talk]:
        ann = await meet(encrypted=encrypted)
        matrix = make(**settings)
        async with running(matrix, inbox.accept):
            await ann.opens(account.id, encrypted=encrypted)
            await ann.until_joined(account.id)
            asked = await ann.says("hello")
            event = await inbox.gets(lambda event: event.message == asked)
            yield Talk(ann, matrix, event.conversation, asked)

    return open_talk


async def test_an_answer_is_one_message_that_grows_and_ends_formatted(talk):
    async with talk() as t:
        message = await t.matrix.send(
            t.place, Post("…", final=False), reply_to=t.asked, key="answer-1"
        )
        await t.matrix.edit(t.place, message, Post("**Three", final=False))
        same = await t.matrix.edit(t.place, message, Post("**Three** circles", rich=True))
        seen = await t.ours()

    assert same == message
    assert seen.versions == ("…", "**Three", "**Three** circles")
    assert seen.text == "**Three** circles"
    assert "<strong>Three</strong> circles" in seen.formatted
    assert seen.answers == t.asked


@pytest.mark.row(31)
async def test_the_same_key_twice_is_one_message(talk):
    async with talk() as t:
        first = await t.matrix.send(t.place, Post("once"), reply_to=None, key="k1")
        second = await t.matrix.send(t.place, Post("once"), reply_to=None, key="k1")
        await t.matrix.send(t.place, Post("then"), reply_to=None, key="k2")
        await t.ours(1)
        said = [message.text for message in await t.person.sees()]

    assert first == second
    assert said == ["hello", "once", "then"]


@pytest.mark.row(31)
async def test_the_same_key_is_one_message_after_a_restart_of_both_sides(
    synapse, make, talk, inbox
):
    async with talk() as t:
        first = await t.matrix.send(t.place, Post("once"), reply_to=None, key="k1")
    await asyncio.to_thread(synapse.kill)
    await asyncio.to_thread(synapse.start)
    again = make()
    async with running(again, inbox.accept):
        second = await again.send(t.place, Post("once"), reply_to=None, key="k1")

    assert first == second


async def test_a_photo_stands_above_its_words(talk):
    async with talk() as t:
        await t.matrix.send(
            t.place, Post("a *receipt*", rich=True, photo=PNG), reply_to=None, key="k"
        )
        seen = await t.ours()
        data = await t.person.downloads(seen)

    assert data == PNG
    assert seen.text == "a *receipt*"
    assert "<em>receipt</em>" in seen.formatted
    assert seen.photo["filename"] == "photo.png"


async def test_a_photo_tells_its_sides(talk):
    drawn = io.BytesIO()
    Image.new("RGB", (64, 48)).save(drawn, "JPEG")
    async with talk() as t:
        await t.matrix.send(t.place, Post("", photo=drawn.getvalue()), reply_to=None, key="k")
        seen = await t.ours()

    assert (seen.photo["info"]["w"], seen.photo["info"]["h"]) == (64, 48)


async def test_a_message_in_a_thread_stays_there(talk):
    async with talk() as t:
        thread = await t.matrix.open_thread(t.place, "Ticket 12", key="k1")
        await t.matrix.send(thread, Post("a customer asks"), reply_to=None, key="k2")
        root, inside = await t.ours(), await t.ours(1)

    assert root.text == "Ticket 12"
    assert thread == Conversation("matrix", t.place.chat, root.id)
    assert (inside.thread, inside.answers) == (root.id, None)


@pytest.mark.parametrize("encrypted", [False, True], ids=["open", "encrypted"])
async def test_characters_that_no_server_takes_do_not_cost_the_answer(talk, encrypted):
    """Row 55."""
    async with talk(encrypted=encrypted) as one:
        opening = Post("half \ud83d", final=False)
        message = await one.matrix.send(one.place, opening, reply_to=None, key="k1")
        await one.matrix.edit(one.place, message, Post("whole \ud83d \0 \x1b **words**", rich=True))
        await one.matrix.send(one.place, Post("**plain** \udc00"), reply_to=None, key="k2")
        shown, plain = await one.ours(0), await one.ours(1)

    assert shown.text.startswith("whole")
    assert plain.text.startswith("**plain**")


async def test_an_answer_pings_nobody(talk):
    async with talk() as t:
        await t.matrix.send(t.place, Post(f"@room and {t.person.id}"), reply_to=None, key="k1")
        await t.ours()
        notified = await t.person.notified()

    assert notified == []


async def test_buttons_are_offered_as_reactions_below_the_finished_answer(talk):
    async with talk(reactions=True) as t:
        stop = (Button("stop", "Stop"),)
        message = await t.matrix.send(
            t.place, Post("…", final=False, buttons=stop), reply_to=None, key="k1"
        )
        finished = Post("Three.", buttons=(Button("again", "Again"), Button("up", "Good")))
        await t.matrix.edit(t.place, message, finished)
        await t.matrix.edit(t.place, message, finished)  # a repetition does no harm
        seen = await t.ours()

    assert seen.reactions == {"🔁": {t.matrix.bot}, "👍": {t.matrix.bot}}


@pytest.mark.row(23)
async def test_the_final_edit_of_a_deleted_message_is_told_as_lost(talk):
    async with talk() as t:
        message = await t.matrix.send(t.place, Post("…", final=False), reply_to=None, key="k1")
        await t.person.deletes(message)

        with pytest.raises(LostMessage):
            await t.matrix.edit(t.place, message, Post("Three."))


async def test_an_edit_of_a_message_that_never_was_is_told_as_lost(talk):
    async with talk() as t:
        with pytest.raises(LostMessage):
            await t.matrix.edit(t.place, "$never", Post("Three."))


@pytest.mark.row(24)
async def test_who_put_the_bot_out_is_gone(talk):
    async with talk() as t:
        await t.person.removes(t.matrix.bot)

        with pytest.raises(Gone):
            await t.matrix.send(t.place, Post("hello?"), reply_to=None, key="k1")


async def test_a_room_we_never_were_in_is_gone(talk):
    async with talk() as t:
        elsewhere = Conversation("matrix", "!nowhere:localhost")

        with pytest.raises(Gone):
            await t.matrix.send(elsewhere, Post("hello?"), reply_to=None, key="k1")


async def test_before_the_first_sync_nothing_is_sent(make):
    matrix = make(timings=Timings(read_s=0.05))

    with pytest.raises(NotSent):
        await matrix.send(Conversation("matrix", "!r"), Post("x"), reply_to=None, key="k1")


@pytest.mark.row(17)
async def test_a_limit_of_the_server_is_told_at_once_and_slows_the_edits_down(synapse, talk):
    async with talk(edit_every_s=1.0) as t:
        message = await t.matrix.send(t.place, Post("…", final=False), reply_to=None, key="k1")
        await asyncio.to_thread(synapse.limit, t.matrix.bot, per_second=1, burst=2)
        with pytest.raises(TooFast) as told:
            await _edits(t, message, times=9)
        slowed = t.matrix.limits(t.place).edit_every_s
        await asyncio.to_thread(synapse.limit, t.matrix.bot, per_second=0, burst=0)  # none
        await t.matrix.edit(t.place, message, Post("the end"))
        seen = await t.ours()

    assert 0 < told.value.retry_after_s < 10
    assert slowed == 2.0
    assert seen.text == "the end"


async def test_a_file_with_a_strange_address_is_refused(talk):
    async with talk() as t:
        with pytest.raises(Refused):
            await t.matrix.fetch(Attachment("https://evil.example/x"), max_bytes=10)
        with pytest.raises(Refused):
            await t.matrix.fetch(Attachment("mxc://localhost/never-there"), max_bytes=10)


@pytest.mark.parametrize("file", [{"url": "mxc://a/b"}, {"key": 5}, {"v": "v2"}])
async def test_a_file_without_its_key_is_refused(talk, file):
    async with talk() as one:
        with pytest.raises(Refused):
            await one.matrix.fetch(Attachment(json.dumps(file)), max_bytes=1000)


async def test_an_encrypted_room_hides_everything_from_the_server_and_nothing_from_people(
    talk, inbox
):
    async with talk(encrypted=True) as t:
        photo = await t.person.sends_photo(PNG, "what is it?")
        event = await inbox.gets(lambda event: event.message == photo)
        data = await t.matrix.fetch(event.photos[0], max_bytes=1000)
        message = await t.matrix.send(
            t.place, Post("…", final=False), reply_to=photo, key="answer-1"
        )
        await t.matrix.edit(t.place, message, Post("A **receipt**.", rich=True))
        await t.matrix.send(t.place, Post("this one", photo=PNG), reply_to=None, key="k2")
        answer = await t.ours()
        picture = await t.ours(1)
        shown = await t.person.downloads(picture)
        await t.person.says("and who signed it?", reply_to=message)
        follow_up = await inbox.gets(lambda event: event.text == "and who signed it?")

    assert event.photos[0].ref.startswith("{")
    assert (data, shown) == (PNG, PNG)
    assert (answer.text, answer.answers) == ("A **receipt**.", photo)
    assert follow_up.quoted.text == "A **receipt**."
    assert follow_up.quoted.ours
    assert await t.person.on_the_wire() == {"m.room.encrypted"}


async def _edits(talk: Talk, message: str, *, times: int) -> None:
    for number in range(times):
        await talk.matrix.edit(talk.place, message, Post(f"{number}", final=False))


@pytest.mark.row(17)
async def test_every_final_arrives_once_under_a_limit_that_is_far_too_low(synapse, talk):
    """Nine messages through the governor; the server takes three at once and five a second."""
    async with talk(edit_every_s=0.1) as t:
        await asyncio.to_thread(synapse.limit, t.matrix.bot, per_second=5, burst=3)
        governor = Governor()
        delivery = Delivery(t.matrix, governor)
        texts = [f"answer {number}" for number in range(9)]
        async with asyncio.TaskGroup() as group:
            for text in texts:
                group.create_task(delivery.say(t.place, Post(text), reply_to=None, key=text[-1]))
        said = [one.text for one in await t.person.sees() if one.sender == t.matrix.bot]
        governor.close()

    assert sorted(said) == texts
