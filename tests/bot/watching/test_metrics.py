"""What Prometheus reads: valid, without anybody in it, and not told to strangers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError

from bot.api.server import serve_http
from bot.watching.cards import Card, Cards
from bot.watching.metrics import MetricsSection, metrics_routes
from bot.watching.vitals import Doctor
from inference.service import Service
from tests.bot.flow import Flow
from tests.fakes import FakeDecoder, settle

TOKEN = "a-token-of-16-or-more"
A_CARD = Card(0, "NVIDIA H200", 150_000_000_000, 50_000_000_000, 0.5, 60.0, 300.0)
IN_PARTS = Card(1, "NVIDIA A30", 24_000_000_000, 1_000_000)
LABELS = {
    "door": r"test|other|api",
    "platform": r"test|other",
    "outcome": r"[a-z_]+",
    "kind": r"[a-z]+",
    "call": r"send|edit",
    "seen": r"new|again",
    "error": r"[a-z_]+",
    "method": r"[A-Z]+|other",
    "route": r"/[a-z/{}_]*|\(none\)",
    "status": r"\d{3}",
    "cache": r"picture|prefix|answer",
    "result": r"hit|miss|stale|decoded|kept|refused",
    "state": r"[a-z]+",
    "part": r"[a-z]+",
    "process": r"bot|children",
    "where": r"question|picture|answer",
    "action": r"block|mask|review",
    "category": r"[\w-]+",
    "version": r"[\w.]+",
    "gpu": r"\d",
    "name": r"NVIDIA \w+",
    "le": r"[\d.e+-]+|\+Inf",
}


@asynccontextmanager
async def served(
    flow: Flow,
    section: MetricsSection | None = None,
    *,
    host: str = "127.0.0.1",
    cards: tuple[Card, ...] = (),
) -> AsyncIterator[str]:
    """The address of /metrics beside a flow that has been started; `host`: what we say it is."""
    await settle()
    doctor = Doctor(
        flow.db,
        flow.inbox,
        flow.outbox,
        flow.line,
        Service(flow.engine, FakeDecoder()),
        flow.deliveries,
        flow.dispatcher.forgotten,
        cards=Cards(lambda: cards),
        clock=flow.wall.clock,
    )
    routes = metrics_routes(
        section or MetricsSection(),
        flow.counts,
        doctor.look,
        host=host,
        doors=["test", "other", "api"],
    )
    serving = serve_http(routes, host="127.0.0.1", port=0, health=dict, counts=flow.counts)
    async with serving as port:
        yield f"http://127.0.0.1:{port}/metrics"


async def read(url: str, **headers: str) -> tuple[int, str]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.get(url, headers=names) as answer:
        return answer.status, await answer.text()


def series(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return series(text)[f"visionbot_{name}", frozenset(labels.items())]


async def a_talk(flow: Flow) -> None:
    flow.platform.photos = {"photo-of-ann": b"photo"}
    await flow.start()
    await flow.say("my secret", chat="ann", person="ann-4711", photos=("photo-of-ann",))
    await flow.answered("ann")
    await flow.ended()


async def test_a_question_shows_in_every_figure_that_is_about_it(flow: Flow) -> None:
    await a_talk(flow)

    async with served(flow) as url:
        _, text = await read(url)

    assert value(text, "questions_total", door="test", outcome="answered") == 1
    assert value(text, "questions_total", door="api", outcome="answered") == 0
    for name in ("line_wait", "first_token", "first_text", "answer"):
        assert value(text, f"{name}_seconds_count", door="test") == 1
        assert value(text, f"{name}_seconds_bucket", door="test", le="+Inf") == 1
    assert value(text, "tokens_total", door="test", kind="completion") == 5
    assert value(text, "messages_total", platform="test", call="edit", kind="final") == 1
    assert value(text, "pictures_total", result="decoded") == 1
    assert value(text, "cache_lookups_total", cache="picture", result="miss") == 1
    assert value(text, "engine_up") == 1
    assert value(text, "line_waiting") == 0
    assert value(text, "line_capacity") == 64
    assert value(text, "lost_questions") == 0
    assert value(text, "tasks") > 1
    assert value(text, "memory_bytes", process="bot") > 1e6
    assert value(text, "open_files") > 3


async def test_both_formats_of_prometheus_can_be_read(flow: Flow) -> None:
    await a_talk(flow)

    async with served(flow, cards=(A_CARD,)) as url:
        _, plain = await read(url)
        _, opened = await read(url, Accept="application/openmetrics-text; version=1.0.0")

    assert opened.endswith("# EOF\n")
    names = {family.name for family in parse_open(opened)}
    assert names == {family.name for family in text_string_to_metric_families(plain)}
    assert all(name.startswith("visionbot_") for name in names)


async def test_every_series_has_a_text_that_explains_it(flow: Flow) -> None:
    await flow.start()

    async with served(flow, cards=(A_CARD,)) as url:
        _, text = await read(url)

    families = text_string_to_metric_families(text)
    assert [one.name for one in families if not re.match(r"[A-Z].{5,}", one.documentation)] == []


async def test_no_label_tells_of_a_person_a_chat_or_a_message(flow: Flow) -> None:
    await a_talk(flow)

    async with served(flow, cards=(A_CARD, IN_PARTS)) as url:
        await read(url.replace("/metrics", "/a/path/of/ann-4711?key=secret"))
        _, text = await read(url)

    wrong = [
        (name, label)
        for name, labels in series(text)
        for label in labels
        if not re.fullmatch(LABELS[label[0]], label[1])
    ]
    assert wrong == []
    assert not re.search("ann|secret|photo-of", text)


async def test_the_number_of_series_does_not_grow_with_people(flow: Flow) -> None:
    await flow.start()
    async with served(flow) as url:
        await flow.say("hello", chat="ann")
        await flow.answered("ann")
        await read(url)
        _, one = await read(url)
        for name in ("bob", "cid", "dan"):
            await flow.say("hello", chat=name)
            await flow.answered(name)
        _, four = await read(url)

    assert series(four).keys() == series(one).keys()


async def test_requests_are_counted_by_route_and_status(flow: Flow) -> None:
    await flow.start()

    async with served(flow) as url:
        await read(url)
        await read(url.replace("/metrics", "/nothing/here"))
        _, text = await read(url)

    assert value(text, "http_requests_total", method="GET", route="/metrics", status="200") == 1
    assert value(text, "http_requests_total", method="GET", route="(none)", status="404") == 1


async def test_an_entry_that_nobody_sees_to_is_lost_after_a_while(flow: Flow) -> None:
    await flow.start()
    await flow.say("hello")
    await flow.answered("ann")
    await flow.ended()
    async with flow.db.write() as connection:
        await connection.exec_driver_sql("UPDATE inbox SET state = 'waiting'")

    async with served(flow) as url:
        await flow.wall.advance(50.0)
        _, at_first = await read(url)
        await flow.wall.advance(50.0)
        _, later = await read(url)

    assert value(at_first, "lost_questions") == 0
    assert value(later, "lost_questions") == 1
    assert value(later, "inbox_open", state="waiting") == 1
    assert value(later, "inbox_oldest_seconds") == 100.0


async def test_what_waits_for_a_platform_that_is_off_is_not_lost(flow: Flow) -> None:
    await flow.start()
    await flow.say("hello", platform="elsewhere")

    async with served(flow) as url:
        await flow.wall.advance(100.0)
        _, text = await read(url)

    assert value(text, "lost_questions") == 0
    assert value(text, "inbox_oldest_seconds") == 0
    assert value(text, "inbox_open", state="new") == 1


async def test_cards_are_told_as_far_as_they_tell(flow: Flow) -> None:
    await flow.start()

    async with served(flow, cards=(A_CARD, IN_PARTS)) as url:
        _, text = await read(url)

    assert value(text, "gpu_busy_ratio", gpu="0") == 0.5
    assert value(text, "gpu_memory_used_bytes", gpu="1") == 1_000_000
    assert ("visionbot_gpu_busy_ratio", frozenset({("gpu", "1")})) not in series(text)


async def test_without_a_card_there_is_no_series_of_one(flow: Flow) -> None:
    await flow.start()

    async with served(flow) as url:
        _, text = await read(url)

    assert "gpu" not in text


@pytest.mark.parametrize(
    ("token", "host", "headers", "status"),
    [
        pytest.param("", "127.0.0.1", {}, 200, id="at home"),
        pytest.param("", "::1", {}, 200, id="at home by IPv6"),
        pytest.param("", "localhost", {}, 200, id="at home by name"),
        pytest.param("", "0.0.0.0", {}, 404, id="open to all without a token"),
        pytest.param("", "example.org", {}, 404, id="a name that may be anywhere"),
        pytest.param("", "127.0.0.1", {"X_Forwarded_For": "8.8.8.8"}, 404, id="by a proxy"),
        pytest.param("", "127.0.0.1", {"X_Real_IP": "8.8.8.8"}, 404, id="by another proxy"),
        pytest.param("", "127.0.0.1", {"Host": "evil.example"}, 404, id="by a name of others"),
        pytest.param(
            "", "127.0.0.1", {"Sec_Fetch_Site": "cross-site"}, 404, id="by a page of others"
        ),
        pytest.param(TOKEN, "0.0.0.0", {}, 401, id="no token shown"),
        pytest.param(TOKEN, "127.0.0.1", {}, 401, id="no token shown at home"),
        pytest.param(TOKEN, "0.0.0.0", {"Authorization": f"Bearer {TOKEN}x"}, 401, id="wrong"),
        pytest.param(TOKEN, "0.0.0.0", {"Authorization": "Bearer ü"}, 401, id="not ASCII"),
        pytest.param(TOKEN, "0.0.0.0", {"Authorization": TOKEN}, 401, id="no scheme"),
        pytest.param(TOKEN, "0.0.0.0", {"Authorization": f"Bearer {TOKEN}"}, 200, id="right"),
        pytest.param(
            TOKEN,
            "127.0.0.1",
            {"Authorization": f"Bearer {TOKEN}", "X_Forwarded_For": "8.8.8.8"},
            200,
            id="right, by a proxy",
        ),
    ],
)
async def test_figures_are_told_at_home_or_to_who_shows_the_token(
    flow: Flow, token: str, host: str, headers: dict[str, str], status: int
) -> None:
    await flow.start()

    async with served(flow, MetricsSection(token=SecretStr(token)), host=host) as url:
        given, text = await read(url, **headers)

    assert given == status
    assert ("visionbot" in text) == (status == 200)


async def test_switched_off_there_is_no_such_page(flow: Flow) -> None:
    await flow.start()

    async with served(flow, MetricsSection(enabled=False)) as url:
        status, _ = await read(url)

    assert status == 404


@pytest.mark.parametrize("token", ["short", "with spaces in between", "ünicode-is-no-header-text"])
def test_a_token_that_is_weak_or_fits_no_header_stops_the_start(token: str) -> None:
    with pytest.raises(ValidationError, match="16 to 256 printable"):
        MetricsSection(token=SecretStr(token))


async def test_the_start_is_the_same_moment_in_every_answer(flow: Flow) -> None:
    await flow.start()

    async with served(flow) as url:
        _, one = await read(url)
        await flow.wall.advance(5.0)
        _, other = await read(url)

    assert value(one, "start_time_seconds") == value(other, "start_time_seconds") == 1000.0
