"""The API while no engine answers: earlier answers are given, all else is told to come again."""

from __future__ import annotations

import json

import pytest

from tests.bot.api.serving import a_body, served

pytestmark = pytest.mark.parametrize("state", ["starting", "down"])


async def test_earlier_answer_is_given_though_no_engine_answers(tmp_path, state):
    async with served(tmp_path) as api:
        first = await api.ask("what?")
        await api.stores.answers.write()
        api.engine.state = state

        again = await api.ask("what?")

    assert again["choices"] == first["choices"]
    assert again["cached"] is True
    assert len(api.engine.requests) == 1


async def test_earlier_answer_is_found_though_the_room_left_is_only_estimated(tmp_path, state):
    async with served(tmp_path) as api:
        long = "what do you see? " * 20
        tokens = api.engine.context_tokens
        first = await api.ask(long, max_tokens=tokens)
        await api.stores.answers.write()
        api.engine.state, api.engine.context_tokens = state, tokens + 1

        again = await api.ask(long, max_tokens=tokens)

    assert again["choices"] == first["choices"]
    assert again["cached"] is True


async def test_earlier_answer_is_streamed_too(tmp_path, state):
    async with served(tmp_path) as api:
        await api.ask("what?")
        await api.stores.answers.write()
        api.engine.state = state

        async with api.post(a_body("what?", stream=True)) as response:
            lines = (await response.text()).splitlines()

    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    texts = [choice["delta"].get("content") for one in chunks for choice in one["choices"]]
    assert "".join(filter(None, texts)) == "echo of what?"
    assert "data: [DONE]" in lines


async def test_what_was_never_answered_is_told_when_to_come_again(tmp_path, state):
    async with served(tmp_path) as api:
        await api.ask("what?")
        await api.stores.answers.write()
        api.engine.state = state

        async with api.post(a_body("how?", stream=True)) as response:
            error = (await response.json())["error"]
        ledger = await api.settled()

    assert (response.status, error["code"]) == (503, "engine_down")
    assert int(response.headers["Retry-After"]) > 0
    assert ledger[-1] == (0, 0, "settled")
    assert len(api.line) == 0


async def test_who_asks_for_too_much_at_once_is_still_told_so(tmp_path, state):
    async with served(tmp_path, api={"max_at_once": 2}) as api:
        api.engine.state = state

        status, error = await api.refused(a_body("what?", n=3))

    assert (status, error["code"]) == (429, "too_many_requests_at_once")
