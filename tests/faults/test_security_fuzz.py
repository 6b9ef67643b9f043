"""Row 59 of the fault matrix: requests, headers, updates of chats, commands and buttons of any
shape get an answer that their sender can read, or are passed over; none is an error of ours, and
none comes back to be tried again."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import Bot

from bot.event import Event
from bot.platforms.matrix import wire as matrix
from bot.platforms.telegram.receiver import Receiver
from bot.platforms.telegram.words import Account
from bot.rules import AccessSection, ServiceSection
from bot.storage.db import Database
from bot.storage.event_json import clean_event, dump_event, load_event
from bot.storage.inbox import Inbox
from handlers import COMMANDS, PRESSES, decide
from handlers.desk import Desk
from tests.bot.api.serving import ASK, Served, a_body, served
from tests.fakes import an_event
from tests.handlers.desks import a_desk

pytestmark = [pytest.mark.row(59), pytest.mark.asyncio(loop_scope="module")]

MANY = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
WIRE = Path(__file__).parents[1] / "wire"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("fuzz"), api={"requests_per_minute": 0}) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("desk")) as desk:
        access = AccessSection(owners=("test:owner",))
        desk.rules.change(access=access, service=ServiceSection(staff_chat="test:staff"))
        yield desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Inbox]:
    db = await Database.open(tmp_path_factory.mktemp("inbox"))
    yield Inbox(db)
    await db.close()


# Bodies of requests

# JSON as it is written, and what only looks like it.
ATOMS = st.sampled_from(
    [
        *('"text"', '"\\ud800"', '"\\u0000"', '"\\u202e"', '""', "null", "true", "[]", "{}"),
        *("0", "-1", "1.5", "1e999", "-1e-999", "NaN", "Infinity", "9" * 25, "9" * 5000, "007"),
        *("[" * 5000, '{"a":' * 5000, '"' + "x" * 9000 + '"', "'single'", "undefined", "", "\x00"),
        *('{"role":"user","role":"tool"}', '"data:image/png;base64,AAAA"', '"file:///etc/passwd"'),
    ]
)
FIELDS = st.sampled_from(
    [
        *("model", "messages", "n", "stream", "stop", "seed", "temperature", "max_tokens", "tools"),
        *("tool_choice", "response_format", "user", "logprobs", "top_logprobs", "stream_options"),
        *(
            "knowledge_base_id",
            "chat_template_kwargs",
            "thinking",
            "reasoning_effort",
            "unheard_of",
        ),
        *("__proto__", "constructor", "functions", "store", "metadata"),
    ]
)
MESSAGE = st.one_of(
    ATOMS,
    st.builds(
        '{{"role": {}, "content": {}}}'.format,
        st.sampled_from(['"user"', '"system"', '"assistant"', '"tool"', '"root"', "5"]),
        st.one_of(
            ATOMS,
            st.builds(
                '[{{"type": {}, "text": {}, "image_url": {}}}]'.format,
                st.sampled_from(['"text"', '"image_url"', '"file"', "null"]),
                ATOMS,
                ATOMS,
            ),
        ),
    ),
)
BODIES = st.builds(
    lambda pairs, message: (
        "{" + ",".join([f'"{name}": {value}' for name, value in pairs])
        + ("," if pairs else "") + f'"messages": [{message}]' + "}"
    ),
    st.lists(st.tuples(FIELDS, ATOMS), max_size=3),
    MESSAGE,
)  # fmt: skip


@MANY
@given(body=BODIES | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
async def test_row_59_no_body_is_an_error_of_ours(api: Served, body: str) -> None:
    async with api.post(body.encode("utf-8", "surrogatepass")) as response:
        said = await response.read()

    assert response.status == 200 or _is_openai_error(response.status, said), said[:200]


@pytest.mark.parametrize("path", [ASK, "/v1/chat", "/v1/models", "/v1/models/x", "/v1/unheard-of"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_row_59_no_way_to_ask_is_an_error_of_ours(
    api: Served, method: str, path: str
) -> None:
    async with api.client.request(method, api.url(path), json=a_body()) as response:
        said = await response.read()

    assert response.status in (200, 204) or _is_openai_error(response.status, said)


def _is_openai_error(status: int, said: bytes) -> bool:
    if not 400 <= status < 500:
        return False
    error = json.loads(said)["error"]
    return error.keys() == {"message", "type", "param", "code"} and bool(error["message"])


# Headers

HEADERS = st.sampled_from(
    [
        *("Authorization", "X-API-Key", "Idempotency-Key", "Accept-Language", "Content-Type"),
        *("X-Request-Id", "Origin", "Host", "Content-Encoding", "Cookie", "Accept", "Referer"),
        *("X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "Sec-Fetch-Site", "Expect"),
        *("If-None-Match", "Range", "Upgrade", "TE", "X-HTTP-Method-Override", "Content-Length"),
        *("Transfer-Encoding", "Connection"),
    ]
)
VALUES = st.one_of(
    st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n")),
    st.sampled_from(
        [
            *(b"", b"Bearer", b"Bearer ", b"Bearer \xff\xfe", "Bearer ключ".encode(), b"Basic ==="),
            *(
                b"Bearer vb-a-b",
                b"Bearer vb-" + b"a" * 5000,
                b"a" * 7000,
                b"text/plain;charset=\xff",
            ),
            *(b"http://evil.example", b"null", b"[::1", b"127.0.0.1:99999", b"gzip, br, x", b"-1"),
            *(b"application/json; charset=utf-7", b"for=" * 50, b"100-continue", b"chunked, gzip"),
            *(b"999999999999999999999", b"a=b; " * 300, b"*;q=9e99", b"websocket", b"bytes=9-1"),
        ]
    ),
)


@MANY
@given(lines=st.lists(st.tuples(HEADERS, VALUES), max_size=4), asked=st.booleans())
async def test_row_59_no_header_is_an_error_of_ours(
    api: Served, lines: list[tuple[str, bytes]], asked: bool
) -> None:
    body = json.dumps(a_body()).encode()
    head = f"POST {ASK} HTTP/1.1\r\n" if asked else "GET /v1/models HTTP/1.1\r\n"
    usual = [("Host", b"127.0.0.1"), ("Content-Type", b"application/json")]
    usual += [("Content-Length", str(len(body)).encode())] if asked else []
    given_names = {name for name, _ in lines}
    lines = [pair for pair in usual if pair[0] not in given_names] + lines
    sent = head.encode() + b"".join(
        name.encode() + b": " + value + b"\r\n" for name, value in lines
    )

    status = await _status(api.port, sent + b"\r\n" + (body if asked else b""))

    assert status == 0 or 100 <= status < 500  # 0: it was cut off, as with half a body


async def _status(port: int, sent: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        writer.write_eof()
        words = (await reader.readline()).split()
        return int(words[1]) if words else 0
    except ConnectionResetError:
        return 0
    finally:
        writer.transport.abort()


# Updates of chats

STRANGE: list[Any] = [  # Any: JSON
    *(None, True, 0, -1, 2**31, 2**63, 2**70, 1.5, 1e300, "", "x", "\ud800", "a\0b", "\u202e"),
    *("9" * 400, [], {}, [None], {"id": 1}, [{"type": "bot_command", "offset": -5, "length": 99}]),
    [{"type": "mention", "offset": 2**40, "length": 2**40}],
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of everything within a payload."""
    if isinstance(value, dict):
        inner = list(value.items())
    else:
        inner = list(enumerate(value)) if isinstance(value, list) else []
    found = [path] if path else []
    for key, one in inner:
        found += _places(one, (*path, key))
    return found


