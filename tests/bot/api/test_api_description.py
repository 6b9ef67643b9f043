"""/openapi.json and /docs: they tell of every route, and nothing in them comes from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import jsonschema
import pytest

from bot.api.errors import FAULTS
from bot.api.openapi import OPERATIONS, render_openapi
from tests.bot.api.serving import a_body, served

ELSEWHERE = {"/metrics", "/health"}  # routes that other parts add


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path) as api:
        yield api


async def test_every_route_is_described_and_nothing_else(api):
    described = {(one.method, one.path) for one in OPERATIONS if one.path not in ELSEWHERE}

    routes = {(one.method.lower(), one.path.replace(":.+", "")) for one in api.api.routes()}

    assert routes == described


async def test_document_is_served(api):
    async with api.get("/openapi.json") as response:
        assert await response.json() == render_openapi()


def test_every_reference_leads_somewhere():
    document = render_openapi()

    names = re.findall(r"#/components/schemas/(\w+)", str(document))

    assert names
    assert set(names) <= set(document["components"]["schemas"])


async def test_answers_keep_to_their_schemas(api):
    document = render_openapi()
    cases = {
        "/v1/chat/completions": a_body(logprobs=True),
        "/v1/chat": {"prompt": "hi"},
    }

    for path, body in cases.items():
        async with api.post(body, path=path) as response:
            answer = await response.json()
        content = document["paths"][path]["post"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"] | {"components": document["components"]}
        jsonschema.validate(answer, schema)


@pytest.mark.parametrize(("language", "title"), [("zh", "接口说明"), ("en", "The API of")])
async def test_page_is_there_in_both_languages(api, language, title):
    async with api.get("/docs", Accept_Language=language) as response:
        page = await response.text()

    assert response.content_type == "text/html"
    assert title in page
    for fault in FAULTS.values():
        assert fault.code in page
    for operation in OPERATIONS:
        assert operation.path in page


async def test_page_loads_nothing_and_runs_nothing(api):
    async with api.get("/docs") as response:
        page = await response.text()

    look = Tags()
    look.feed(page)
    assert look.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base"})
    assert look.remote == []
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


async def test_page_cannot_be_made_to_say_what_a_client_sends(api):
    async with api.get("/docs?lang=<b>", Host="127.0.0.1<script>") as response:
        assert "<script" not in await response.text()


async def test_a_host_that_is_none_is_the_clients_fault(api):
    async with api.get("/docs", Host="a:99999") as response:
        assert response.status == 400


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), ("/readyz", 200)])
async def test_probes_answer(api, path, status):
    async with api.get(path) as response:
        assert response.status == status
        assert (await response.json())["status"] == "ok"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.remote = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.remote += [value for name, value in attrs if name in ("src", "href") and "//" in value]
