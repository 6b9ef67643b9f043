"""Whatever is wrong with a request: status, code, field and words, in both languages."""

from __future__ import annotations

import asyncio
import base64
import json
from io import BytesIO

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.api.bodies import ChatBody, SimpleBody
from bot.api.errors import ApiError
from bot.api.messages import parse_messages
from bot.api.reading import parse_body
from bot.api.shaping import format_of, sampling_of, tools_of
from bot.worker import AnswersSection
from inference.errors import BadFormat, ContextTooLong, EngineDown, EngineFault
from tests.bot.api.serving import ASK, a_body, served

one_server = pytest.mark.asyncio(loop_scope="module")
HAN = range(0x4E00, 0xA000)
PHOTO = "data:image/png;base64," + base64.b64encode(b"photo").decode()
BROKEN = "data:image/png;base64," + base64.b64encode(b"bad").decode()


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """For what leaves nothing behind."""
    async with served(tmp_path_factory.mktemp("shared")) as api:
        yield api


def shown(address):
    return a_body([{"type": "image_url", "image_url": {"url": address}}])


def called(*ids, answered=(), arguments="{}"):
    """A talk in which these calls were made, and these answered."""
    function = {"name": "weather", "arguments": arguments}
    made = [{"id": id_, "type": "function", "function": function} for id_ in ids]
    results = [{"role": "tool", "tool_call_id": id_, "content": "x"} for id_ in answered]
    return {"messages": [{"role": "assistant", "tool_calls": made}, *results]}


