"""How a window follows an answer: snapshot first, then the newest state of what changes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bot.event import Attachment, Conversation
from bot.platforms.base import LostMessage, Post, Refused

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")


async def kept(served):
    return [message.text for message in await served.page.messages(served.chat.chat, limit=9)]


async def test_window_gets_a_snapshot_first_and_then_each_message(served):
    await served.ask("你好")
    async with served.events() as stream:
        name, _, snapshot = await stream.next()
        sent = await served.platform.send(
            served.chat, Post("您好", final=True), reply_to=None, key="k"
        )
        event = await stream.next()

    assert name == "snapshot"
    assert [message["text"] for message in snapshot["messages"]] == ["你好"]
    assert event[0] == "message"
    assert (event[2]["id"], event[2]["side"], event[2]["text"]) == (int(sent), "bot", "您好")


async def test_answer_is_followed_in_one_message_until_it_is_final(served):
    await served.ask("你好")
    answer = await served.platform.send(served.chat, Post("…", final=False), reply_to=None, key="k")
    async with served.events() as stream:
        await stream.next()
        for text, final in [("红", False), ("红色", False), ("红色的圆", True)]:
            await served.platform.edit(served.chat, answer, Post(text, final=final))
        seen = await stream.until(lambda message: message["final"])

    assert {data["id"] for _, _, data in seen} == {int(answer)}
    assert seen[-1][2]["text"] == "红色的圆"
    revisions = [revision for _, revision, _ in seen]
    assert revisions == sorted(set(revisions))


@pytest.mark.parametrize("final", [True, False], ids=["whole", "placeholder"])
async def test_window_is_told_whether_a_new_message_is_whole(place, stranger, final):
    async with place.serve(browser=stranger) as served:
        await served.ask("你好")
        async with served.events() as stream:
            await stream.next()
            await served.platform.send(served.chat, Post("…", final=final), reply_to=None, key="k")
            _, _, told = await stream.next()
    async with place.serve(browser=stranger) as after:
        kept = (await after.visit())["messages"][-1]

    assert (told["final"], kept["final"]) == (final, final)


async def test_preview_is_not_written_to_the_database_and_the_final_text_is(served):
    await served.ask("你好")
    answer = await served.platform.send(served.chat, Post("…", final=False), reply_to=None, key="k")

    await served.platform.edit(served.chat, answer, Post("红", final=False))
    while_written = await kept(served)
    await served.platform.edit(served.chat, answer, Post("红色", final=True))

    assert (while_written, await kept(served)) == (["你好", "…"], ["你好", "红色"])


async def test_page_reloaded_in_mid_answer_shows_the_preview(served):
    await served.ask("你好")
    answer = await served.platform.send(served.chat, Post("…", final=False), reply_to=None, key="k")
    await served.platform.edit(served.chat, answer, Post("红", final=False))

    messages = (await served.visit())["messages"]

    assert [(message["text"], message["final"]) for message in messages] == [
        ("你好", True),
        ("红", False),
    ]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_window_that_comes_back_gets_only_what_changed(served, how):
    await served.ask("一", key="question-1")
    async with served.events() as stream:
        _, revision, _ = await stream.next()
    await served.ask("二", key="question-2")

    resumed = (
        served.events(headers={"Last-Event-ID": str(revision)})
        if how == "header"
        else served.events(after=revision)
    )
    async with resumed as stream:
        name, _, message = await stream.next()

    assert (name, message["text"]) == ("message", "二")


async def test_window_of_an_earlier_run_gets_a_snapshot(place, stranger):
    async with place.serve(browser=stranger) as before:
        await before.ask("你好")
        async with before.events() as stream:
            _, revision, _ = await stream.next()
    async with place.serve(browser=stranger) as after, after.events(after=revision) as stream:
        name, later, snapshot = await stream.next()

    assert name == "snapshot"
    assert later > revision
    assert [message["text"] for message in snapshot["messages"]] == ["你好"]


@pytest.mark.parametrize("mark", ["x", "-1", "9" * 30, "1.5", "%00"])
async def test_mark_that_makes_no_sense_gets_a_snapshot(served, mark):
    async with served.events(after=mark) as stream:
        name, _, _ = await stream.next()

    assert name == "snapshot"


async def test_answer_is_edited_on_after_a_restart(place, stranger):
    async with place.serve(browser=stranger) as before:
        await before.ask("你好")
        chat = before.chat
        answer = await before.platform.send(
            chat, Post("正在看图", final=False), reply_to=None, key="k"
        )
    async with place.serve(browser=stranger) as after:
        await after.platform.edit(chat, answer, Post("红", final=False))
        await after.platform.edit(chat, answer, Post("红色", final=True))

        assert await after.texts() == ["你好", "红色"]


async def test_message_that_is_sent_again_after_a_crash_is_shown_once(place, stranger, photo):
    post = Post("your photo", photo=photo)
    async with place.serve(browser=stranger) as before:
        await before.ask("hello")
        chat = before.chat
        first = await before.platform.send(chat, post, reply_to=None, key="ticket/1")
    async with place.serve(browser=stranger) as after:
        again = await after.platform.send(chat, post, reply_to=None, key="ticket/1")
        other = await after.platform.send(chat, post, reply_to=None, key="ticket/2")
        messages = (await after.visit())["messages"]

    assert (again, after.platform.limits(chat).keyed) == (first, True)
    assert [str(message["id"]) for message in messages[1:]] == [first, other]
    assert {message["key"] for message in messages[1:]} == {""}  # how we call it is our affair


async def test_person_cannot_take_a_name_of_the_bots_messages(served):
    status, _ = await served.ask("hello", key="bot:ticket-1")

    assert status == 400


@pytest.mark.row(55)
async def test_half_a_character_does_not_end_the_stream_of_a_window(served):
    """Row 55: a model may write a pair in two pieces."""
    await served.ask("hello")
    async with served.events() as stream:
        await stream.next()
        answer = await served.platform.send(
            served.chat, Post("half \ud83d", final=False), reply_to=None, key="k"
        )
        await served.platform.edit(served.chat, answer, Post("whole \ud83d"))
        seen = ""
        while "whole" not in seen:
            _, _, data = await stream.next()
            seen = str(data)

    assert "whole" in seen


@pytest.mark.parametrize("message", ["999", "x", "-1", ""])
async def test_message_that_does_not_exist_is_lost(served, message):
    with pytest.raises(LostMessage):
        await served.platform.edit(Conversation("web", "c"), message, Post("…", final=True))


async def test_message_of_another_chat_is_lost(served):
    await served.ask("你好")
    answer = await served.platform.send(served.chat, Post("…", final=False), reply_to=None, key="k")

    with pytest.raises(LostMessage):
        await served.platform.edit(Conversation("web", "another"), answer, Post("红", final=True))


async def test_photo_that_is_larger_than_wished_is_refused(served):
    digest = await served.photos.put(b"12345")

    with pytest.raises(Refused):
        await served.platform.fetch(Attachment(digest), max_bytes=4)


async def test_photo_that_is_gone_is_refused(served):
    with pytest.raises(Refused):
        await served.platform.fetch(Attachment("0" * 64), max_bytes=4)


@pytest.mark.row(56)
async def test_markup_in_an_answer_crosses_the_wire_as_text(served):
    await served.ask("你好")
    evil = "<img src=x onerror=alert(1)>\nid: 1\n\nevent: snapshot\u2028\r\n"
    async with served.events() as stream:
        await stream.next()
        await served.platform.send(served.chat, Post(evil, final=True), reply_to=None, key="k")
        name, _, message = await stream.next()

    assert (name, message["text"]) == ("message", evil.replace("\r\n", "\n"))


async def test_ninth_window_of_a_chat_is_turned_away(served):
    async with asyncio.TaskGroup() as group:
        windows = [served.events() for _ in range(8)]
        for window in windows:
            group.create_task(window.__aenter__())
    async with served.browser.get(f"{served.url}/api/events") as response:
        status = response.status
    for window in windows:
        await window.__aexit__(None, None, None)

    assert status == 503


async def test_window_that_takes_nothing_is_dropped(place):
    async with place.serve(write_s=0.2) as served:
        await served.ask("你好")
        answer = await served.platform.send(
            served.chat, Post("…", final=False), reply_to=None, key="k"
        )
        (cookie,) = served.browser.cookie_jar
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(served.url.rpartition(":")[2])
        )
        writer.transport.pause_reading()
        writer.write(
            f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Cookie: {cookie.key}={cookie.value}\r\n\r\n".encode()
        )
        for count in range(300):  # more than the buffers on the way can hold
            await served.platform.edit(served.chat, answer, Post(f"{count}" * 30_000, final=False))
            await asyncio.sleep(0.002)
        writer.transport.resume_reading()

        with suppress(ConnectionResetError):
            while await reader.read(2**20):
                pass
        writer.close()


async def test_streams_end_when_the_platform_stops(place):
    async with place.serve(runs=False) as served, asyncio.TaskGroup() as group:
        running = group.create_task(served.platform.run(served.inbox.accept))
        async with served.events() as stream:
            await stream.next()
            running.cancel()

            assert await stream.next() is None
