"""Pictures fetched by address: what comes, and what never reaches a machine within our network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.api.addresses import parse_network
from bot.api.errors import ApiError, Why
from bot.api.fetch import Fetcher
from bot.api.resolving import ThreadedNames
from inference.errors import BadPicture
from tests.fakes import cancelled, settle

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
MOST = 100_000
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"  # one stands for the internet, one for our network


class Names(AbstractResolver):
    """A name service: each name's addresses, one list for each time it is asked."""

    def __init__(self) -> None:
        self.known: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host in self.known:
            answers = self.known[host]
            return [_resolved(host, one, port) for one in answers.pop(0)]
        # as the system reads 127.1 and 2130706433; a name that is none is not looked up outside
        found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
        return [_resolved(host, str(where[0]), port) for _, _, _, _, where in found]

    async def close(self) -> None:
        pass


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


class Net:
    """Two servers on one port: one that may be reached, and one that never may."""

    def __init__(self) -> None:
        self.port = 0
        self.reached: list[str] = []  # inside
        self.requests: list[web.Request] = []  # outside
        self.names = Names()

    def url(self, path: str = "/a.jpg", host: str = OUTSIDE) -> str:
        return f"http://{host}:{self.port}{path}"

    def fetcher(self, hosts: Sequence[str] = ("*",), **values: Any) -> Fetcher:
        given = {"max_bytes": MOST, "ports": {80, 443, self.port}, "resolver": self.names}
        return Fetcher(hosts, [parse_network(f"{OUTSIDE}/32")], **(given | values))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        match request.path:
            case "/a.jpg":
                return web.Response(body=JPEG, content_type="text/plain")
            case "/page.jpg":
                return web.Response(text="<html>", content_type="image/jpeg")
            case "/empty":
                return web.Response(body=b"")
            case "/missing":
                return web.Response(status=404)
            case "/large":
                return web.Response(body=JPEG + bytes(MOST))
            case "/to":
                raise web.HTTPFound(request.query["url"])
            case "/loop":
                raise web.HTTPFound("/loop")
            case "/nowhere":
                return web.Response(status=302)
            case "/endless":
                return await self._pour(request)
            case _:
                await asyncio.Event().wait()
                raise AssertionError

    async def _pour(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(JPEG)
        while True:
            await response.write(bytes(10_000))


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    net = Net()

    async def inside(request: web.BaseRequest) -> web.Response:
        net.reached.append(request.path)
        return web.Response(body=JPEG)

    # in this order: nobody else has a port of the other address
    async with _server(inside, INSIDE, 0) as net.port, _server(net.answer, OUTSIDE, net.port):
        yield net


@asynccontextmanager
async def _server(handler: Callable[[Any], Any], host: str, port: int) -> AsyncIterator[int]:
    factory = web.Server(handler, handler_cancellation=True)
    server = await asyncio.get_running_loop().create_server(factory, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await factory.shutdown(1.0)


async def refused(fetcher: Fetcher, url: str) -> tuple[str, Why | None]:
    """The fault, and the reason in it."""
    with pytest.raises(ApiError) as caught:
        await fetcher.fetch(url, param="messages[0].content[1].image_url.url")
    assert caught.value.param == "messages[0].content[1].image_url.url"
    why = caught.value.values.get("why")
    return caught.value.fault, why if isinstance(why, Why) else None


async def test_a_picture_is_fetched_whatever_its_server_calls_it(net: Net) -> None:
    assert await net.fetcher().fetch(net.url()) == JPEG


async def test_nothing_of_ours_goes_out_with_the_request(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{INSIDE}:{net.port}")

    await net.fetcher().fetch(net.url())

    [request] = net.requests
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"] == "visionbot"
    assert not {"Cookie", "Authorization", "Referer"} & set(request.headers)
    assert net.reached == []


@pytest.mark.row(59)
async def test_without_hosts_nothing_is_fetched_and_the_remedy_is_named(net: Net) -> None:
    fault, _ = await refused(net.fetcher(()), net.url())

    assert fault == "api_fetch_off"
    assert net.requests == []


@pytest.mark.parametrize(
    ("hosts", "host", "allowed"),
    [
        (("img.example.org",), "img.example.org", True),
        (("img.example.org",), "IMG.example.org", True),
        (("img.example.org",), "img.example.org.", True),
        (("img.example.org",), "a.img.example.org", False),
        (("img.example.org",), "evil-img.example.org", False),
        (("img.example.org",), "img.example.org.evil.net", False),
        ((".example.org",), "a.b.example.org", True),
        ((".example.org",), "example.org", True),
        ((".example.org",), "badexample.org", False),
        (("xn--fiqs8s.example",), "中国.example", True),
        (("other.example", "*"), "anything.example", True),
    ],
)
async def test_only_hosts_that_the_operator_named_are_asked(
    net: Net, hosts: tuple[str, ...], host: str, allowed: bool
) -> None:
    wire_name = host.lower().encode("idna").decode()
    net.names.known[wire_name] = [[OUTSIDE]]
    net.names.known[wire_name.rstrip(".")] = [[OUTSIDE]]
    fetcher, url = net.fetcher(hosts), net.url(host=host)

    if allowed:
        assert await fetcher.fetch(url) == JPEG
    else:
        assert (await refused(fetcher, url))[0] == "api_fetch_host"
        assert net.requests == []


HOSTILE = (
    # loopback, however it is written
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/"),
    *("http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.1:{port}/"),
    *("http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://127.0.0.1.:{port}/"),
    *("http://0.0.0.0:{port}/", "http://0:{port}/", "http://[::]:{port}/", "http://[::1]:{port}/"),
    *("http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/"),
    *("http://[::127.0.0.1]:{port}/", "http://[64:ff9b::127.0.0.1]:{port}/"),
    *("http://[2002:7f00:1::]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/"),
    *("http://127。0。0。1:{port}/", "http://①②⑦.0.0.1:{port}/", "http://１２７.0.0.1:{port}/"),
    *("http://%31%32%37.0.0.1:{port}/", "http://127.0.0.1%2f@{outside}:{port}/"),
    # names that lead there
    *("http://inside.example:{port}/", "http://INSIDE.example:{port}/"),
    *("http://both-private.example:{port}/", "http://six.example:{port}/"),
    # networks of others
    *("http://10.0.0.1:{port}/", "http://192.168.0.1:{port}/", "http://172.16.0.1:{port}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/"),
    *("http://100.100.100.200/", "http://metadata.example/", "http://224.0.0.1:{port}/"),
    # users, ports, schemes
    *("http://{outside}:{port}@127.0.0.1:{port}/", "http://user@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}#@{outside}/", "http://127.0.0.1:{port}\\@{outside}:{port}/"),
    *("http://127.0.0.1:22/", "http://127.0.0.1:6379/", "http://{outside}:8080/", "http://a:0/"),
    *("http://a:99999/", "http://a:-1/", "http://a:http/"),
    *("file:///etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_GET"),
    *("dict://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/", "unix:///run/docker.sock"),
    *("//127.0.0.1:{port}/", "/etc/passwd", "127.0.0.1:{port}", "http:127.0.0.1", "", "http://"),
    *("http:///a", "http://[", "http://[::1", "http://a b/", "http://\x00/", "http://\r\nx: y/"),
    *("http://" + "a" * 300 + "/", "http://a/" + "a" * 3000, "http://\ud800/", "javascript:1"),
)


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.row(59)
async def test_no_hostile_address_reaches_a_machine_inside(net: Net, url: str) -> None:
    net.names.known |= {
        "inside.example": [[INSIDE]] * 2,
        "both-private.example": [["10.0.0.1", INSIDE]],
        "six.example": [["::1"]],
        "metadata.example": [["169.254.169.254"]],
        "localhost": [[INSIDE, "::1"]],
    }
    fetcher = net.fetcher(total_s=2.0)

    with pytest.raises((ApiError, BadPicture)):
        await fetcher.fetch(url.replace("{port}", str(net.port)).replace("{outside}", OUTSIDE))

    assert net.reached == []


def test_the_table_is_long_enough() -> None:
    assert len(set(HOSTILE)) >= 40


@pytest.mark.row(59)
async def test_a_name_that_changes_its_address_between_two_looks_gains_nothing(net: Net) -> None:
    """Rebinding: there is one look, at the address of the socket itself."""
    net.names.known["fickle.example"] = [[OUTSIDE], [INSIDE]]
    fetcher, url = net.fetcher(), net.url(host="fickle.example")

    first = await fetcher.fetch(url)
    second, _ = await refused(fetcher, url)

    assert (first, second) == (JPEG, "api_fetch_failed")
    assert net.reached == []


async def test_of_several_addresses_of_a_name_only_a_public_one_is_asked(net: Net) -> None:
    net.names.known["mixed.example"] = [[INSIDE, OUTSIDE]]

    assert await net.fetcher().fetch(net.url(host="mixed.example")) == JPEG
    assert net.reached == []


async def test_who_answers_within_our_network_cannot_be_found_out(net: Net) -> None:
    """A port open or shut, a name that exists or not: all alike."""
    net.names.known["inside.example"] = [[INSIDE]]
    fetcher = net.fetcher(ports={80, net.port, 1})
    urls = [
        net.url(host=INSIDE),
        f"http://{INSIDE}:1/",
        f"http://{OUTSIDE}:1/",
        net.url(host="inside.example"),
        net.url(host="no-such.example"),
    ]

    faults = [await refused(fetcher, url) for url in urls]

    assert set(map(str, faults)) == {str(("api_fetch_failed", Why("why_fetch_no_answer")))}


async def test_names_are_looked_up_by_the_system_and_looked_at_all_the_same(net: Net) -> None:
    """localhost needs no name service."""
    fetcher = net.fetcher(resolver=ThreadedNames())

    assert (await refused(fetcher, net.url(host="localhost")))[0] == "api_fetch_failed"
    assert net.reached == []
    own = Fetcher(["*"], [parse_network(f"{INSIDE}/32")], max_bytes=MOST, ports={net.port})
    assert await own.fetch(net.url(host="localhost")) == JPEG


async def test_three_redirects_are_followed_and_no_more(net: Net) -> None:
    once = net.url("/to?url=/a.jpg")
    twice = net.url(f"/to?url={once}")

    assert await net.fetcher().fetch(twice.replace("&", "%26")) == JPEG
    fault, why = await refused(net.fetcher(), net.url("/loop"))

    assert (fault, why) == ("api_fetch_failed", Why("why_fetch_redirects", {"limit": 3}))
    assert len(net.requests) == 3 + 4


@pytest.mark.parametrize(
    ("onwards", "fault"),
    [
        ("http://{inside}:{port}/", "api_fetch_failed"),
        ("//{inside}:{port}/", "api_fetch_failed"),
        ("http://user:password@{outside}:{port}/a.jpg", "api_fetch_address"),
        ("http://{outside}:8080/a.jpg", "api_fetch_address"),
        ("file:///etc/passwd", "api_fetch_address"),
        ("http://other.example:{port}/a.jpg", "api_fetch_host"),
    ],
)
@pytest.mark.row(59)
async def test_each_redirect_is_looked_at_like_the_first_address(
    net: Net, onwards: str, fault: str
) -> None:
    fetcher = net.fetcher((OUTSIDE, INSIDE))
    onwards = onwards.format(inside=INSIDE, outside=OUTSIDE, port=net.port)

    assert (await refused(fetcher, net.url(f"/to?url={onwards}")))[0] == fault
    assert net.reached == []


@pytest.mark.parametrize(
    ("path", "reason"), [("/page.jpg", "format"), ("/empty", "empty"), ("/large", "too_large")]
)
async def test_what_is_no_picture_or_too_large_is_said_as_of_any_photo(
    net: Net, path: str, reason: str
) -> None:
    with pytest.raises(BadPicture) as caught:
        await net.fetcher().fetch(net.url(path))

    assert caught.value.reason == reason


async def test_a_file_without_an_end_is_left_at_the_limit(net: Net) -> None:
    with pytest.raises(BadPicture) as caught:
        await net.fetcher().fetch(net.url("/endless"))

    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("path", ["/missing", "/nowhere"])
async def test_a_server_that_has_no_picture_is_named_with_what_it_said(net: Net, path: str) -> None:
    fault, why = await refused(net.fetcher(), net.url(path))

    assert fault == "api_fetch_failed"
    assert why is not None
    assert why.key in ("why_fetch_status", "why_fetch_redirects")


async def test_a_slow_server_is_left_after_the_time_for_all_of_it(net: Net) -> None:
    fault, why = await refused(net.fetcher(total_s=0.2), net.url("/slow"))

    assert (fault, why) == ("api_fetch_failed", Why("why_fetch_slow", {"limit": "0.2"}))


async def test_so_many_at_once_and_the_next_waits_for_its_turn(net: Net) -> None:
    fetcher = net.fetcher(at_once=2)
    slow = [asyncio.ensure_future(fetcher.fetch(net.url("/slow"))) for _ in range(3)]
    while len(net.requests) < 2:
        await settle()
    await settle()
    before = len(net.requests)

    await cancelled(slow[0])
    while len(net.requests) < 3:
        await settle()

    assert before == 2
    for task in slow[1:]:
        await cancelled(task)


async def test_every_reason_is_a_sentence_in_both_languages(net: Net) -> None:
    urls = [net.url("/missing"), net.url("/loop"), net.url(host=INSIDE), "ftp://a/"]
    for url in urls:
        with pytest.raises(ApiError) as caught:
            await net.fetcher(("*",)).fetch(url)

        assert "{" not in caught.value.said("en") + caught.value.said("zh")
