"""What the log says of each request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api.access import CALLER, tell_requests
from bot.api.caller import Caller
from bot.api.guard import Patience, drop_slow_readers
from inference.trace import current


async def answer(request: web.Request) -> web.Response:
    request[CALLER] = Caller("k_12", "the archive")
    return web.Response(text="words", headers={"X-Seen": current()})


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="no")


async def fail(_: web.Request) -> web.Response:
    raise ZeroDivisionError


async def lose(_: web.Request) -> web.Response:
    raise ConnectionResetError


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    app = web.Application(middlewares=[tell_requests(), drop_slow_readers(Patience())])
    app.add_routes(
        [
            web.get("/v1/photos/{photo}", answer),
            web.get("/v1/refused", refuse),
            web.get("/v1/failed", fail),
            web.get("/v1/gone", lose),
            web.get("/photos/{photo}", answer),
        ]
    )
    async with TestClient(TestServer(app)) as client:
        yield client


def told(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    (record,) = (r for r in caplog.records if r.name in ("bot.api.access", "bot.platforms.web"))
    return record


async def test_a_request_is_told_by_its_route_and_never_by_its_path(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")

    await client.get("/v1/photos/holiday.jpg?key=secret")

    record = told(caplog)
    assert "holiday" not in record.getMessage()
    assert record.args.pop("ms") >= 0
    assert record.args.pop("bytes") > 5  # its headers too
    assert record.args == {
        "method": "GET",
        "route": "/v1/photos/{photo}",
        "status": 200,
        "caller": "k_12",
    }


@pytest.mark.parametrize(
    ("path", "status", "level"),
    [("/v1/refused", 403, "INFO"), ("/v1/failed", 500, "WARNING"), ("/v1/none", 404, "INFO")],
)
async def test_what_goes_wrong_is_told_with_its_status(
    path: str, status: int, level: str, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")

    response = await client.get(path)

    assert (response.status, told(caplog).args["status"]) == (status, status)
    assert told(caplog).levelname == level
    assert "/v1/none" not in told(caplog).getMessage()


async def test_who_does_not_take_the_answer_is_no_fault_of_ours(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")

    await client.get("/v1/gone")

    assert (told(caplog).args["status"], told(caplog).levelname) == (499, "INFO")


async def test_requests_of_the_page_are_told_at_debug_in_its_own_area(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bot")

    await client.get("/photos/holiday.jpg")

    assert (told(caplog).name, told(caplog).levelname) == ("bot.platforms.web", "DEBUG")


async def test_each_request_has_an_id_that_the_client_may_choose(client: TestClient) -> None:
    given = await client.get("/v1/photos/1", headers={"X-Request-Id": "mine-1"})
    first, second = await client.get("/v1/photos/1"), await client.get("/v1/photos/1")

    assert given.headers["X-Seen"] == "mine-1"
    assert len({"", first.headers["X-Seen"], second.headers["X-Seen"]}) == 3