TOOL = {"type": "function", "function": {"name": "weather"}}
SIGHT = "messages[0].content[0].image_url.url"
# What is sent, the status, the code, the field.
WRONG = {
    "not json": (b"{", 400, "invalid_json", None),
    "nothing": (b"", 400, "invalid_json", None),
    "a list": ([], 400, "invalid_json", None),
    "deep": (b"[" * 40_000, 400, "invalid_json", None),
    "deep objects": (b'{"a":' * 40_000, 400, "invalid_json", None),
    "5,000 digits": (b'{"seed": ' + b"9" * 5000 + b"}", 400, "invalid_json", None),
    "no number": (b'{"temperature": NaN}', 400, "invalid_json", None),
    "endless number": (b'{"temperature": 1e999}', 400, "invalid_json", None),
    "half a character": (b'{"user": "\\ud800"}', 400, "invalid_json", None),
    "a key twice": (b'{"n": 1, "n": 2}', 400, "invalid_json", None),
    "the last of many keys twice": (
        b"{" + b"".join(b'"k%d":1,' % n for n in range(40_000)) + b'"z":1,"z":1}',
        400,
        "invalid_json",
        None,
    ),
    "many numbers": (
        b'{"messages": [{"role": "user", "content": [' + b"1," * 60_000 + b"1]}]}",
        400,
        "invalid_json",
        None,
    ),
    "wrong parts": (
        a_body([1] * 999),
        400,
        "invalid_value",
        "messages[0].content[0]",
    ),
    "many parts": (
        a_body([{"type": "text", "text": "a"}] * 1001),
        400,
        "invalid_value",
        "messages[0].content",
    ),
    "not utf-8": (b'{"user": "\xff"}', 400, "invalid_json", None),
    "no messages": ({}, 400, "invalid_value", "messages"),
    "empty messages": ({"messages": []}, 400, "invalid_value", "messages"),
    "a role": ({"messages": [{"role": "x"}]}, 400, "invalid_value", "messages[0].role"),
    "no role": ({"messages": [{}]}, 400, "invalid_value", "messages[0].role"),
    "no content": (
        {"messages": [{"role": "user"}]},
        400,
        "invalid_value",
        "messages[0].content",
    ),
    "a part": (a_body([{"type": "x"}]), 400, "invalid_value", "messages[0].content[0].type"),
    "an address": (shown(5), 400, "invalid_value", SIGHT),
    "no address": (shown("photo.jpg"), 400, "invalid_value", SIGHT),
    "hot": (a_body(temperature=2.1), 400, "invalid_value", "temperature"),
    "cold": (a_body(temperature=-1), 400, "invalid_value", "temperature"),
    "text for a number": (a_body(temperature="1"), 400, "invalid_value", "temperature"),
    "top_p": (a_body(top_p=1.5), 400, "invalid_value", "top_p"),
    "too many answers": (a_body(n=5), 400, "invalid_value", "n"),
    "no answers": (a_body(n=0), 400, "invalid_value", "n"),
    "half an answer": (a_body(n=1.5), 400, "invalid_value", "n"),
    "no tokens": (a_body(max_tokens=0), 400, "invalid_value", "max_tokens"),
    "five stops": (a_body(stop=["a"] * 5), 400, "invalid_value", "stop"),
    "empty stop": (a_body(stop=""), 400, "invalid_value", "stop"),
    "seed": (a_body(seed=2**70), 400, "invalid_value", "seed"),
    "penalty": (a_body(presence_penalty=3), 400, "invalid_value", "presence_penalty"),
    "min_p": (a_body(min_p=2), 400, "invalid_value", "min_p"),
    "repetition": (a_body(repetition_penalty=0), 400, "invalid_value", "repetition_penalty"),
    "likelihoods": (a_body(top_logprobs=3), 400, "invalid_value", "top_logprobs"),
    "many likelihoods": (
        a_body(logprobs=True, top_logprobs=21),
        400,
        "invalid_value",
        "top_logprobs",
    ),
    "effort": (a_body(reasoning_effort="huge"), 400, "invalid_value", "reasoning_effort"),
    "format": (
        a_body(response_format={"type": "xml"}),
        400,
        "invalid_value",
        "response_format.type",
    ),
    "a choice without tools": (
        a_body(tool_choice="required"),
        400,
        "invalid_value",
        "tool_choice",
    ),
    "another tool": (
        a_body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}),
        400,
        "invalid_value",
        "tool_choice.function.name",
    ),
    "a tool twice": (
        a_body(tools=[TOOL, TOOL]),
        400,
        "invalid_value",
        "tools[1].function.name",
    ),
    "an unknown call": (
        {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
        400,
        "invalid_value",
        "messages[0].tool_call_id",
    ),
    "a call without result": (
        called("a", "b", answered=["a"]),
        400,
        "invalid_value",
        "messages[0].tool_calls[1].id",
    ),
    "a result twice": (
        called("a", answered=["a", "a"]),
        400,
        "invalid_value",
        "messages[2].tool_call_id",
    ),
    "a call twice": (called("a", "a"), 400, "invalid_value", "messages[0].tool_calls[1].id"),
    "model": (a_body(model="gpt-5"), 404, "model_not_found", "model"),
    "knowledge base": (
        a_body(knowledge_base_id="other"),
        404,
        "knowledge_base_not_found",
        "knowledge_base_id",
    ),
    "broken picture": (shown(BROKEN), 422, "invalid_image", SIGHT),
    "nine pictures": (
        a_body([{"type": "image_url", "image_url": {"url": PHOTO}}] * 9),
        400,
        "too_many_images",
        "messages",
    ),
    "endless text": (a_body("x" * 200_000), 400, "context_length_exceeded", "messages"),
    "long text": (a_body("x" * 5000), 400, "context_length_exceeded", "messages"),
}


@pytest.mark.parametrize(("sent", "status", "code", "field"), WRONG.values(), ids=WRONG)
@one_server
@pytest.mark.row(59)
async def test_what_is_wrong_is_named_in_both_languages(shared, sent, status, code, field):
    said = {}
    for language in ("zh-CN,zh;q=0.9,en;q=0.8", "en-US,en"):
        found, error = await shared.refused(sent, Accept_Language=language)
        assert (found, error["code"], error["param"]) == (status, code, field)
        said[language[:2]] = error["message"]

    assert any(ord(letter) in HAN for letter in said["zh"])
    assert not any(ord(letter) in HAN for letter in said["en"])
    assert shared.engine.requests == []


