"""The same request twice: the second answer is an earlier one, says so, and costs no token."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager

import pytest

from inference.request import CallPiece, Delta
from tests.bot.api.serving import a_body, served, the_end

PHOTO = "data:image/png;base64," + base64.b64encode(b"ant").decode()
ABOUT = [{"type": "image_url", "image_url": {"url": PHOTO}}, {"type": "text", "text": "what?"}]


@asynccontextmanager
async def kept_by(folder, **sections):
    """Everything that is answered in it is kept at once."""
    async with served(folder, **sections) as api:
        yield api, api.stores.answers


async def streamed(api, body) -> list[dict]:
    async with api.post(body | {"stream": True}) as response:
        assert response.status == 200
        lines = (await response.text()).splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


async def test_a_repeated_request_gets_its_earlier_answer_marked_for_no_tokens(tmp_path):
    async with kept_by(tmp_path) as (api, kept):
        first = await api.ask(ABOUT)
        await kept.write()
        again = await api.ask(ABOUT)
        ledger = await api.settled()

    assert "cached" not in first
    assert again["cached"] is True
    assert again["choices"] == first["choices"]
    assert again["usage"] == first["usage"]
    assert len(api.engine.requests) == 1
    assert ledger == [(1, 15, "settled"), (1, 0, "settled")]
    assert api.counts.answers == {"miss": 1, "hit": 1}
    assert api.counts.tokens["api", "prompt"] == 10


async def test_the_end_of_a_stream_tells_that_it_is_an_earlier_answer(tmp_path):
    async with kept_by(tmp_path) as (api, kept):
        first = await streamed(api, a_body(ABOUT))
        await kept.write()
        again = await streamed(api, a_body(ABOUT, stream_options={"include_usage": True}))

    def text(chunks) -> str:
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        return "".join(delta.get("content") or "" for delta in deltas)

    marked = [chunk for chunk in again if "cached" in chunk]
    assert text(first) == text(again)
    assert not any("cached" in chunk for chunk in first)
    assert [chunk["choices"][0]["finish_reason"] for chunk in marked] == ["stop"]
    assert again[-1]["usage"]["prompt_tokens"] == 10


async def test_the_simple_way_tells_it_too(tmp_path):
    body = {"prompt": "what?", "image_url": PHOTO}

    async with kept_by(tmp_path) as (api, kept):
        async with api.post(body, path="/v1/chat") as response:
            first = await response.json()
        await kept.write()
        async with api.post(body, path="/v1/chat") as response:
            again = await response.json()

    assert "cached" not in first
    assert (again["cached"], again["response"]) == (True, first["response"])


async def test_a_request_repeated_under_its_key_is_told_as_it_was(tmp_path):
    async with kept_by(tmp_path) as (api, kept):
        await api.ask(ABOUT)
        await kept.write()
        async with api.post(a_body(ABOUT), Idempotency_Key="k") as response:
            whole = await response.json()
        body = a_body(ABOUT)
        async with api.post(body, Idempotency_Key="k") as response:
            replayed = await response.json()

    assert whole["cached"] is True
    assert replayed == whole


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5},
        {"max_tokens": 7},
        {"user": "ann"},
        {"response_format": {"type": "json_object"}},
    ],
    ids=["temperature", "length", "user", "format"],
)
async def test_a_request_that_differs_is_answered_anew(tmp_path, other):
    async with kept_by(tmp_path) as (api, kept):
        await api.ask(ABOUT)
        await kept.write()
        answer = await api.ask(ABOUT, **other)

    assert "cached" not in answer
    assert len(api.engine.requests) == 2


async def test_calls_of_tools_come_again(tmp_path):
    tool = {"type": "function", "function": {"name": "look"}}
    script = [Delta(calls=(CallPiece(0, "c1", "look", "{}"),)), the_end()]
    script[-1] = Delta(finish="tool_calls", usage=script[-1].usage)

    async with kept_by(tmp_path) as (api, kept):
        api.engine.scripts["what?"] = script
        first = await api.ask(ABOUT, tools=[tool])
        await kept.write()
        again = await api.ask(ABOUT, tools=[tool])

    assert again["cached"] is True
    assert again["choices"] == first["choices"]
    assert again["choices"][0]["message"]["tool_calls"][0]["id"] == "c1"