def _changed(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    payload = copy.deepcopy(payload)
    here = payload
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return payload


def _recorded(platform: str) -> list[Any]:
    files = sorted((WIRE / platform).glob("*.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


@pytest.mark.timeout(60)
async def test_row_59_no_update_of_telegram_comes_back_for_ever(inbox: Inbox) -> None:
    """Each value of each recorded update becomes something strange: it is committed or passed over.
    What could not be committed would be asked for again and again, and hold up everybody."""
    receiver = Receiver(Bot("1:x"), Account(424242, "vision_bot"), _only_new(inbox))
    strange = iter(STRANGE * 1000)
    for payload in _recorded("telegram"):
        for path in _places(payload):
            update = _changed(payload, path, next(strange))
            if isinstance(update, dict):
                await receiver.take(update, 1)


def _only_new(inbox: Inbox) -> Any:
    """A commit for each kind of event is enough: the disk is slow."""
    seen: set[str] = set()

    async def accept(event: Event) -> None:
        shape = repr((event.kind, type(event.at), len(event.message) > 20, event.at > 2**40))
        assert load_event(dump_event(event)) == clean_event(event)  # it can be read again
        odd = any(strange in repr(event) for strange in ("9" * 20, "\\x00", "\\ud8", "inf", "nan"))
        if odd or shape not in seen:
            seen.add(shape)
            await inbox.accept(event)

    return accept


async def test_row_59_no_event_of_matrix_is_worse_than_malformed() -> None:
    """The adapter passes over what raises one of these, and goes on."""
    room = matrix.Room("!room", "@visionbot:localhost", "Vision Bot", True, frozenset({"new"}))
    strange = iter(STRANGE * 1000)
    for payload in _recorded("matrix"):
        for path in _places(payload):
            event = _changed(payload, path, next(strange))
            try:
                matrix.parse_event(event, room, "Somebody")
            except (KeyError, TypeError, ValueError, AttributeError):
                continue


# Commands and buttons

WORDS = [
    *("", "9" * 22, "9" * 5000, "-1", "0", "٣", "²", "\0", "../../etc/passwd", "'; DROP TABLE x;"),
    *("%s%n{0}{}", "\u202e", "nan", "1e999", "[[", "*", "^a", "x" * 20_000, "find NEAR("),
    *("test:" + "9" * 30, "test:\0", "telegram:" + "9" * 18, "1 " + "9" * 25, 'find "a OR b*'),
    *("9" * 22 + " 5", "show " + "9" * 22, "list " + "9" * 5000, "forget ٣", "test:x 9999999d"),
    *("1 block 99999999999d", "me set 9e99 questions/day", "me give 99999999999999999999 tokens"),
    "show 1 " + "9" * 5000,
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("who", ["owner", "guest"])
async def test_row_59_no_words_make_a_command_or_button_fail(desk: Desk, who: str) -> None:
    """Else the message would be tried three times, and its sender read that something broke."""
    failed = []
    everybodys = [name for name, one in COMMANDS.items() if one.role == "guest"]
    commands = [*COMMANDS] if who == "owner" else everybodys  # others' are denied unread
    events = [
        an_event(f"{name}-{number}", f"/{name} {words}", chat=who)
        for name in commands
        for number, words in enumerate(WORDS)
    ]
    events += [
        an_event(f"{number}/{name}", f"{name} {words}", chat=who, kind="press", about="7")
        for name in PRESSES
        for number, words in enumerate(WORDS)
    ]
    for event in events:
        try:
            await decide(event, desk)
        except Exception as error:  # whatever it is: the test tells of all of them
            failed.append((event.kind, event.text[:50], repr(error)[:80]))

    assert failed == []
