"""A model behind an address, over real HTTP; the server is ours and fails as it is told."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.engine.remote import RemoteEngine, RemoteSettings
from inference.engine.server.client import Timings
from inference.errors import (
    BadFormat,
    ContextTooLong,
    EngineDown,
    EngineFault,
    InferenceError,
    ModelUnusable,
)
from inference.request import (
    CallPiece,
    ChatRequest,
    ChoiceFormat,
    Delta,
    JsonFormat,
    Likelihood,
    Picture,
    RegexFormat,
    Sampling,
    Tool,
    ToolCall,
    Tools,
    Turn,
    Usage,
)
from tests.inference.engine.model_server import (
    ModelServer,
    Reply,
    chunk,
    lists,
    recorded,
    refuses,
    says,
    the_end,
)

FAST = Timings(
    connect_s=5.0,
    first_token_s=10.0,
    between_tokens_s=10.0,
    after_end_s=1.0,
    look_every_s=0.02,
    start_look_every_s=0.02,
    first_pause_s=0.01,
    longest_pause_s=1.0,
)
SLOW_LOOKS = replace(FAST, look_every_s=60.0, start_look_every_s=60.0)
SECRETS = ("secret words", "k3y")


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    server = ModelServer()
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def an_engine(
    server: ModelServer, timings: Timings = SLOW_LOOKS, **changes: Any
) -> AsyncIterator[RemoteEngine]:
    settings = RemoteSettings(server.url, **{"timings": timings} | changes)
    engine = RemoteEngine(settings)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def asks(text: str = "secret words", **changes: Any) -> ChatRequest:
    return ChatRequest((Turn("user", text),), **changes)


async def answered(engine: RemoteEngine, request: ChatRequest | None = None) -> Delta:
    whole = Delta()
    async with aclosing(engine.stream(request or asks())) as deltas:
        async for delta in deltas:
            whole += delta
    return whole


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110  the engine rings no bell for its stats
        await asyncio.sleep(0.01)


@pytest.fixture
def sent(server: ModelServer) -> Callable[[ChatRequest], Awaitable[dict[str, Any]]]:
    """The body of one question as the server reads it."""

    async def sent(request: ChatRequest) -> dict[str, Any]:
        async with an_engine(server) as engine:
            await answered(engine, request)
        return server.bodies[-1]

    return sent


RED = "红".encode()
CITY = '{"city": "Oslo"}'
RECORDED = {
    "vllm_text": Delta("圆形是红色的。", "stop", Usage(1421, 5, 1408)),
    "vllm_thinking": Delta("A circle", "length", Usage(40, 6), "The shape is round."),
    "vllm_thinking_before_2026": Delta("A circle", "stop", Usage(40, 6), "The shape is round."),
    "vllm_tools": Delta(
        "Looking. ",
        "tool_calls",
        Usage(210, 31),
        calls=(
            CallPiece(0, "chatcmpl-tool-1a2b", "weather", CITY),
            CallPiece(1, "chatcmpl-tool-3c4d", "clock", "{}"),
        ),
    ),
    "vllm_named_tool": Delta(
        "", "tool_calls", Usage(100, 3), calls=(CallPiece(0, "chatcmpl-tool-9z", "clock", "{}"),)
    ),
    "vllm_logprobs": Delta(
        "红",
        "stop",
        Usage(12, 2),
        likelihoods=(
            Likelihood("红", RED, -0.25, (("红", RED, -0.25), ("蓝", "蓝".encode(), -1.5))),
            Likelihood("\ufffd", b"\xe7\xba", -2.0),
        ),
    ),
    "sglang_text": Delta("A red circle.", "stop", Usage(88, 5, 64)),
    "sglang_tools": Delta(
        "",
        "tool_calls",
        Usage(120, 14),
        "Needs the weather.",
        (CallPiece(0, "call_1f", "weather", CITY),),
    ),
    "transformers_text": Delta("你好！", "stop", Usage(13, 4)),
}


@pytest.mark.parametrize(("name", "expected"), RECORDED.items(), ids=RECORDED)
async def test_an_answer_is_read_as_each_server_writes_it(
    server: ModelServer, name: str, expected: Delta
) -> None:
    server.replies.append(recorded(name))

    async with an_engine(server) as engine:
        actual = await answered(engine)

    assert actual == expected


async def test_pieces_come_as_they_are_written_and_the_last_one_says_how_it_ended(
    server: ModelServer,
) -> None:
    server.replies.append(Reply([chunk("a"), b": keep-alive\n\n", chunk("b"), the_end("length")]))

    async with an_engine(server) as engine:
        deltas = [delta async for delta in engine.stream(asks())]

    assert deltas == [Delta("a"), Delta("b"), Delta(finish="length", usage=Usage(7, 2))]


async def test_a_word_that_nobody_knows_ends_an_answer_as_stop(server: ModelServer) -> None:
    server.replies.append(Reply([chunk("a"), the_end("content_filter")]))

    async with an_engine(server) as engine:
        assert (await answered(engine)).finish == "stop"


async def test_an_answer_whose_usage_is_lost_is_whole(server: ModelServer) -> None:
    end = the_end().split(b"\n\n")[0] + b"\n\n"
    server.replies.append(Reply([chunk("a"), end], "cut"))

    async with an_engine(server) as engine:
        assert await answered(engine) == Delta("a", "stop")


async def test_settings_at_their_defaults_are_left_out(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
) -> None:
    body = await sent(ChatRequest((Turn("system", "be kind"), Turn("user", "hi"))))

    assert body == {
        "model": "glm",
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
        "max_tokens": 512,
        "temperature": 0.0,
        "top_p": 1.0,
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
        ],
    }


async def test_every_other_setting_is_sent(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
) -> None:
    sampling = Sampling(9, 0.5, 0.9, 7, 0.1, 1.2, 0.3, 0.4, 11, ("END",), 2)

    body = await sent(asks(sampling=sampling, thinking=True))

    body = {name: body[name] for name in body if name not in ("model", "messages")}
    assert body == {
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": True},
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "min_p": 0.1,
        "repetition_penalty": 1.2,
        "presence_penalty": 0.3,
        "frequency_penalty": 0.4,
        "seed": 11,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 2,
    }


async def test_pictures_arrive_pixel_by_pixel_before_their_turns_text(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]], paint: Callable[..., Picture]
) -> None:
    first, second, third = paint(1), paint(2, 31, 200), paint(3)
    turns = (
        Turn("user", "these?", (first, second)),
        Turn("assistant", "two"),
        Turn("user", "", (third,)),
    )

    body = await sent(ChatRequest(turns))

    asked, _, again = (message["content"] for message in body["messages"])
    assert [part["type"] for part in asked] == ["image_url", "image_url", "text"]
    assert [seen(part) for part in asked[:2]] == [first, second]
    assert asked[2]["text"] == "these?"
    assert [seen(part) for part in again] == [third]


def seen(part: dict[str, Any]) -> Picture:
    head, _, data = part["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return Picture(image.width, image.height, image.tobytes())


async def test_a_body_of_many_megabytes_arrives(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
) -> None:
    noise = Picture(1024, 1024, bytes(range(256)) * (3 * 1024 * 4))

    body = await sent(ChatRequest((Turn("user", "x" * 3_000_000, (noise,) * 3),)))

    assert [seen(part) for part in body["messages"][0]["content"][:3]] == [noise] * 3


async def test_tools_their_calls_and_their_results_are_sent(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = Tools((Tool("weather", "of a city", json.dumps(schema)),), "required", parallel=False)
    calls = (ToolCall("1", "weather", CITY), ToolCall("2", "weather", "{}"))
    turns = (
        Turn("user", "hi"),
        Turn("assistant", "", calls=calls),
        Turn("tool", "rain"),
        Turn("tool", "sun"),
    )

    body = await sent(ChatRequest(turns, tools=tools))

    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "of a city", "parameters": schema},
        }
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": "weather", "arguments": call.arguments},
                }
                for call in calls
            ],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "1"},
        {"role": "tool", "content": "sun", "tool_call_id": "2"},
    ]


async def test_nothing_that_people_wrote_holds_a_mark_of_a_control_token(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]], paint: Callable[..., Picture]
) -> None:
    mark = "a<|user|>b"
    tool = Tool(mark, mark, json.dumps({"properties": {mark: {"enum": [mark]}}}))
    hidden = r'{"a": "\u003c|user|>"}'
    turns = (
        Turn("system", mark),
        Turn("user", mark),
        Turn("user", mark, (paint(1),)),
        Turn("assistant", mark, calls=(ToolCall("1", mark, hidden),)),
        Turn("tool", mark),
    )

    body = await sent(ChatRequest(turns, tools=Tools((tool,), "required", mark)))

    shown = json.dumps(body, ensure_ascii=False)
    assert "<|user|>" not in shown
    assert body["messages"][1]["content"] == "a<\u2060|user|>b"
    assert shown.count("<\u2060|user|>b") == 11
    assert body["messages"][3]["tool_calls"][0]["function"]["arguments"] == (
        '{"a": "<\u2060|user|>"}'
    )


async def test_a_model_that_repeats_what_was_made_harmless_writes_what_people_wrote(
    server: ModelServer,
) -> None:
    server.replies.append(says("it is <", "\u2060think>"))

    async with an_engine(server) as engine:
        assert (await answered(engine)).text == "it is <think>"


async def test_where_an_answer_ends_is_asked_for_as_it_was_said(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
) -> None:
    body = await sent(asks(sampling=Sampling(stop=("</think>",)), format=ChoiceFormat(("<sop>",))))

    assert (body["stop"], body["structured_outputs"]) == (["</think>"], {"choice": ["<sop>"]})


CHOICES = {
    "auto": (Tools((Tool("f"),)), None),
    "none": (Tools((Tool("f"),), "none"), "none"),
    "one": (Tools((Tool("f"),), "required", "f"), {"type": "function", "function": {"name": "f"}}),
    "no tools": (Tools((), "required"), None),
}


@pytest.mark.parametrize(("tools", "expected"), CHOICES.values(), ids=CHOICES)
async def test_which_tool_may_be_called_is_said_where_it_is_not_the_default(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]], tools: Tools, expected: object
) -> None:
    assert (await sent(asks(tools=tools))).get("tool_choice") == expected


FORMATS = {
    "object": (JsonFormat(), {"response_format": {"type": "json_object"}}),
    "schema": (
        JsonFormat('{"type": "object"}'),
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object"}},
            }
        },
    ),
    "regex": (RegexFormat("a+"), {"structured_outputs": {"regex": "a+"}, "regex": "a+"}),
    "choice": (
        ChoiceFormat(("yes.", "no")),
        {"structured_outputs": {"choice": ["yes.", "no"]}, "regex": r"(yes\.|no)"},
    ),
}


@pytest.mark.parametrize(("wanted", "expected"), FORMATS.values(), ids=FORMATS)
async def test_formats_are_asked_for_as_the_servers_document_them(
    sent: Callable[[ChatRequest], Awaitable[dict[str, Any]]],
    wanted: Any,
    expected: dict[str, object],
) -> None:
    body = await sent(asks(format=wanted))

    names = ("response_format", "structured_outputs", "regex")
    assert {name: body[name] for name in names if name in body} == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"format": JsonFormat("{")},
        {"format": JsonFormat("[]")},
        {"tools": Tools((Tool("f", "", "x"),))},
    ],
    ids=["no JSON", "no object", "tool"],
)
async def test_a_schema_that_is_none_is_refused_before_anything_is_sent(
    server: ModelServer, changes: dict[str, Any]
) -> None:
    async with an_engine(server) as engine:
        with pytest.raises(BadFormat):
            await answered(engine, asks(**changes))

    assert server.bodies == []


async def test_nobody_is_named_to_the_server(server: ModelServer) -> None:
    people = [asks(person="ann", tenant=tenant) for tenant in ("", "one", "two", "one")]

    async with an_engine(server) as engine:
        for request in people:
            await answered(engine, request)

    none, one, two, again = (body.get("cache_salt") for body in server.bodies)
    assert (none, one) == (None, again)
    assert len({one, two}) == 2
    assert not any(name in json.dumps(server.bodies) for name in ("ann", "one", "two"))


async def test_people_who_shall_not_share_prompts_have_salts_of_their_own(
    server: ModelServer,
) -> None:
    async with an_engine(server, share_prefixes="person") as engine:
        await answered(engine, asks(person="ann"))
        await answered(engine, asks(person="bob"))

    ann, bob = (body["cache_salt"] for body in server.bodies)
    assert ann != bob


async def test_the_key_is_sent_and_never_written(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.key = "k3y"
    caplog.set_level(logging.DEBUG)

    async with an_engine(server, api_key="k3y") as engine:
        actual = await answered(engine)

    assert actual.text == "hello world"
    assert "k3y" not in caplog.text + repr(RemoteSettings(server.url, api_key="k3y"))


async def test_passwords_of_the_users_netrc_are_sent_to_no_model(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password k3y\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with an_engine(server) as engine:  # this server takes no authorization
        assert (await answered(engine)).text == "hello world"


async def test_the_environments_proxy_is_gone_through(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    engine = RemoteEngine(RemoteSettings("http://model.invalid/v1", timings=SLOW_LOOKS))
    await engine.start()

    actual = await answered(engine)

    await engine.close()
    assert actual.text == "hello world"


async def test_hosts_that_need_no_proxy_are_asked_themselves(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    async with an_engine(server) as engine:
        assert (await answered(engine)).text == "hello world"


@pytest.mark.parametrize(
    "address", ["http://[::1/v1", "http://ann:word@127.0.0.1:1/v1"], ids=["no host", "credentials"]
)
async def test_an_address_that_cannot_be_used_stops_the_start(address: str) -> None:
    engine = RemoteEngine(RemoteSettings(address, api_key="k3y", timings=FAST))

    with pytest.raises(ModelUnusable, match="base_url"):
        await engine.start()

    await engine.close()


async def test_an_answer_is_cut_to_what_the_context_has_left(
    server: ModelServer,
) -> None:
    async with an_engine(server, max_context_tokens=1000) as engine:
        await answered(engine, asks("字" * 600, sampling=Sampling(900)))
        await answered(engine, asks("字" * 2000, sampling=Sampling(900)))
        await answered(engine, asks("字", sampling=Sampling(90)))

    assert [body["max_tokens"] for body in server.bodies] == [392, 250, 90]


CONTEXTS = {
    "the server's": ({"id": "m", "max_model_len": 1024}, 1024),
    "ours": ({"id": "m", "max_model_len": 131_072}, 8192),
    "by another name": ({"id": "m", "context_length": 2048}, 2048),
    "unknown": ({"id": "m"}, 8192),
    "nonsense": ({"id": "m", "max_model_len": None}, 8192),
}


@pytest.mark.parametrize(("card", "expected"), CONTEXTS.values(), ids=CONTEXTS)
async def test_the_smaller_context_holds(
    server: ModelServer, card: dict[str, object], expected: int
) -> None:
    server.models = lists(card)

    async with an_engine(server) as engine:
        assert (engine.stats().model, engine.stats().context_tokens) == ("m", expected)


async def test_closing_an_answer_closes_its_connection(server: ModelServer) -> None:
    server.replies.append(Reply([chunk("a")], "hang"))

    async with an_engine(server) as engine:
        async with aclosing(engine.stream(asks())) as deltas:
            assert await anext(deltas) == Delta("a")
            assert engine.stats().running == 1
        await server.until(lambda: server.left)

        assert engine.stats().running == 0


async def test_closing_the_engine_ends_its_answers(server: ModelServer) -> None:
    server.replies.append(Reply([chunk("a")], "hang"))

    async with an_engine(server) as engine, aclosing(engine.stream(asks())) as deltas:
        await anext(deltas)
        await engine.close()

        with pytest.raises(EngineDown):
            await anext(deltas)
        assert engine.stats().state == "down"


async def test_an_engine_that_was_closed_answers_nothing(server: ModelServer) -> None:
    async with an_engine(server) as engine:
        await engine.close()

        with pytest.raises(EngineDown):
            await answered(engine)


PASSING = {
    "too many": [refuses(429, {"error": {"message": "slow down"}}, Retry_After="0")],
    "bad gateway": [refuses(502)],
    "starting": [refuses(503, Retry_After="0.01"), refuses(503)],
    "gateway timeout": [refuses(504)],
    "reset": [Reply((), "cut")],
    "cut before the first token": [Reply([b": wait\n\n"], "cut")],
    "only a role": [Reply([chunk("")], "cut")],
    "ended before it began": [Reply([chunk("")])],
    "overloaded": [Reply([b'data: {"error": {"message": "full", "code": 503}}\n\n'])],
}


@pytest.mark.parametrize("replies", PASSING.values(), ids=PASSING)
async def test_a_question_is_sent_again_until_its_first_token(
    server: ModelServer, replies: list[Reply]
) -> None:
    server.replies.extend(replies)

    async with an_engine(server, FAST) as engine:
        actual = await answered(engine)

    assert actual.text == "hello world"
    assert len(server.bodies) == len(replies) + 1


async def test_a_server_that_always_refuses_is_asked_four_times(server: ModelServer) -> None:
    server.replies.extend([refuses(503)] * 9)

    async with an_engine(server, FAST) as engine:
        with pytest.raises(EngineDown):
            await answered(engine)

    assert len(server.bodies) == 4


async def test_who_shall_wait_longer_than_is_bearable_is_told_at_once(
    server: ModelServer,
) -> None:
    server.replies.append(refuses(429, Retry_After="5"))

    async with an_engine(server, FAST) as engine:
        with pytest.raises(EngineDown):
            await answered(engine)

    assert len(server.bodies) == 1


BROKEN: dict[str, tuple[Reply, type[InferenceError]]] = {
    "cut": (Reply([chunk("a")], "cut"), EngineDown),
    "ended without an end": (Reply([chunk("a")]), EngineDown),
    "an engine that died": (recorded("vllm_dead"), EngineDown),
    "given up": (recorded("sglang_aborted"), EngineDown),
    "an error": (recorded("vllm_error"), EngineFault),
    "an error without escapes": (recorded("transformers_error"), EngineFault),
    "no JSON": (Reply([chunk("a"), b"data: <html>\n\n"]), EngineFault),
    "no object": (Reply([chunk("a"), b"data: [1]\n\n"]), EngineFault),
    "no choice": (Reply([chunk("a"), b'data: {"choices": [5]}\n\n']), EngineFault),
    "endless": (Reply([chunk("a"), b"data: " + b"x" * (9 << 20)]), EngineFault),
}


@pytest.mark.parametrize(("reply", "expected"), BROKEN.values(), ids=BROKEN)
async def test_what_breaks_after_the_first_token_is_not_sent_again(
    server: ModelServer, reply: Reply, expected: type[InferenceError]
) -> None:
    server.replies.append(reply)

    async with an_engine(server, FAST) as engine:
        deltas = engine.stream(asks())
        first = await anext(deltas)
        with pytest.raises(expected) as caught:
            [delta async for delta in deltas]

    assert first.text
    assert type(caught.value) is expected
    assert len(server.bodies) == 1
    assert not any(secret in str(caught.value) for secret in SECRETS)


VLLM = "This model's maximum context length is 2048 tokens. However, you requested 3100 tokens"
REFUSED: dict[str, tuple[Reply, type[InferenceError]]] = {
    "too long": (refuses(400, {"error": {"message": VLLM, "code": 400}}), ContextTooLong),
    "a bad question": (refuses(400, {"error": {"message": "secret words"}}), EngineFault),
    "unknown fields": (refuses(422, {"detail": "Unexpected: secret words"}), EngineFault),
    "no such key": (refuses(401, {"error": "k3y"}), EngineFault),
    "no such model": (refuses(404, {"error": {"type": "NotFoundError"}}), EngineFault),
    "too large": (refuses(413, "secret words"), EngineFault),
    "a fault": (refuses(500, "Internal Server Error: secret words"), EngineFault),
    "moved": (refuses(307, "", Location="http://127.0.0.1:1/"), EngineFault),
}


@pytest.mark.parametrize(("reply", "expected"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_called_by_its_name_and_quotes_nobody(
    server: ModelServer, reply: Reply, expected: type[InferenceError]
) -> None:
    server.replies.append(reply)

    async with an_engine(server, FAST) as engine:
        with pytest.raises(expected) as caught:
            await answered(engine)

    assert type(caught.value) is expected
    assert len(server.bodies) == 1
    assert not any(secret in str(caught.value) for secret in SECRETS)


async def test_a_format_that_the_server_refuses_is_a_bad_format(server: ModelServer) -> None:
    server.replies.append(refuses(400, {"error": {"message": "the regex is not supported"}}))

    async with an_engine(server) as engine:
        with pytest.raises(BadFormat, match="the regex is not supported"):
            await answered(engine, asks(format=RegexFormat("(")))


async def test_a_server_that_never_begins_is_given_up(server: ModelServer) -> None:
    server.replies.append(Reply([b": wait\n\n"], "hang"))

    async with an_engine(server, replace(FAST, first_token_s=0.05)) as engine:
        with pytest.raises(EngineDown, match="in time"):
            await answered(engine)
        await server.until(lambda: server.left)

    assert len(server.bodies) == 1


async def test_a_server_that_falls_silent_is_given_up(server: ModelServer) -> None:
    server.replies.append(Reply([chunk("a")], "hang"))

    async with an_engine(server, replace(FAST, between_tokens_s=0.05)) as engine:
        with pytest.raises(EngineDown, match="in time"):
            await answered(engine)


async def test_a_reader_that_takes_its_time_loses_nothing(server: ModelServer) -> None:
    server.replies.append(Reply([chunk("a"), chunk("b"), the_end()]))

    async with an_engine(server, replace(FAST, between_tokens_s=0.05)) as engine:
        texts = []
        async for delta in engine.stream(asks()):
            texts.append(delta.text)
            await asyncio.sleep(0.06)  # longer than the server may

    assert "".join(texts) == "ab"


async def test_no_more_questions_than_allowed_are_sent_at_once(server: ModelServer) -> None:
    server.replies.extend([Reply([chunk("a")], "hang"), says("b")])

    async with an_engine(server, max_sequences=1) as engine:
        async with aclosing(engine.stream(asks())) as first:
            await anext(first)
            second = asyncio.create_task(answered(engine))
            await until(lambda: engine.stats().waiting)
            sent_meanwhile = len(server.bodies)

        assert (await second).text == "b"

    assert sent_meanwhile == 1


async def test_who_looks_at_the_end_of_an_answer_may_ask_meanwhile(server: ModelServer) -> None:
    server.replies.extend([says("a"), says("b")])

    async with (
        an_engine(server, max_sequences=1) as engine,
        aclosing(engine.stream(asks())) as first,
    ):
        while (await anext(first)).finish is None:
            pass
        second = await answered(engine)

    assert second.text == "b"


async def test_what_was_answered_is_counted(server: ModelServer) -> None:
    server.replies.extend([recorded("vllm_text"), recorded("sglang_text")])

    async with an_engine(server) as engine:
        await answered(engine)
        await answered(engine)
        stats = engine.stats()

    tokens = (stats.prompt_tokens, stats.cached_tokens, stats.completion_tokens)
    assert tokens == (1421 + 88, 1408 + 64, 10)
    assert stats.tokens_per_s > 0
    assert (stats.state, stats.restarts, stats.running) == ("up", 0, 0)


async def test_a_server_that_goes_and_comes_back_is_noticed(server: ModelServer) -> None:
    async with an_engine(server, FAST) as engine:
        await server.stop()
        await until(lambda: not engine.stats().up)
        assert engine.stats().state == "restarting"
        with pytest.raises(EngineDown):
            await answered(engine)

        server.models = lists({"id": "glm-2"})
        await server.start()
        await until(lambda: engine.stats().up)

        assert (engine.stats().restarts, engine.stats().model) == (1, "glm-2")
        assert (await answered(engine)).text == "hello world"


async def test_a_server_that_dies_over_an_answer_counts_as_restarted(server: ModelServer) -> None:
    """So that the worker does not ask a deadly question for ever."""
    server.replies.append(Reply([chunk("a")], "cut"))

    async with an_engine(server) as engine:
        with pytest.raises(EngineDown):
            await answered(engine)
        lost = engine.stats().state
        await answered(engine)

        assert (lost, engine.stats().state) == ("restarting", "up")
        assert engine.stats().restarts == 1


GIVEN_UP = {
    "aborted": recorded("sglang_aborted"),
    "ended without an end": Reply([chunk("a")]),
    "overloaded": Reply([chunk("a"), b'data: {"error": {"message": "full", "code": 503}}\n\n']),
    "silent": Reply([chunk("a")], "hang"),
}


@pytest.mark.parametrize("reply", GIVEN_UP.values(), ids=GIVEN_UP)
async def test_one_answer_that_is_given_up_is_no_lost_server(
    server: ModelServer, reply: Reply
) -> None:
    server.replies.append(reply)

    async with an_engine(server, replace(SLOW_LOOKS, between_tokens_s=0.05)) as engine:
        with pytest.raises(EngineDown):
            await answered(engine)

        assert (engine.stats().state, engine.stats().restarts) == ("up", 0)


async def test_an_engine_that_says_it_has_died_is_lost(server: ModelServer) -> None:
    server.replies.append(recorded("vllm_dead"))

    async with an_engine(server) as engine:
        with pytest.raises(EngineDown):
            await answered(engine)

        assert engine.stats().state == "restarting"


async def test_one_late_look_does_not_take_the_engine_down(server: ModelServer) -> None:
    async with an_engine(server, FAST) as engine:
        good, server.models = server.models, refuses(503)
        looks = server.looks
        await server.until(lambda: server.looks > looks)
        server.models = good
        looks = server.looks
        await server.until(lambda: server.looks > looks + 1)

        assert (engine.stats().state, engine.stats().restarts) == ("up", 0)


async def test_the_start_waits_for_the_server() -> None:
    server = ModelServer()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.port = taken.getsockname()[1]
    engine = RemoteEngine(RemoteSettings(server.url, timings=FAST))
    starting = asyncio.create_task(engine.start())
    await asyncio.sleep(0)

    await server.start()
    await starting

    assert engine.stats().up
    await engine.close()
    await server.stop()


async def test_a_server_that_stays_away_stops_the_start() -> None:
    engine = RemoteEngine(
        RemoteSettings("http://127.0.0.1:1/v1", start_timeout_s=0.05, timings=FAST)
    )

    with pytest.raises(ModelUnusable, match=r"start_timeout_s, 0\.05 s: no connection"):
        await engine.start()

    await engine.close()


STARTS = {
    "no key": (
        refuses(401, {"error": {"message": "no such key: k3y"}}),
        "",
        ["401", "VISIONBOT_ENGINE__API_KEY"],
    ),
    "wrong place": (refuses(404), "", ["404", "base_url", "/v1"]),
    "moved": (refuses(308, "", Location="/x"), "", ["308", "base_url"]),
    "a page": (Reply([b"<html>"]), "", ["lists no models", "/v1"]),
    "other JSON": (Reply([b'{"ok": true}']), "", ["lists no models"]),
    "another model": (
        lists({"id": "a"}, {"id": "b"}),
        "c",
        ["does not offer 'c'", "[engine] model", "'a', 'b'"],
    ),
    "several": (lists({"id": "a"}, {"id": "b"}), "", ["offers several", "'a', 'b'"]),
    "none": (lists(), "", ["lists no model", "[engine] model"]),
}


@pytest.mark.parametrize(("models", "wanted", "named"), STARTS.values(), ids=STARTS)
async def test_what_only_a_person_can_mend_stops_the_start_and_says_how(
    server: ModelServer, models: Reply, wanted: str, named: list[str]
) -> None:
    server.models = models

    with pytest.raises(ModelUnusable) as caught:
        async with an_engine(server, model=wanted):
            pass

    said = str(caught.value)
    assert [part for part in named if part not in said] == [], said
    assert "k3y" not in said


@pytest.mark.parametrize(
    "models", [lists({"id": "a"}, {"id": "b"}), lists()], ids=["one of two", "of a list of none"]
)
async def test_the_model_that_is_named_is_asked_for(server: ModelServer, models: Reply) -> None:
    server.models = models

    async with an_engine(server, model="b") as engine:
        await answered(engine)

    assert server.bodies[0]["model"] == "b"


async def test_what_is_no_tls_is_told_at_the_start(server: ModelServer) -> None:
    engine = RemoteEngine(RemoteSettings(server.url.replace("http:", "https:"), timings=FAST))

    with pytest.raises(ModelUnusable, match="certificate"):
        await engine.start()

    await engine.close()


async def test_a_turn_is_measured_without_asking_anybody(
    server: ModelServer, paint: Callable[..., Picture]
) -> None:
    async with an_engine(server) as engine:
        looks = server.looks

        tokens = await engine.measure(Turn("user", "圆形是红色的", (paint(1),)))

    assert tokens == 6 + 8 + 24 + 2
    assert server.looks == looks


async def test_thoughts_that_a_server_leaves_in_the_text_are_taken_out(server: ModelServer) -> None:
    server.replies.append(
        says("<thi", "nk>hm</think>\n", "<|begin_of_box|>yes", "<|end_of_box|", ">")
    )

    async with an_engine(server) as engine:
        actual = await answered(engine, asks(thinking=True))

    assert actual == Delta("yes", "stop", Usage(7, 2), "hm")


async def test_what_looked_like_a_mark_until_the_end_is_not_lost(server: ModelServer) -> None:
    server.replies.append(says("a", " <"))

    async with an_engine(server) as engine:
        assert (await answered(engine)).text == "a <"


async def test_a_call_is_named_once_and_has_an_id(server: ModelServer) -> None:
    """Some servers repeat the name in each piece, some give no id."""
    pieces = [{"name": "f", "arguments": "{"}, {"name": "f", "arguments": "}"}]
    events = [
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": piece}]}}]}
        for piece in pieces
    ]
    lines = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    server.replies.append(Reply([*lines, the_end("tool_calls")]))

    async with an_engine(server) as engine:
        deltas = [delta async for delta in engine.stream(asks())]

    calls = [call for delta in deltas for call in delta.calls]
    assert calls == [CallPiece(0, "call_0", "f", "{"), CallPiece(0, "", "", "}")]
