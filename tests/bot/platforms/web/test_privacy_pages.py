"""A person's own data on the page: the copy, and its end."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile

import pytest

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")


async def test_copy_is_a_zip_of_ones_own(place):
    async with place.serve() as served:
        await served.ask("my question")
        status, file = await served.call("GET", "/api/export")

    assert status == 200
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        data = json.loads(archive.read("data.json"))
    assert [one["text"] for one in data["page"]] == ["my question"]


async def test_second_copy_for_the_same_person_has_to_wait_for_the_first(place):
    async with place.serve() as served:
        await served.ask("my question")
        async with place.copies._one:  # somebody else's is being made
            asking = [asyncio.create_task(served.call("GET", "/api/export")) for _ in range(2)]
            done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            refused = [task.result()[0] for task in done]
        taken = [(await task)[0] for task in asking if task not in done]
        again, _ = await served.call("GET", "/api/export")

    assert (refused, taken, again) == ([503], [200], 200)


async def test_who_is_forgotten_is_somebody_new_from_then_on(place):
    async with place.serve() as served:
        await served.ask("my question")
        asking = asyncio.create_task(served.call("DELETE", "/api/me"))
        await place.erasures.ordered(10.0)
        (order,) = await place.erasures.pending()
        await place.erasures.end(order)

        assert (await asking)[0] == 204
        assert (order.platform, order.person) == ("web", served.chat.chat)
        before = served.chat.chat
        await served.ask("a new question", key="question-2")
        assert served.chat.chat != before


async def test_nobody_is_forgotten_without_the_proof_of_our_own_page(place):
    async with place.serve() as served:
        await served.ask("my question")
        status, _ = await served.call("DELETE", "/api/me", proof="")

        assert status == 403
        assert await place.erasures.pending() == []


async def test_what_was_shown_is_dropped_from_memory(place):
    async with place.serve() as served:
        await served.ask("my question")
        chat = served.chat.chat
        assert served.platform._talk.live.newest(chat, 1) is not None

        served.platform.forget(chat)

        assert served.platform._talk.live.newest(chat, 1) is None
