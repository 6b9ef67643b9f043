"""Buttons below a message, and how answers shall be drawn: what people choose on the page."""

from __future__ import annotations

import pytest

from bot.event import Button, Wishes
from bot.platforms.base import Post
from tests.bot.platforms.web.conftest import new_browser

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")

STOP = Button("stop", "停止")
BELOW = (Button("again", "再答一次"), Button("up", "👍"))


async def answer(served, *, buttons=BELOW, text="红色", rich=True):
    """One question with its answer; the id of the answer."""
    await served.ask("什么颜色？")
    message = await served.platform.send(
        served.chat, Post("…", final=False, buttons=(STOP,)), reply_to=None, key="k"
    )
    await served.platform.edit(served.chat, message, Post(text, rich=rich, buttons=buttons))
    return int(message)


async def press(served, message, name, *, browser=None, **fields):
    return await served.call(
        "POST",
        "/api/press?lang=zh",
        browser=browser,
        json={"message": message, "name": name, **fields},
    )


async def shown(served):
    return (await served.visit())["messages"][-1]


async def test_press_becomes_an_event_about_the_message(served):
    message = await answer(served)

    status, _ = await press(served, message, "up", key="press-1")

    assert status == 202
    event = served.inbox.events[-1]
    assert (event.kind, event.text, event.about) == ("press", "up", str(message))
    assert event.message == f"{message}/press/up/press-1"
    assert event.conversation == served.inbox.events[0].conversation
    assert event.person.id == served.inbox.events[0].person.id


async def test_pressed_thumb_is_seen_in_every_window_and_the_last_one_counts(served):
    message = await answer(served, buttons=(*BELOW, Button("down", "👎")))
    before = (await shown(served))["pressed"]

    async with served.events() as events:
        await events.next()
        await press(served, message, "up", key="press-1")
        _, _, told = await events.next()
    await press(served, message, "down", key="press-2")

    assert (before, told["pressed"], (await shown(served))["pressed"]) == (None, "up", "down")


async def test_press_of_another_button_marks_no_thumb(served):
    message = await answer(served)

    await press(served, message, "again", key="press-1")

    assert (await shown(served))["pressed"] is None


async def test_press_sent_again_is_the_same_press(served):
    message = await answer(served)

    for _ in range(3):
        await press(served, message, "up", key="press-1")

    assert [event.kind for event in served.inbox.events] == ["message", "press"]


async def test_two_presses_are_two(served):
    message = await answer(served)

    await press(served, message, "up", key="press-1")
    await press(served, message, "up", key="press-2")

    assert len(served.inbox.events) == 3


async def test_press_without_a_name_counts_once_a_second(place):
    async with place.serve(clock=place.wall.clock) as served:
        message = await answer(served)
        await press(served, message, "again")
        await press(served, message, "again")
        place.wall.now += 1
        await press(served, message, "again")

    assert [event.kind for event in served.inbox.events].count("press") == 2


@pytest.mark.parametrize("name", ["stop", "delete-everything", "take", "again "])
async def test_only_buttons_that_stand_there_can_be_pressed(served, name):
    message = await answer(served)

    status, told = await press(served, message, name)

    assert (status, told["error"]["code"]) == (409, "no_button")
    assert len(served.inbox.events) == 1


@pytest.mark.row(59)
async def test_button_of_another_person_cannot_be_pressed(served, stranger):
    message = await answer(served)
    await served.visit(stranger)

    status, _ = await press(served, message, "up", browser=stranger)

    assert status == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"message": 0, "name": "up"},
        {"message": "1", "name": "up"},
        {"message": 10**30, "name": "up"},
        {"message": 1, "name": ""},
        {"message": 1, "name": "x" * 65},
        {"message": 1, "name": "up", "key": "../x"},
        {"name": "up"},
    ],
)
async def test_press_that_makes_no_sense_is_refused(served, fields):
    status, told = await served.call("POST", "/api/press", json=fields)

    assert status in (400, 409)
    assert told["error"]["message"]


async def test_buttons_survive_a_restart(place):
    async with new_browser() as browser:
        async with place.serve(browser=browser) as served:
            await answer(served)
            before = await shown(served)
        async with place.serve(browser=browser) as served:
            after = await shown(served)

    assert before | {"at": 0} == after | {"at": 0}
    assert after["buttons"] == [{"name": one.name, "label": one.label} for one in BELOW]
    assert after["blocks"] == [{"t": "p", "c": [{"t": "text", "text": "红色"}]}]


