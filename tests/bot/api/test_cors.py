"""Pages of other sites: what their browsers are told, with and without being named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.bot.api.gatehouse import Gatehouse, a_gatehouse

APP = "https://app.example.org"
OTHERS = ("https://evil.example", "null", f"{APP}.evil.example", "http://app.example.org", "")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gatehouse]:
    async with a_gatehouse(tmp_path) as house:
        yield house


async def preflight(
    house: Gatehouse, origin: str, path: str = "/v1/chat/completions"
) -> tuple[int, Mapping[str, str]]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }
    async with (
        ClientSession() as client,
        client.options(house.url + path, headers=asked) as response,
    ):
        return response.status, response.headers.copy()


async def test_a_named_origin_may_send_a_key_and_read_the_answer(house: Gatehouse) -> None:
    token = await house.key(per_minute=9)

    async with house.open(cors_origins=(APP,)):
        status, allowed = await preflight(house, APP)
        answer = await house.ask(token, Origin=APP, Sec_Fetch_Site="cross-site")

    assert status == 204
    assert allowed["Access-Control-Allow-Origin"] == APP
    assert allowed["Access-Control-Allow-Methods"] == "GET, POST"
    assert "x-stainless-os" in allowed["Access-Control-Allow-Headers"]
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "X-RateLimit-Remaining-Requests" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.row(59)
async def test_cookies_are_never_allowed_and_caches_are_told_what_it_hangs_on(
    house: Gatehouse,
) -> None:
    async with house.open(cors_origins=(APP,)):
        answers = [
            (await preflight(house, APP))[1],
            (await house.ask(Origin=APP)).headers,
            (await house.ask()).headers,
        ]

    assert ["Access-Control-Allow-Credentials" in one for one in answers] == [False] * 3
    assert ["Origin" in one["Vary"] for one in answers] == [True] * 3


async def test_a_refusal_can_be_read_by_the_page_that_is_named(house: Gatehouse) -> None:
    async with house.open(cors_origins=(APP,)):
        answer = await house.ask("vb-wrong", Origin=APP)

    assert answer.status == 401
    assert answer.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.row(59)
async def test_nobody_else_is_allowed_anything(house: Gatehouse, origin: str) -> None:
    token = await house.key()

    async with house.open(cors_origins=(APP,)):
        status, allowed = await preflight(house, origin)
        answer = await house.ask(token, Origin=origin)

    assert status == 405
    assert not [name for name in allowed if name.startswith("Access-Control-")]
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.row(59)
async def test_without_named_origins_cors_is_off(house: Gatehouse) -> None:
    async with house.open():
        status, allowed = await preflight(house, APP)
        answer = await house.ask(Origin=APP)

    assert status == 405
    assert "Access-Control-Allow-Origin" not in allowed
    assert "Vary" not in answer.headers


async def test_outside_of_v1_no_other_site_may_do_anything(house: Gatehouse) -> None:
    async with house.open(cors_origins=(APP,)):
        status, allowed = await preflight(house, APP, "/health")

    assert status == 405
    assert "Access-Control-Allow-Origin" not in allowed
