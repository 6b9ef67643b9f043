"""POST /v1/chat/completions and /v1/chat over a real server: what is answered, what it costs."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from bot.api.completions import Waits
from bot.storage.audit import Act
from bot.storage.knowledge import NewDocument, Piece
from inference.errors import BadFormat, EngineDown, EngineFault
from inference.request import CallPiece, Delta, Likelihood, Usage
from tests.bot.api.serving import ASK, a_body, served, the_end

PHOTO = "data:image/png;base64," + base64.b64encode(b"photo").decode()
OTHER = "data:image/png;base64," + base64.b64encode(b"another").decode()
BROKEN = "data:image/png;base64," + base64.b64encode(b"bad").decode()
TOOL = {"type": "function", "function": {"name": "weather"}}


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path) as api:
        yield api


def seen(*addresses):
    """A question about these pictures."""
    parts = [{"type": "image_url", "image_url": {"url": address}} for address in addresses]
    return [*parts, {"type": "text", "text": "what?"}]


async def test_answer_has_the_shape_of_openai(api):
    answer = await api.ask("hi", model="demo")

    version = answer["model_version"]
    assert answer["id"].startswith("chatcmpl-")
    assert isinstance(answer["created"], int)
    assert {key: answer[key] for key in answer if key not in ("id", "created")} == {
        "object": "chat.completion",
        "model": "demo",
        "model_version": version,
        "system_fingerprint": f"fp_{version}",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "echo of hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "input_tokens": 10,
            "output_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


async def test_stream_is_written_as_openai_writes_it(api):
    options = {"include_usage": True}
    async with api.post(a_body("hi", stream=True, stream_options=options)) as response:
        body = await response.text()

    first = json.loads(body.split("\n\n")[0].removeprefix("data: "))
    head = (
        f'{{"id":"{first["id"]}","object":"chat.completion.chunk","created":{first["created"]},'
        f'"model":"demo","model_version":"{first["model_version"]}",'
        f'"system_fingerprint":"fp_{first["model_version"]}","choices":['
    )
    choice = '{{"index":0,"delta":{},"logprobs":null,"finish_reason":{}}}],"usage":null}}'
    chunks = [
        choice.format('{"role":"assistant","content":""}', "null"),
        choice.format('{"content":"echo "}', "null"),
        choice.format('{"content":"of "}', "null"),
        choice.format('{"content":"hi"}', "null"),
        choice.format("{}", '"stop"'),
        '],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,'
        '"input_tokens":10,"output_tokens":5,"prompt_tokens_details":{"cached_tokens":0}}}',
    ]
    assert body == "".join(f"data: {head}{chunk}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["X-Accel-Buffering"] == "no"


async def test_stream_without_a_wish_has_no_word_about_usage(api):
    async with api.post(a_body(stream=True)) as response:
        assert "usage" not in await response.text()


async def test_pictures_reach_the_engine_in_their_order(api):
    await api.ask(seen(OTHER, PHOTO))

    (turn,) = api.engine.requests[0].turns
    assert turn.text == "what?"
    assert [picture.height for picture in turn.pictures] == [len(b"another"), len(b"photo")]


async def test_picture_may_be_a_bare_address(api):
    await api.ask([{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": PHOTO}])

    assert len(api.engine.requests[0].turns[0].pictures) == 1


async def test_roles_and_their_words_reach_the_engine(api):
    await api.ask(
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "be"}]},
            {"role": "user", "content": [{"type": "text", "text": t} for t in ("a", "b")]},
            {"role": "assistant", "content": "c", "reasoning_content": "hm"},
            {"role": "user", "content": "d"},
        ]
    )

    turns = [(turn.role, turn.text) for turn in api.engine.requests[0].turns]
    assert turns == [("system", "be"), ("user", "a\nb"), ("assistant", "c"), ("user", "d")]


async def test_results_of_tools_stand_in_the_order_of_the_calls(api):
    def call(id_):
        return {"id": id_, "type": "function", "function": {"name": "weather", "arguments": "{}"}}

    await api.ask(
        tools=[TOOL],
        messages=[
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": None, "tool_calls": [call("x"), call("y")]},
            {"role": "tool", "tool_call_id": "y", "content": "rain"},
            {"role": "tool", "tool_call_id": "x", "content": "sun"},
        ],
    )

    turns = api.engine.requests[0].turns
    assert [turn.text for turn in turns] == ["weather?", "", "sun", "rain"]
    assert [made.id for made in turns[1].calls] == ["x", "y"]


async def test_calls_of_tools_are_told_whole(api):
    api.engine.scripts["hi"] = [
        Delta(calls=(CallPiece(0, "call_1", "weather", '{"city":'),)),
        Delta(calls=(CallPiece(0, arguments='"Ulm"}'),)),
        Delta(finish="tool_calls", usage=Usage(10, 5)),
    ]

    answer = await api.ask(tools=[TOOL])

    (choice,) = answer["choices"]
    function = {"name": "weather", "arguments": '{"city":"Ulm"}'}
    assert choice["message"]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": function}
    ]
    assert choice["message"]["content"] is None
    assert choice["finish_reason"] == "tool_calls"


async def test_calls_of_tools_are_streamed_in_pieces(api):
    api.engine.scripts["hi"] = [
        Delta(calls=(CallPiece(0, "call_1", "weather", "{"),)),
        Delta(calls=(CallPiece(0, arguments="}"),)),
        Delta(finish="tool_calls", usage=Usage(10, 5)),
    ]

    pieces = [piece["delta"].get("tool_calls") for piece in await streamed(api, tools=[TOOL])]

    first = {"index": 0, "id": "call_1", "type": "function"}
    assert pieces[1] == [first | {"function": {"name": "weather", "arguments": "{"}}]
    assert pieces[2] == [{"index": 0, "function": {"arguments": "}"}}]


async def test_thoughts_are_kept_apart(api):
    api.engine.thoughts["hi"] = "let me see"

    answer = await api.ask("hi")
    pieces = await streamed(api)

    assert answer["choices"][0]["message"]["reasoning_content"] == "let me see"
    assert answer["choices"][0]["message"]["content"] == "echo of hi"
    assert pieces[1]["delta"] == {"reasoning_content": "let me see"}


@pytest.mark.parametrize(
    ("fields", "thinks"),
    [
        ({}, False),
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"chat_template_kwargs": {"enable_thinking": True}}, True),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "high"}, False),
    ],
)
async def test_thinking_is_asked_for_in_any_of_the_usual_ways(api, fields, thinks):
    await api.ask(**fields)

    assert api.engine.requests[0].thinking is thinks


async def test_likelihoods_are_written_as_numbers_that_json_has(api):
    likely = Likelihood("h", b"h", -0.5, (("h", b"h", -0.5), ("x", b"\xff", float("-inf"))))
    never = Likelihood("?", b"?", float("-inf"))
    api.engine.scripts["hi"] = [Delta("h?", likelihoods=(likely, never)), the_end()]

    answer = await api.ask(logprobs=True, top_logprobs=2)

    assert answer["choices"][0]["logprobs"]["content"] == [
        {
            "token": "h",
            "logprob": -0.5,
            "bytes": [104],
            "top_logprobs": [
                {"token": "h", "logprob": -0.5, "bytes": [104]},
                {"token": "x", "logprob": -9999.0, "bytes": [255]},
            ],
        },
        {"token": "?", "logprob": -9999.0, "bytes": [63], "top_logprobs": []},
    ]


async def test_wishes_reach_the_engine(api):
    await api.ask(
        max_completion_tokens=7,
        temperature=0.5,
        top_p=0.9,
        top_k=-1,
        min_p=0.1,
        seed=3,
        stop="END",
        presence_penalty=1,
        frequency_penalty=-1,
        repetition_penalty=1.1,
        response_format={"type": "json_object"},
    )

    request = api.engine.requests[0]
    drawn = request.sampling
    assert (drawn.max_tokens, drawn.temperature, drawn.top_p, drawn.top_k) == (7, 0.5, 0.9, 0)
    assert (drawn.min_p, drawn.seed, drawn.stop) == (0.1, 3, ("END",))
    penalties = drawn.presence_penalty, drawn.frequency_penalty, drawn.repetition_penalty
    assert penalties == (1, -1, 1.1)
    assert request.format is not None


async def test_several_answers_are_choices_that_share_the_prompt(api):
    answer = await api.ask(n=3, seed=7)

    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert sorted(one.sampling.seed for one in api.engine.requests) == [7, 8, 9]
    assert answer["usage"]["prompt_tokens"] == 10
    assert answer["usage"]["completion_tokens"] == 15
    assert await api.ledger() == [(1, 25, "settled")]


async def test_several_answers_are_streamed_side_by_side(api):
    pieces = await streamed(api, n=2)

    for index in (0, 1):
        own = [piece for piece in pieces if piece["index"] == index]
        assert "".join(piece["delta"].get("content", "") for piece in own) == "echo of hi"
        assert own[-1]["finish_reason"] == "stop"


async def test_answer_costs_what_it_took(api):
    await api.ask()

    assert await api.ledger() == [(1, 15, "settled")]


async def test_simple_question_gets_a_simple_answer(api):
    body = {"prompt": "what?", "image_url": PHOTO}
    async with api.post(body, path="/v1/chat") as response:
        answer = await response.json()

    assert answer["response"] == "echo of what?"
    assert answer["usage"]["input_tokens"] == 10
    assert len(api.engine.requests[0].turns[0].pictures) == 1


async def test_request_id_comes_back_and_a_bad_one_is_replaced(api):
    async with api.post(a_body(), X_Request_Id="mine-1") as response:
        assert response.headers["X-Request-Id"] == "mine-1"
    async with api.post(a_body(stream=True), X_Request_Id="mine-2") as response:
        assert response.headers["X-Request-Id"] == "mine-2"
    async with api.post(a_body(), X_Request_Id="not mine") as response:
        assert response.headers["X-Request-Id"].startswith("req_")
    async with api.post(b"{", X_Request_Id="mine-3") as response:
        assert response.headers["X-Request-Id"] == "mine-3"


@pytest.mark.parametrize("stream", [False, True])
async def test_repeated_request_gets_the_answer_it_got(api, stream):
    api.engine.thoughts["hi"] = "hm"
    said = []
    for _ in range(2):
        async with api.post(a_body(stream=stream, n=2), Idempotency_Key="k1") as response:
            said.append(await response.text())
            replayed = response.headers.get("Idempotent-Replayed")

    if stream:
        assert whole(said[0]) == whole(said[1])
    else:
        assert said[0] == said[1]
    assert replayed == "true"
    assert len(api.engine.requests) == 2  # of the first time
    assert len(await api.ledger()) == 1


async def test_same_key_with_another_body_is_refused(api):
    await api.refused(b"{", Idempotency_Key="k1")  # it was no request at all
    async with api.post(a_body("hi"), Idempotency_Key="k1") as response:
        assert response.status == 200

    status, _ = await api.refused(a_body("ho"), Idempotency_Key="k1")

    assert status == 422


async def test_models_are_listed_and_shown(tmp_path):
    async with served(tmp_path, api={"model_aliases": ["gpt-4o"]}) as api:
        async with api.get("/v1/models") as response:
            listed = await response.json()
        async with api.get("/v1/models/gpt-4o") as response:
            one = await response.json()
        async with api.get("/v1/models/gpt-5") as response:
            status = response.status
        await api.ask(model="gpt-4o")

    assert [model["id"] for model in listed["data"]] == ["demo", "gpt-4o"]
    assert one == listed["data"][1]
    assert status == 404


async def test_passages_go_with_the_question_and_are_named(api, tmp_path):
    await add_document(api.stores.knowledge, "Opening hours", "The archive opens at nine o'clock.")

    answer = await api.ask("When does the archive open?", knowledge_base_id="default")

    asked = api.engine.requests[0].turns[-1].text
    assert "> The archive opens at nine o'clock." in asked
    assert asked.endswith("When does the archive open?")
    assert [source["title"] for source in answer["sources"]] == ["Opening hours"]


async def test_without_a_wish_no_passage_goes_along(api):
    await add_document(api.stores.knowledge, "Opening hours", "The archive opens at nine o'clock.")

    answer = await api.ask("When does the archive open?")

    assert "sources" not in answer
    assert api.engine.requests[0].turns[-1].text == "When does the archive open?"


async def test_people_behind_one_key_are_told_apart(api):
    await api.ask(user="ann")
    await api.ask()

    assert api.engine.requests[0].person == "api:local:ann"
    assert api.engine.requests[1].person.startswith("chatcmpl-")


async def test_client_that_goes_cancels_its_answer(api):
    api.engine.hold("hi")
    task = asyncio.create_task(api.ask("hi"))
    await api.engine.until(lambda: api.engine.running)

    await gone(task)
    await api.engine.until(lambda: api.engine.cancelled)

    await api.settled()
    assert (await api.ledger())[0][0] == 1
    assert api.line.busy == 0


async def test_client_that_goes_in_mid_stream_cancels_its_answer(api):
    api.engine.hold("hi")
    async with api.post(a_body("hi", stream=True)) as response:
        await response.content.readuntil(b"echo ")
        response.close()

    await api.engine.until(lambda: api.engine.cancelled)

    await api.settled()
    assert (await api.ledger())[0][0] == 1
    assert api.line.busy == 0


async def test_client_that_goes_while_waiting_leaves_the_line(tmp_path):
    async with served(tmp_path, at_once=1) as api:
        let_go = api.engine.hold("first")
        first = asyncio.create_task(api.ask("first"))
        await api.engine.until(lambda: api.engine.running)
        second = asyncio.create_task(api.ask("second"))
        await api.until(lambda: len(api.line))

        await gone(second)
        await api.until(lambda: not len(api.line))
        let_go.set()
        await first

        await api.settled()
        assert [one.turns[0].text for one in api.engine.requests] == ["first"]
        assert sorted(await api.ledger()) == [(0, 0, "settled"), (1, 15, "settled")]


async def test_who_waits_is_shown_signs_of_life(tmp_path):
    async with served(tmp_path, at_once=1, waits=Waits(heartbeat_s=0.02)) as api:
        let_go = api.engine.hold("first")
        first = asyncio.create_task(api.ask("first"))
        await api.engine.until(lambda: api.engine.running)

        async with api.post(a_body("second", stream=True)) as response:
            line = await response.content.readline()
            let_go.set()
            body = await response.text()
        await first

    assert line == b": 1 ahead\n"
    assert whole(body) == {0: "echo of second"}


@pytest.mark.row(58)
async def test_who_reads_nothing_is_dropped(tmp_path):
    async with served(tmp_path, waits=Waits(write_s=0.2)) as api:
        api.engine.answers["hi"] = ["x" * 20_000] * 1000  # more than stands anywhere on the way
        _, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
        writer.write(raw(a_body("hi", stream=True, max_tokens=100)))

        await api.engine.until(lambda: api.engine.cancelled)
        await api.settled()

        writer.close()
        assert api.line.busy == 0


async def test_who_reads_slowly_keeps_no_seat_when_the_engine_is_done(tmp_path):
    async with served(tmp_path, at_once=1) as api:
        api.engine.answers["hi"] = ["x" * 20_000] * 1000
        _, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1024)
        writer.write(raw(a_body("hi", stream=True)))
        await api.engine.until(lambda: api.engine.running)

        await api.ask("second")

        assert api.engine.cancelled == []
        writer.close()


async def test_client_that_goes_while_its_answer_is_settled_costs_what_it_took(tmp_path):
    async with served(tmp_path, api={"max_at_once": 1}) as api:
        let_go = api.engine.hold("hi")
        async with api.post(a_body("hi", stream=True)) as response:
            await response.content.readuntil(b"echo ")
            async with api.stores.db.write():  # nothing can be settled meanwhile
                let_go.set()
                await response.content.readuntil(b'"finish_reason":"stop"')
                response.close()
                await asyncio.sleep(0.05)  # for the server to see that it went

        assert await api.settled() == [(1, 15, "settled")]
        await api.ask("next")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (EngineDown("gone"), "engine_down"),
        (EngineFault("numbers"), "engine_fault"),
        (BadFormat("no"), "invalid_format"),
        (RuntimeError("boom"), "internal_error"),
    ],
)
async def test_fault_in_mid_stream_is_an_event_and_no_end(api, fault, code):
    api.engine.scripts["hi"] = [Delta("half"), fault]

    async with api.post(a_body(stream=True)) as response:
        events = (await response.text()).strip().split("\n\n")

    assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == code
    assert "[DONE]" not in "".join(events)
    assert await api.settled() == [(0, 0, "settled")]


async def test_fault_before_the_first_word_of_a_stream_has_its_own_status(api):
    api.engine.faults["hi"] = [EngineDown("gone")]

    status, error = await api.refused(a_body("hi", stream=True))

    assert (status, error["code"]) == (503, "engine_down")


async def test_one_failed_answer_of_several_fails_the_request(api):
    api.engine.faults["hi"] = [EngineFault("numbers")]
    api.engine.hold("hi")

    status, error = await api.refused(a_body("hi", n=2))

    assert (status, error["code"]) == (500, "engine_fault")
    await api.engine.until(lambda: not api.engine.running)
    assert api.line.busy == 0


async def test_who_is_not_answered_when_the_program_ends_is_told_so(tmp_path):
    async with served(tmp_path, at_once=1) as api:
        api.engine.hold("first")
        first = asyncio.create_task(api.refused(a_body("first")))
        await api.engine.until(lambda: api.engine.running)
        second = asyncio.create_task(api.refused(a_body("second")))
        await api.until(lambda: len(api.line))

        await api.api.close(0)

        for status, error in (await first, await second):
            assert (status, error["code"]) == (503, "engine_down")
        assert await api.settled() == [(0, 0, "settled")] * 2
        assert api.engine.cancelled == ["first"]


async def test_stream_ends_with_a_word_when_the_program_ends(api):
    api.engine.hold("hi")
    async with api.post(a_body("hi", stream=True)) as response:
        await response.content.readuntil(b"echo ")

        await api.api.close(0)
        rest = await response.text()

    assert '"code":"engine_down"' in rest
    assert "[DONE]" not in rest


async def test_what_ends_in_time_is_answered_though_the_program_ends(api):
    let_go = api.engine.hold("hi")
    asking = asyncio.create_task(api.ask("hi"))
    await api.engine.until(lambda: api.engine.running)

    closing = asyncio.create_task(api.api.close(5.0))
    let_go.set()
    await closing

    assert (await asking)["choices"][0]["message"]["content"] == "echo of hi"


async def test_answers_are_counted_by_their_ends(api):
    await api.ask()
    api.engine.faults["ho"] = [EngineFault("numbers")]
    await api.refused(a_body("ho"))

    assert api.counts.questions["api", "answered"] == 1
    assert api.counts.questions["api", "engine_fault"] == 1


async def test_who_gets_a_whole_answer_reads_nothing_before_its_end(api):
    go_on = api.engine.hold("hi")
    asking = asyncio.create_task(api.ask("hi"))
    await api.until(lambda: api.counts.first_token_s["api"].count)
    early = api.counts.first_text_s["api"].count
    go_on.set()
    await asking

    assert (early, api.counts.first_text_s["api"].count) == (0, 1)


async def streamed(api, **fields):
    """The pieces of choices in a stream."""
    async with api.post(a_body(stream=True, **fields)) as response:
        events = (await response.text()).strip().split("\n\n")
    assert events.pop() == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    return [piece for chunk in chunks for piece in chunk["choices"]]


def whole(body):
    """The text of each choice in the body of a stream."""
    texts = {}
    for event in body.strip().split("\n\n"):
        if event.startswith("data: {"):
            for piece in json.loads(event.removeprefix("data: "))["choices"]:
                text = piece["delta"].get("content", "")
                texts[piece["index"]] = texts.get(piece["index"], "") + text
    return texts


def raw(body):
    """A request, as it is written on the wire."""
    data = json.dumps(body).encode()
    head = f"POST {ASK} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


async def gone(task):
    task.cancel()
    await asyncio.wait([task])


async def add_document(knowledge, title, text):
    new = NewDocument(title, "text", "d1", "test:ann", [Piece("", text)])
    await knowledge.add(Act("e1", "test:ann", "knowledge"), new, lambda *_: "kept")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat"])
async def test_what_was_done_to_a_picture_is_noted(api, path):
    moving = "data:image/gif;base64," + base64.b64encode(b"moving cat").decode()
    simple = {"prompt": "what?", "image_url": moving}
    body = simple if path == "/v1/chat" else a_body(seen(moving))
    async with api.post(body, path=path) as response:
        answer = await response.json()

    assert answer["notes"] == ["first_frame"]


async def test_notes_stand_in_the_first_chunk_of_a_stream(api):
    moving = "data:image/gif;base64," + base64.b64encode(b"moving cat").decode()
    async with api.post(a_body(seen(moving), stream=True)) as response:
        text = (await response.read()).decode()

    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert chunks[0]["notes"] == ["first_frame"]
    assert not any("notes" in chunk for chunk in chunks[1:])