@pytest.mark.parametrize(
    "endless",
    [
        a_body("x" * 200_000),
        a_body(
            tools=[{"type": "function", "function": {"name": "a", "description": "x" * 200_000}}]
        ),
        called("a", answered=["a"], arguments=json.dumps({"a": "x" * 200_000})),
    ],
    ids=["words", "tools", "calls"],
)
async def test_what_is_far_too_long_is_not_even_measured(api, endless):
    """Which would keep the engine from all others for seconds."""
    status, error = await api.refused(endless)

    assert (status, error["code"]) == (400, "context_length_exceeded")
    assert api.engine.measured == []


async def test_broken_picture_of_a_simple_question_is_named(api):
    body = {"prompt": "what?", "image_url": BROKEN}

    status, error = await api.refused(body, path="/v1/chat")

    assert (status, error["code"], error["param"]) == (422, "invalid_image", "image_url")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ContextTooLong(9000, 8192), 400, "context_length_exceeded"),
        (BadFormat("the schema is no schema"), 400, "invalid_format"),
        (EngineFault("numbers"), 500, "engine_fault"),
        (EngineDown("gone"), 503, "engine_down"),
        (RuntimeError("boom"), 500, "internal_error"),
    ],
)
async def test_what_the_engine_says_has_its_status(api, fault, status, code):
    api.engine.faults["hi"] = [fault]

    found, error = await api.refused(a_body())

    assert (found, error["code"]) == (status, code)
    assert "boom" not in error["message"]
    assert await api.ledger() == [(0, 0, "settled")]


async def test_unknown_address_is_refused_in_the_same_shape(api):
    async with api.get("/v1/embeddings") as response:
        error = (await response.json())["error"]

    assert (response.status, error["code"]) == (404, "not_found")
    assert "/v1/embeddings" in error["message"]


