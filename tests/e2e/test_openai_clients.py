"""Clients made for OpenAI, unchanged, against the running program: only the address differs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import openai
import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from tests.e2e.drawing import file_of, shape
from tests.e2e.program import ROOT, Program

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

START_S = 90.0
NPM_PACKAGE = ROOT / ".node" / "node_modules" / "openai"
PNG = file_of(shape("circle", "red"))["buffer"]
CIRCLE = "data:image/png;base64," + base64.b64encode(PNG).decode()
QUESTION = [
    {"type": "image_url", "image_url": {"url": CIRCLE}},
    {"type": "text", "text": "What shape is it?"},
]
MESSAGES = [{"role": "user", "content": QUESTION}]
HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Ulm", "Bonn"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
LONG = {  # keeps the model busy for some seconds
    "type": "json_schema",
    "json_schema": {
        "name": "numbers",
        "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 300},
    },
}


class Shape(BaseModel):
    name: str = Field(max_length=12)
    corners: int = Field(ge=0, le=9)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory):
    """Of the API of a running program; two answers at once are the most for one key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"ANSWERS__MAX_TOKENS": 16, "ENGINE__MAX_CONTEXT_TOKENS": 384, "API__MAX_AT_ONCE": 2}
    program = Program(tmp_path_factory.mktemp("api"), WEB__PORT=port, **settings)
    await program.start()
    try:
        async with asyncio.timeout(START_S), ClientSession() as client:
            while not await is_ready(program, client, port):  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
        assert await program.stop() == 0, program.output()[-4000:]
        assert "a request failed" not in program.output()
    finally:
        await program.clean_up()


async def is_ready(program, client, port):
    assert program.is_running(), program.output()[-4000:]
    with suppress(ClientError):
        async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
            return response.status == 200
    return False


@pytest.fixture
def client(address):
    with openai.OpenAI(base_url=address, api_key="any") as client:
        yield client


async def test_openai_client_gets_the_right_answer(client):
    answer = client.chat.completions.create(model="demo", messages=MESSAGES)

    assert "circle" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_openai_client_streams_the_same_answer(client, address):
    whole = client.chat.completions.create(model="demo", messages=MESSAGES)

    async with openai.AsyncOpenAI(base_url=address, api_key="any") as streaming:
        stream = await streaming.chat.completions.create(
            model="demo", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]

    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


async def test_openai_client_calls_a_tool_and_tells_its_result(client):
    asked = [{"role": "user", "content": "What is the weather?"}]

    answer = client.chat.completions.create(
        model="demo", messages=asked, tools=[WEATHER], tool_choice="required", max_tokens=100
    )
    (call,) = answer.choices[0].message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    talk = [*asked, answer.choices[0].message.to_dict(), result]
    after = client.chat.completions.create(model="demo", messages=talk, tools=[WEATHER])

    assert answer.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments)["city"] in ("Ulm", "Bonn")
    assert after.choices[0].message.role == "assistant"


async def test_openai_client_parses_the_form_it_asked_for(client):
    answer = client.chat.completions.parse(
        model="demo", messages=MESSAGES, response_format=Shape, max_tokens=100
    )

    assert isinstance(answer.choices[0].message.parsed, Shape)


async def test_openai_client_sees_headers_and_the_request_id(client):
    raw = client.chat.completions.with_raw_response.create(
        model="demo", messages=HELLO, extra_headers={"X-Request-Id": "mine-7"}
    )

    assert raw.headers["X-Request-Id"] == "mine-7"
    assert raw.parse()._request_id == "mine-7"


async def test_openai_client_knows_our_refusals(client):
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="demo", messages=HELLO, temperature=9)

    assert unknown.value.code == "model_not_found"
    assert wrong.value.param == "temperature"


async def test_openai_client_comes_again_after_429(address):
    busy = openai.AsyncOpenAI(base_url=address, api_key="any")
    patient = openai.AsyncOpenAI(base_url=address, api_key="any", max_retries=20)
    long = {"model": "demo", "messages": HELLO, "response_format": LONG, "max_tokens": 150, "n": 2}

    async with busy, patient, await busy.chat.completions.create(**long, stream=True) as stream:
        async for _ in stream:  # both seats of this key are taken now
            break
        asking = patient.chat.completions.with_raw_response.create(model="demo", messages=HELLO)
        waiting = asyncio.create_task(asking)
        async for _ in stream:
            pass
        answer = await waiting

    assert answer.status_code == 200
    assert answer.retries_taken >= 1


async def test_langchain_asks_and_streams(address):
    model = ChatOpenAI(base_url=address, api_key="any", model="demo", stream_usage=True)

    answer = await model.ainvoke([HumanMessage(QUESTION)])
    pieces = [piece async for piece in model.astream([HumanMessage(QUESTION)])]

    assert "circle" in answer.content
    assert "".join(piece.content for piece in pieces) == answer.content
    assert answer.usage_metadata["input_tokens"] > 0


async def test_npm_package_asks_and_streams(address):
    if not NPM_PACKAGE.exists():
        how = "the npm package openai is missing: make node"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    script = Path(__file__).parent / "node" / "openai_client.mjs"

    status, said = await run("node", script, address, CIRCLE)

    assert status == 0, said
    got = json.loads(said)
    assert "circle" in got["whole"]
    assert got["streamed"] == got["whole"]
    assert got["usage"]["total_tokens"] > 0
    assert got["refusal"] == {"status": 404, "code": "model_not_found", "kind": "NotFoundError"}
    assert got["models"] == ["demo"]


@pytest.mark.row(59)
async def test_schemathesis_finds_nothing_wrong_with_the_description(address, tmp_path):
    checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
    options = {
        "--checks": ",".join(checks),
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": 10,
        "--exclude-path": "/metrics",  # of the operator's choosing, and no JSON
        "--request-timeout": 30,
        "--report-dir": tmp_path,
    }
    given = [str(part) for option in options.items() for part in option]

    status, said = await run(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        address.removesuffix("v1") + "openapi.json",
        *given,
        "--generation-deterministic",
        "--no-color",
        cwd=tmp_path,
    )

    assert status == 0, said[-6000:]


async def run(*command, cwd=ROOT):
    """Status, and all that was said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()
