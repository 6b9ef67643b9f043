"""nginx with our template in front of the whole program: words at once, limits, who is believed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bench.scripted import ScriptedModel, answer, question
from tests.e2e.program import ROOT, Program
from tests.operations.proxy import FROM, Proxy, nginx, proxying

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

LENGTH = 600
CODE = "a code that is long enough"
MEGABYTE = 2**20


@dataclass(frozen=True)
class Site:
    """The program behind nginx, and a key for its API."""

    program: Program
    proxy: Proxy
    model: ScriptedModel
    key: str

    @asynccontextmanager
    async def client(self, host: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
        """One that comes from `host`."""
        connector = aiohttp.TCPConnector(ssl=self.proxy.tls, local_addr=(host, 0))
        jar = aiohttp.CookieJar(unsafe=True)  # also of an address without a name
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
            yield session

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} | more


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    nginx()  # before the rest is started in vain
    folder = tmp_path_factory.mktemp("nginx")
    async with ScriptedModel(at_once=8, length=LENGTH, pieces=12, pause_s=0.001) as model:
        program = Program(
            folder,
            ENGINE__KIND="remote",
            ENGINE__BASE_URL=model.url,
            WEB__ACCESS_CODE=CODE,
            WEB__TRUSTED_PROXIES=json.dumps([FROM]),
            API__REQUESTS_PER_MINUTE=0,
        )
        key = make_key(folder)
        await program.start()
        try:
            await ready(program)
            upstream = program.url.removeprefix("http://")
            async with proxying(folder, upstream) as proxy:
                yield Site(program, proxy, model, key)
        finally:
            await program.stop()
            await program.clean_up()


def make_key(folder: Path) -> str:
    settings = {"VISIONBOT_STORAGE__DATA_DIR": str(folder / "data")}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VISIONBOT_")}
    made = subprocess.run(
        [sys.executable, "-m", "bot", "admin", "keys", "create", "nginx"],
        cwd=ROOT,
        env=clean | settings,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    return made.stdout.split()[-1]


async def ready(program: Program) -> None:
    async with asyncio.timeout(50), aiohttp.ClientSession() as client:
        while program.is_running():
            with suppress(aiohttp.ClientError):
                async with client.get(f"{program.url}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)
    pytest.fail(f"the program ended\n{program.output()[-4000:]}")


def asked(number: int, *, stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": question(number)}]
    return {"model": "scripted", "messages": messages, "stream": stream}


async def test_an_answer_is_passed_on_while_it_is_written(site: Site) -> None:
    seen = ""
    site.model.goes_on.clear()
    async with (
        site.client() as client,
        client.post(
            f"{site.proxy.https}/v1/chat/completions",
            json=asked(1, stream=True),
            headers=site.headers(),
        ) as response,
    ):
        async for text in words(response):
            seen += text
            if len(seen) > LENGTH // 4 and not site.model.goes_on.is_set():
                half, writing = seen, site.model.answering
                site.model.goes_on.set()

    assert answer(1, LENGTH).startswith(half)
    assert len(half) < LENGTH
    assert writing == 1  # the model had not come to the end
    assert seen == answer(1, LENGTH)


async def words(response: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in response.content:
        data = line.decode().removeprefix("data: ").strip()
        if data and data != "[DONE]":
            for choice in json.loads(data)["choices"]:
                yield choice["delta"].get("content") or ""


async def test_the_page_and_its_news_come_through(site: Site) -> None:
    async with site.client() as client:
        client.headers["Origin"] = site.proxy.https
        async with client.get(f"{site.proxy.https}/") as page:
            shown = await page.text()
        async with client.post(f"{site.proxy.https}/api/sign-in", json={"code": CODE}) as signed_in:
            status, cookie = signed_in.status, signed_in.headers.get("Set-Cookie", "")
        async with client.get(f"{site.proxy.https}/api/events") as news:
            first = await news.content.readline()  # it never ends, so it was not held back

    assert "<title>" in shown
    assert status == 204
    assert "Secure" in cookie
    assert first.startswith((b"id:", b"event:", b"data:"))


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
async def test_who_watches_gets_the_bots_own_word(site: Site, path: str) -> None:
    async with site.client() as client, client.get(f"{site.proxy.https}{path}") as response:
        said = await response.json()

    assert response.status == 200
    assert said["status"] == "ok"


async def test_without_tls_there_is_only_the_way_to_it(site: Site) -> None:
    async with site.client() as client:
        async with client.get(f"{site.proxy.http}/livez") as live:
            pass
        async with client.get(f"{site.proxy.http}/v1/models", allow_redirects=False) as other:
            pass

    assert live.status == 200
    assert other.status == 308
    assert other.headers["Location"] == "https://127.0.0.1/v1/models"


async def test_the_numbers_about_everybody_stay_inside(site: Site) -> None:
    async with (
        site.client() as client,
        client.get(f"{site.proxy.https}/metrics", headers=site.headers()) as response,
    ):
        pass

    assert response.status == 404


@pytest.mark.parametrize(
    ("path", "megabytes"), [("/v1/chat/completions", 11), ("/api/ask", 51)], ids=["API", "page"]
)
@pytest.mark.parametrize(
    ("language", "said"), [("en", "Send a smaller photo"), ("zh-CN,zh", "请发送小一些的照片")]
)
async def test_what_is_too_large_is_refused_in_words_and_in_openais_shape(
    site: Site, path: str, megabytes: int, language: str, said: str
) -> None:
    async with (
        site.client() as client,
        client.post(
            f"{site.proxy.https}{path}",
            data=BytesIO(bytes(megabytes * MEGABYTE)),
            headers=site.headers(**{"Accept-Language": language}),
        ) as response,
    ):
        fault = (await response.json())["error"]

    assert response.status == 413
    assert said in fault["message"]
    assert (fault["type"], fault["code"]) == ("invalid_request_error", "request_too_large")


async def wrong_key(client: aiohttp.ClientSession, url: str, **headers: str) -> int:
    key = {"Authorization": f"Bearer vb-k_0123456789ab-{'A' * 43}"}
    async with client.get(f"{url}/v1/models", headers=key | headers) as response:
        return response.status


async def test_the_bot_believes_nginx_who_it_was(site: Site) -> None:
    async with site.client("127.0.0.3") as guessing, site.client("127.0.0.4") as other:
        tries = [await wrong_key(guessing, site.proxy.https) for _ in range(15)]
        first_of_other = await wrong_key(other, site.proxy.https)

    assert tries[0] == 401
    assert 429 in tries  # this address must wait
    assert first_of_other == 401


@pytest.mark.parametrize(
    "way",
    [lambda site: site.proxy.https, lambda site: site.program.url],
    ids=["through nginx", "past nginx"],
)
async def test_nobody_else_is_believed(site: Site, way: Callable[[Site], str]) -> None:
    host = f"127.0.0.{5 + (way(site) == site.program.url)}"
    async with site.client(host) as client:
        tries = [
            await wrong_key(client, way(site), **{"X-Forwarded-For": f"10.0.0.{number}"})
            for number in range(15)
        ]

    assert 429 in tries  # though each said that it came from somewhere else


async def test_an_address_that_asks_too_fast_is_told_to_wait(site: Site) -> None:
    async with site.client("127.0.0.7") as client:
        answers = await asyncio.gather(*(one_of_many(client, site) for _ in range(150)))

    refused = [fault for status, fault in answers if status == 429]
    assert refused
    assert all(fault["code"] == "rate_limit_exceeded" for fault in refused)


async def one_of_many(client: aiohttp.ClientSession, site: Site) -> tuple[int, dict[str, Any]]:
    async with client.get(f"{site.proxy.https}/v1/models", headers=site.headers()) as response:
        body = await response.json()
        assert response.status == 200 or response.headers["Retry-After"] == "5"
        return response.status, body.get("error", {})


async def test_while_the_bot_is_away_programs_are_told_when_to_come_again(tmp_path: Path) -> None:
    async with proxying(tmp_path, "127.0.0.1:1") as proxy:
        connector = aiohttp.TCPConnector(ssl=proxy.tls)
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get(f"{proxy.https}/v1/models") as response,
        ):
            fault = (await response.json())["error"]

    assert response.status == 503
    assert response.headers["Retry-After"] == "60"
    assert (fault["type"], fault["code"]) == ("server_error", "engine_down")
