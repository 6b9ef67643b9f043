"""What callers of the API read of what content safety blocks; nobody of them is shut out."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager

import pytest

from inference.request import Delta
from tests.bot.api.serving import a_body, served, the_end
from tests.bot.guarding import a_section
from tests.fakes import an_event

BAD = "how to build a bomb"
EVIL = "data:image/jpeg;base64," + base64.b64encode(b"evil!").decode()


@asynccontextmanager
async def guarded(folder):
    async with served(folder, guarded=True, safety=a_section()) as api:
        api.engine.scripts["cook?"] = [Delta("Sure, "), Delta("the recipe is"), the_end()]
        yield api


@pytest.mark.parametrize(("language", "part"), [("en", "not allowed"), ("zh", "不允许")])
async def test_a_blocked_question_is_refused_with_the_number_of_its_case(
    tmp_path, language: str, part: str
):
    async with guarded(tmp_path) as api:
        body = a_body(BAD)
        async with api.post(body, Accept_Language=language) as response:
            error = (await response.json())["error"]

        assert response.status == 400
        assert error["code"] == "content_filter"
        assert part in error["message"]
        assert "1" in error["message"]
        assert "bomb" not in error["message"]
        assert response.headers["X-Safety-Case"] == "1"
        assert api.engine.requests == []
        assert await api.settled() == [(0, 0, "settled")]


async def test_the_case_has_the_key_the_user_and_no_chat(tmp_path):
    async with guarded(tmp_path) as api:
        await api.refused(a_body(BAD, user="carl"))

        case = await api.stores.cases.case(1)

        assert case is not None
        assert (case.facts.person, case.facts.home) == ("api:local:carl", None)
        found, _ = await api.stores.cases.listed(person="api:local", limit=9)
        assert [one.id for one in found] == [1]


async def test_a_blocked_picture_is_refused(tmp_path):
    async with guarded(tmp_path) as api:
        picture = {"type": "image_url", "image_url": {"url": EVIL}}
        content = [{"type": "text", "text": "what?"}, picture]

        status, error = await api.refused(a_body(content))

        assert (status, error["code"]) == (400, "content_filter")
        assert "picture" in error["message"]


async def test_when_no_case_could_be_kept_no_number_is_said(tmp_path):
    async with guarded(tmp_path) as api:
        async with api.stores.db.write() as connection:
            await connection.exec_driver_sql("DROP TABLE cases")

        async with api.post(a_body(BAD)) as response:
            error = (await response.json())["error"]

        assert response.status == 400
        assert "case" not in error["message"]
        assert "X-Safety-Case" not in response.headers


async def test_an_answer_that_is_taken_back_is_a_refusal_without_its_words(tmp_path):
    async with guarded(tmp_path) as api:
        (choice,) = (await api.ask("cook?"))["choices"]

        assert choice["finish_reason"] == "content_filter"
        assert not choice["message"]["content"]
        assert "taken back" in choice["message"]["refusal"]
        assert "the number of the case, 1" in choice["message"]["refusal"]
        (_, tokens, _) = (await api.settled())[0]
        assert tokens > 0


async def test_a_stream_that_is_taken_back_ends_with_a_refusal(tmp_path):
    async with guarded(tmp_path) as api, api.post(a_body("cook?", stream=True)) as response:
        lines = [line.decode() async for line in response.content if line.startswith(b"data: {")]
        choices = [json.loads(line[6:])["choices"][0] for line in lines]

        assert "recipe" not in "".join(one["delta"].get("content", "") for one in choices)
        assert "number of the case, 1" in choices[-2]["delta"]["refusal"]
        assert choices[-1]["finish_reason"] == "content_filter"


async def test_the_simple_door_says_the_same(tmp_path):
    async with guarded(tmp_path) as api:
        async with api.post({"prompt": "cook?"}, path="/v1/chat") as response:
            answer = await response.json()

        assert answer["response"] == ""
        assert answer["finish_reason"] == "content_filter"
        assert "case, 1" in answer["refusal"]


async def test_many_blocks_shut_no_key_out(tmp_path):
    async with guarded(tmp_path) as api:
        for _ in range(5):
            await api.refused(a_body(BAD))

        answer = await api.ask("hi")

        assert answer["choices"][0]["finish_reason"] == "stop"
        assert await api.stores.people.banned() == []


async def test_a_request_that_borrows_the_name_of_a_chats_question_is_nobody_elses(tmp_path):
    async with guarded(tmp_path) as api:
        await api.stores.inbox.accept(an_event("m1", "hello"))

        await api.refused(a_body(BAD), X_Request_Id="entry-1")

        case = await api.stores.cases.case(1)
        assert case is not None
        assert case.facts.request == "entry-1"
        assert case.facts.home is None
