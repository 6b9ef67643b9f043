"""Syncs that a server refuses or nio cannot read; the server here answers what it is told to."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from nio import RoomMessageText, SyncResponse

from bot.event import Event
from bot.platforms.base import PlatformError, Unclear
from bot.platforms.matrix.client import Client, Timings
from bot.platforms.matrix.section import MatrixSection
from bot.platforms.matrix.session import Session
from bot.platforms.matrix.stream import Stream
from bot.platforms.patience import Patience, Pauses
from tests.bot.platforms.matrix.receiving import Cursors

US, ANN = "@bot:x", "@ann:x"
TIMINGS = Timings(connect_s=1.0, read_s=5.0, poll_s=0.0)


class Homeserver:
    """Refuses a sync that goes on from a token in `unknown`."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.asked: list[str] = []  # tokens that syncs went on from
        self.pages = 0  # asked for
        self.page_status = 200
        self.answer: dict[str, Any] = {"next_batch": "s9"}

    async def handle(self, request: web.Request) -> web.Response:
        if request.path.endswith("/messages"):
            self.pages += 1
            refusal = {"errcode": "M_UNKNOWN", "error": "no"}
            return web.json_response(refusal, status=self.page_status)
        since = request.query.get("since", "")
        self.asked.append(since)
        if since in self.unknown:
            refusal = {"errcode": "M_UNKNOWN", "error": "Invalid stream token"}
            return web.json_response(refusal, status=400)
        return web.json_response(self.answer)


@pytest.fixture
def homeserver() -> Homeserver:
    return Homeserver()


@pytest.fixture
def cursors() -> Cursors:
    cursors = Cursors()
    cursors.value = "s1"
    return cursors


@pytest.fixture
async def client(homeserver: Homeserver) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", homeserver.handle)
    server = TestServer(app)
    await server.start_server()
    client = Client(str(server.make_url("")), US, None, TIMINGS)
    client.access_token = "token"
    client.user_id = US
    yield client
    await client.close()
    await server.close()


@pytest.fixture
def stream(client: Client, cursors: Cursors, tmp_path) -> Stream:
    settings = MatrixSection(homeserver=client.homeserver, user=US, password="secret")
    session = Session(client, settings, tmp_path)
    return Stream(client, session, settings, cursors, frozenset(), TIMINGS)


def _room(*events: dict[str, Any], **timeline: Any) -> dict[str, Any]:
    members = [
        {
            "type": "m.room.member",
            "event_id": f"$member {user}",
            "sender": user,
            "state_key": user,
            "origin_server_ts": 1,
            "content": {"membership": "join"},
        }
        for user in (US, ANN)
    ]
    return {"state": {"events": members}, "timeline": {"events": list(events)} | timeline}


def _said(text: str) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "event_id": f"${text}",
        "sender": ANN,
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": text},
    }


async def _accepted(stream: Stream, count: int) -> list[str]:
    """What arrives when the stream is followed from its begin."""
    texts: list[str] = []

    class Enough(Exception):
        pass

    class Impatient(Patience):
        """Ends when all there is has come."""

        async def persist(self, what, step):
            if what == "the sync" and len(texts) >= count:
                raise Enough
            return await super().persist(what, step)

    async def accept(event: Event) -> None:
        texts.append(event.text)

    patience = Impatient(
        Pauses(0.0, 0.0, lambda error: None),
        lambda what, error, pause_s: None,
        lambda error: None,
    )
    await patience.persist("the first sync", stream.begin)
    with pytest.raises(Enough):
        await stream.follow(accept, patience)
    return texts


async def test_a_token_that_is_refused_again_and_again_is_given_up_aloud(
    homeserver: Homeserver, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    homeserver.unknown = {"s1"}

    for _ in range(7):
        with pytest.raises(PlatformError):
            await stream.begin()
    assert "beginning anew" not in caplog.text
    await stream.begin()

    assert homeserver.asked == ["s1"] * 8 + [""]
    assert "beginning anew" in caplog.text


async def test_what_a_server_tells_that_begins_anew_is_not_taken_for_new_messages(
    homeserver: Homeserver, stream: Stream, cursors: Cursors
) -> None:
    homeserver.unknown = {"s1"}
    homeserver.answer = {"next_batch": "s9", "rooms": {"join": {"!a:x": _room(_said("old"))}}}

    assert await _accepted(stream, 0) == []
    assert cursors.value == "s9"


async def test_a_server_that_refuses_every_sync_does_not_make_us_forget_our_place(
    homeserver: Homeserver, stream: Stream
) -> None:
    homeserver.unknown = {"s1", ""}
    for _ in range(20):
        with pytest.raises(PlatformError):
            await stream.begin()
    homeserver.unknown = set()

    await stream.begin()

    assert homeserver.asked[-1] == "s1"


async def test_a_sync_nobody_can_read_is_given_up_as_a_refused_one(
    homeserver: Homeserver, stream: Stream
) -> None:
    homeserver.answer = {"next_batch": 5}
    for _ in range(8):
        with pytest.raises(PlatformError):
            await stream.begin()

    assert homeserver.asked == ["s1"] * 8 + [""]


async def test_a_room_at_which_the_library_fails_is_left_out_and_the_others_are_heard(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(room: object, event: RoomMessageText) -> None:
        if event.body == "bad":
            raise ZeroDivisionError(event.body)

    client.add_event_callback(stumble, RoomMessageText)
    joined = {"!a:x": _room(_said("bad")), "!b:x": _room(_said("good"))}
    answer = {"next_batch": "s2", "rooms": {"join": joined}}

    for _ in range(7):  # a full disk may have been the reason
        client.next_batch = ""
        with pytest.raises(ZeroDivisionError):
            await client.receive_response(SyncResponse.from_dict(answer))
    client.next_batch = ""
    response = SyncResponse.from_dict(answer)
    await client.receive_response(response)

    assert list(response.rooms.join) == ["!b:x"]
    assert "!b:x" in client.rooms
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "!a:x" in caplog.text
    assert "bad" not in caplog.text


async def test_trouble_with_the_keys_does_not_keep_open_rooms_from_being_heard(
    homeserver: Homeserver, client: Client, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the disk is full and the library cannot write to its store."""
    homeserver.answer = {"next_batch": "s9", "rooms": {"join": {"!a:x": _room(_said("hello"))}}}
    keep_keys = client.keep_keys

    async def fail() -> None:
        client.keep_keys = keep_keys
        raise OSError(28, "no space left on device")

    client.keep_keys = fail

    assert await _accepted(stream, 1) == ["hello"]
    assert "the keys of encrypted rooms: OSError" in caplog.text


@pytest.mark.parametrize(("status", "asked"), [(400, 1), (500, 8)], ids=["refused", "in trouble"])
async def test_a_gap_that_the_server_does_not_give_out_does_not_hold_up_what_came_after_it(
    homeserver: Homeserver, stream: Stream, status: int, asked: int
) -> None:
    homeserver.page_status = status
    room = _room(_said("after the gap"), limited=True, prev_batch="p1")
    homeserver.answer = {"next_batch": "s9", "rooms": {"join": {"!a:x": room}}}

    assert await _accepted(stream, 1) == ["after the gap"]
    assert homeserver.pages == asked


async def test_an_event_that_is_answered_with_a_page_of_a_proxy_is_unclear(
    client: Client, homeserver: Homeserver
) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    async with TestServer(app) as server:
        client.homeserver = str(server.make_url("")).rstrip("/")

        with pytest.raises(Unclear):
            await client.read("!a:x", "$e")
