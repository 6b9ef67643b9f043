"""An address that is none of ours: a page for browsers, JSON for all others."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from bot.api.nowhere import tell_of_unknown_addresses
from bot.api.refusals import refuse_in_openais_shape
from bot.api.server import Extras, serve_http
from bot.texts import say


@pytest.fixture
async def url():
    refuse = refuse_in_openais_shape("zh", max_body_mb=1)
    extras = Extras([tell_of_unknown_addresses("zh"), refuse])
    async with serve_http([], host="127.0.0.1", port=0, health=dict, extras=extras) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_browser_gets_a_page_in_its_language_that_loads_nothing(url, language):
    headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": language}

    async with ClientSession() as client, client.get(f"{url}/<b>", headers=headers) as response:
        body = await response.text()

    assert (response.status, response.content_type) == (404, "text/html")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; base-uri")
    assert f"<p>{say('address_unknown', language)}</p>" in body


async def test_script_gets_json_that_people_can_read(url):
    async with ClientSession() as client, client.get(f"{url}/nothing") as response:
        body = await response.text()

    assert (response.status, response.content_type) == (404, "application/json")
    assert say("address_unknown", "zh") in body


async def test_address_of_the_api_keeps_the_apis_own_answer(url):
    headers = {"Accept": "text/html"}

    async with ClientSession() as client, client.get(f"{url}/v1/x", headers=headers) as response:
        assert (await response.json())["error"]["code"] == "not_found"