async def test_edit_without_buttons_takes_them_away(served):
    message = await answer(served)

    await served.platform.edit(served.chat, str(message), Post("红色"))

    assert (await shown(served))["buttons"] == []
    assert (await press(served, message, "up"))[0] == 409


async def test_preview_has_its_own_buttons_and_is_drawn_as_it_grows(served):
    await served.ask("什么颜色？")
    message = await served.platform.send(
        served.chat, Post("排在第 1 位", final=False, buttons=(STOP,)), reply_to=None, key="k"
    )
    waiting = await shown(served)
    preview = Post("**红", final=False, rich=True, buttons=(STOP,))
    await served.platform.edit(served.chat, message, preview)
    growing = await shown(served)

    assert (waiting["blocks"], waiting["buttons"][0]["name"]) == (None, "stop")
    assert growing["blocks"] == [{"t": "p", "c": [{"t": "text", "text": "**红"}]}]
    assert (await press(served, int(message), "stop"))[0] == 202


async def test_words_of_ours_are_never_read_as_markdown(served):
    await answer(served, text="*a*", rich=False)

    assert (await shown(served))["blocks"] is None


async def test_photo_in_a_message_of_ours_is_shown(served, photo):
    await served.ask("你好")
    await served.platform.send(served.chat, Post("看", photo=photo), reply_to=None, key="k")
    [digest] = (await shown(served))["photos"]

    status, data = await served.call("GET", f"/api/photos/{digest}", proof=None)

    assert (status, data) == (200, photo)


async def test_small_photo_is_made_once_and_served_as_what_it_is(served, place, photo):
    await served.ask("?", [photo])
    address = f"{served.url}/api/photos/{served.inbox.events[0].photos[0].ref}?size=thumb"

    for _ in range(2):
        async with served.browser.get(address) as response:
            assert await response.read() == b"\xff\xd8\xffsmall"
            assert response.headers["Content-Type"] == "image/jpeg"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert place.shrunk == [photo]


async def test_photo_that_cannot_be_made_smaller_is_served_whole(place, photo):
    async def cannot(_):
        return None

    place.shrink = cannot
    async with place.serve() as served:
        await served.ask("?", [photo])
        digest = served.inbox.events[0].photos[0].ref

        assert (await served.call("GET", f"/api/photos/{digest}?size=thumb"))[1] == photo


async def test_old_photo_is_still_ones_own(served, photo):
    await served.ask("?", [photo])
    digest, chat = served.inbox.events[0].photos[0].ref, served.chat.chat
    for number in range(201):
        await served.page.add(chat, "person", str(number), [], final=True)

    assert (await served.call("GET", f"/api/photos/{digest}", proof=None))[0] == 200


async def test_wishes_go_with_the_question(served):
    await served.ask("你好", temperature="0.7", top_p="0.9", max_tokens="64")

    assert served.inbox.events[0].wishes == Wishes(0.7, 0.9, 64)


async def test_without_wishes_there_are_none(served):
    await served.ask("你好")

    assert served.inbox.events[0].wishes == Wishes()


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        ({"temperature": "2.1"}, "temperature", "温度是 2.1，但要在 0 到 2 之间。"),
        ({"temperature": "-1"}, "temperature", "温度是 -1，但要在 0 到 2 之间。"),
        ({"temperature": "nan"}, "temperature", "温度是 nan，但要在 0 到 2 之间。"),
        ({"top_p": "0"}, "top_p", "top-p 是 0，但要在 0.01 到 1 之间。"),
        ({"top_p": "inf"}, "top_p", "top-p 是 inf，但要在 0.01 到 1 之间。"),
        ({"max_tokens": "0"}, "max_tokens", "回答最长 0 个 token，但要在 1 到 512 之间。"),
        ({"max_tokens": "513"}, "max_tokens", "回答最长 513 个 token，但要在 1 到 512 之间。"),
        ({"temperature": "warm"}, "malformed", "没能读懂这个请求，请刷新页面后再试。"),
        ({"temperature": "9" * 300}, "malformed", "没能读懂这个请求，请刷新页面后再试。"),
    ],
)
async def test_wish_out_of_range_is_refused_with_value_and_range(served, fields, code, sentence):
    status, told = await served.ask("你好", **fields)

    assert (status, told["error"]["code"]) == (400, code)
    assert told["error"]["message"] == sentence
    assert served.inbox.events == []