async def test_wrong_method_names_the_right_one(api):
    async with api.get(ASK) as response:
        error = (await response.json())["error"]

    assert (response.status, error["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


@pytest.mark.row(59)
async def test_what_is_no_json_by_its_header_is_refused(api):
    status, error = await api.refused(a_body(), Content_Type="text/plain")

    assert (status, error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
async def test_body_beyond_the_limit_is_refused(tmp_path, told):
    async def pieces():
        for _ in range(20):
            yield b" " * 2**16

    async with served(tmp_path, api={"max_body_mb": 1}) as api:
        data = BytesIO(b" " * (2**20 + 1)) if told else pieces()
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        async with api.client.post(api.url(ASK), data=data, headers=headers) as response:
            error = (await response.json())["error"]

    assert (response.status, error["code"]) == (413, "request_too_large")
    assert "1 MB" in error["message"]


async def test_body_that_stops_coming_is_refused(api):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"POST {ASK} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 10\r\n\r\n{{".encode())

    answer = (await reader.readuntil(b"}}")).decode()

    writer.close()
    assert answer.startswith("HTTP/1.1 408 ")
    assert json.loads(answer.split("\r\n\r\n")[1])["error"]["code"] == "request_timeout"


async def test_full_line_tells_when_to_come_again(tmp_path):
    async with served(tmp_path, at_once=1, line={"max_waiting": 1}) as api:
        await api.ask("before")
        let_go = api.engine.hold("first")
        tasks = [asyncio.create_task(api.ask(question)) for question in ("first", "second")]
        await api.until(lambda: len(api.line))

        async with api.post(a_body("third")) as response:
            error = (await response.json())["error"]
        let_go.set()
        await asyncio.gather(*tasks)

    assert (response.status, error["code"]) == (429, "queue_full")
    assert int(response.headers["Retry-After"]) >= 1
    assert api.counts.questions == {("api", "answered"): 3, ("api", "queue_full"): 1}


async def test_one_key_cannot_fill_the_line(tmp_path):
    async with served(tmp_path, at_once=1, api={"max_at_once": 1}) as api:
        let_go = api.engine.hold("first")
        first = asyncio.create_task(api.ask("first"))
        await api.engine.until(lambda: api.engine.running)

        status, error = await api.refused(a_body("second"))
        let_go.set()
        await first

        assert (status, error["code"]) == (429, "too_many_requests_at_once")
        await api.ask("third")


async def test_who_waited_too_long_is_told_so(tmp_path):
    async with served(tmp_path, at_once=1, line={"max_wait_s": 1.0}) as api:
        let_go = api.engine.hold("first")
        first = asyncio.create_task(api.ask("first"))
        await api.engine.until(lambda: api.engine.running)

        async with api.post(a_body("second")) as response:
            error = (await response.json())["error"]
        waiting = len(api.line)
        let_go.set()
        await first

    assert (response.status, error["code"]) == (503, "queue_timeout")
    assert "Retry-After" in response.headers
    assert waiting == 0


@pytest.mark.parametrize("state", ["starting", "down"])
async def test_engine_that_is_not_there_is_503_at_once(api, state):
    api.engine.state = state

    async with api.post(a_body()) as response:
        error = (await response.json())["error"]

    assert (response.status, error["code"]) == (503, "engine_down")
    assert "Retry-After" in response.headers


async def test_program_that_starts_or_ends_answers_503(tmp_path):
    async with served(tmp_path, opened=False) as api:
        api.engine.state = "starting"
        starting, _ = await api.refused(a_body())
        api.engine.state = "up"
        api.api.open()
        await api.ask()
        await api.api.close(0)
        ending, _ = await api.refused(a_body())

    assert (starting, ending) == (503, 503)


async def test_used_up_quota_tells_the_limit(tmp_path):
    quota = {"guest": ["1 question/day"]}
    async with served(tmp_path, quota=quota) as api:
        await api.ask()

        status, error = await api.refused(a_body())

    assert (status, error["code"]) == (429, "insufficient_quota")
    assert error["type"] == "insufficient_quota"
    assert "1" in error["message"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en", "en"),
        ("zh", "zh"),
        ("fr, en;q=0.5, zh;q=0.7", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("", "zh"),
        ("de", "zh"),
        (";;;,q=1", "zh"),
    ],
)
@one_server
async def test_language_is_the_one_the_client_likes_best(shared, accepted, language):
    _, error = await shared.refused(b"{", Accept_Language=accepted)

    assert any(ord(letter) in HAN for letter in error["message"]) is (language == "zh")


def json_values():
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
    )


FIELDS = sorted(ChatBody.model_fields)


@given(
    body=st.dictionaries(st.sampled_from(FIELDS), json_values()),
    messages=st.none()
    | st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool", "system"])},
            optional={
                "content": st.text()
                | st.lists(
                    st.dictionaries(st.sampled_from(["type", "text", "image_url"]), json_values())
                ),
                "tool_calls": json_values(),
                "tool_call_id": st.text(),
            },
        ),
        max_size=4,
    ),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.row(59)
def test_no_body_is_too_strange(body, messages):
    if messages is not None:
        body = body | {"messages": messages}

    error = fault_of(json.dumps(body).encode(), ChatBody)

    assert error is None or (error.said("zh") and error.said("en"))


@given(raw=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
@pytest.mark.row(59)
def test_no_bytes_are_too_strange(raw):
    error = fault_of(raw, SimpleBody)

    assert error is None or error.fault in ("api_malformed", "api_wrong_field")


def fault_of(raw, model):
    """Of a body, all the way to what the engine is asked; None: there is none."""
    try:
        asked = asyncio.run(parse_body(raw, model))
        if isinstance(asked, ChatBody):
            parse_messages(asked.messages)
            sampling_of(asked, AnswersSection()), tools_of(asked), format_of(asked)
    except ApiError as error:
        return error
    return None
