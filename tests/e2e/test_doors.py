"""One running program, asked by its doors at once: chats, the page and the API share one line, one
ledger and one engine, and whoever comes by any of them gets the right answer."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import openai
import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientTimeout

from bot.texts import say
from inference.request import ChatRequest, JsonFormat, Sampling, Turn
from inference.service import Service
from tests.e2e.conftest import playing
from tests.e2e.doors import (
    WITHIN_S,
    Body,
    Doors,
    Reader,
    answer_of,
    asked_between,
    body_of,
    read_all,
    visitor,
)
from tests.e2e.drawing import RED_CIRCLE, circle_and_stars, file_of, photo
from tests.e2e.oracle import Talk
from tests.e2e.program import Program
from tests.e2e.stage import BOT, Place, Seen, gets, reads, telegram_stage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
    pytest.mark.asyncio(loop_scope="package"),
]

COLOUR = "What colour is the circle?"
SEATS = 8
NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 2000}  # ends by its length


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(telegram_stage())
        http = await stack.enter_async_context(ClientSession(timeout=ClientTimeout(total=WITHIN_S)))
        boss = await stage.private("Boss")
        program = Program(
            folder,
            ANSWERS__DEFAULT_LANGUAGE="en",
            ACCESS__OWNERS=json.dumps([boss.person]),
            API__REQUESTS_PER_MINUTE=0,
            ENGINE__MAX_SEQUENCES=SEATS,
            **stage.settings,
        )
        await stack.enter_async_context(playing(program))
        doors = Doors(program, folder, stage, boss, http)
        await doors.ready()
        yield doors


async def test_one_ledger_counts_all_doors_and_a_chat_raises_the_limit_of_a_key(
    doors: Doors, model: Service
) -> None:
    key = await doors.make_key("shop")
    person = f"api:{key.split('-')[1]}"
    await doors.order("quota", person, "set", "2 questions/day")
    before, counted = await doors.questions_today(), await doors.idle()
    body, expected = body_of(COLOUR, RED_CIRCLE), await Talk(model).ask(COLOUR, RED_CIRCLE)

    async with doors.api(key) as client, visitor(doors) as li:
        said = [await answer_of(client, body) for _ in range(2)]
        with pytest.raises(openai.RateLimitError) as third:
            await answer_of(client, body)
        order = await doors.boss.says(f"/quota {person} set 3 questions/day")
        await reads(doors.boss, "3 questions", after=order)
        said.append(await answer_of(client, body))
        with pytest.raises(openai.RateLimitError) as fourth:
            await answer_of(client, body)
        said.append(await li.ask(COLOUR, RED_CIRCLE))
    ann = await doors.stage.private("Ann")
    asked = await ann.sends_file(RED_CIRCLE, "circle.jpg", "image/jpeg", COLOUR)
    said.append((await gets(ann, expected, after=asked)).text)
    await doors.ended(counted, 7)

    assert said == [expected] * 5
    assert {third.value.code, fourth.value.code} == {"insufficient_quota"}
    assert "Your 2 questions for " in third.value.message
    assert "Your 3 questions for " in fourth.value.message
    assert int(third.value.response.headers["Retry-After"]) > 0
    assert await doors.questions_today() == before + 5


async def test_a_key_that_floods_lets_a_chat_pass_before_most_of_its_own(
    doors: Doors, model: Service
) -> None:
    expected = await Talk(model).ask(COLOUR, RED_CIRCLE)
    ann = await doors.stage.private("Ann")
    before = await doors.idle()
    readers = [Reader() for _ in range(20)]

    async with doors.api() as client, asyncio.TaskGroup() as group:
        flood = [
            group.create_task(one.read(client, numbers(seed=seed, max_tokens=250)))
            for seed, one in enumerate(readers)
        ]
        await doors.until(lambda told: told["line_waiting"] == len(readers) - SEATS)
        asked = await ann.sends_file(RED_CIRCLE, "circle.jpg", "image/jpeg", COLOUR)
        answered = await gets(ann, expected, after=asked)
        behind = [one for one in readers if not one.begun.is_set()]
        for task in flood:
            task.cancel()
    await doors.ended(before, len(readers) + 1)

    near = [say("position", "en", ahead=ahead) for ahead in (1, 2)]
    assert answered.versions[0] in near  # not twelve: of the key's own only the next goes before
    assert behind


async def test_all_doors_at_once_answer_everybody_once_and_right(
    doors: Doors, model: Service
) -> None:
    kinds, colours = ("circle", "square", "triangle"), ("red", "blue", "green")
    shapes = [(kind, colour) for kind in kinds for colour in colours][:8]
    asked = [(f"What colour is the {kind}?", photo(kind, colour)) for kind, colour in shapes]
    expected = await asyncio.gather(*(Talk(model).ask(*one) for one in asked))
    people = [await doors.stage.private(f"Person{number}") for number in range(8)]
    before = await doors.idle()

    async def stream(client: openai.AsyncOpenAI, number: int) -> str:
        reader = Reader()
        await reader.read(client, body_of(*asked[number]))
        assert (reader.error, reader.finish) == (None, "stop")
        return reader.text

    async def chat(place: Place, number: int) -> list[str]:
        text, file = asked[number]
        sent = await place.sends_file(file, "photo.jpg", "image/jpeg", text)
        await gets(place, expected[number], after=sent)
        return [one.text for one in await place.sees() if one.by == BOT]

    async def page(number: int) -> str:
        async with visitor(doors) as somebody:
            return await somebody.ask(*asked[number])

    async with doors.api() as client, asyncio.TaskGroup() as group:
        streams = [group.create_task(stream(client, number % 8)) for number in range(16)]
        pages = [group.create_task(page(number)) for number in range(8)]
        chats = [group.create_task(chat(place, number)) for number, place in enumerate(people)]
    after = await doors.ended(before, 32)

    assert len(set(expected)) > 2
    assert [task.result() for task in streams] == [*expected, *expected]
    assert [task.result() for task in pages] == expected
    assert [task.result() for task in chats] == [[answer] for answer in expected]
    assert asked_between(before, after) == {
        'questions_total{door="api",outcome="answered"}': 16,
        'questions_total{door="telegram",outcome="answered"}': 8,
        'questions_total{door="web",outcome="answered"}': 8,
    }
    assert (after["lost_questions"], after["repeated_answers_total"]) == (0, 0)


async def test_a_photo_is_answered_alike_by_each_door_and_decoded_once(
    doors: Doors, model: Service
) -> None:
    question, file = "What is in the picture?", photo("square", "purple", edge=331)
    expected = await Talk(model).ask(question, file)
    ann = await doors.stage.private("Ann")
    before = await doors.idle()

    async with doors.api() as client, visitor(doors) as li:
        by_api = await answer_of(client, body_of(question, file))
        by_page = await li.ask(question, file)
    asked = await ann.sends_file(file, "square.jpg", "image/jpeg", question)
    by_chat = (await gets(ann, expected, after=asked)).text
    after = await doors.ended(before, 3)

    assert [by_api, by_page, by_chat] == [expected] * 3
    hits, misses = (
        after[name] - before[name]
        for name in (
            'cache_lookups_total{cache="picture",result="hit"}',
            'cache_lookups_total{cache="picture",result="miss"}',
        )
    )
    assert misses == 1
    assert hits >= 2


async def test_page_and_api_cut_an_answer_at_the_same_place(doors: Doors, model: Service) -> None:
    question, file = "What is in the picture?", file_of(circle_and_stars())["buffer"]
    turns = (
        Turn("system", say("system", "en")),
        Turn("user", question, (await model.prepare(file),)),
    )
    cut = await oracle(model, ChatRequest(turns, Sampling(6)))
    whole = await oracle(model, ChatRequest(turns, Sampling(200)))

    async with doors.api() as client, visitor(doors) as li:
        by_api = await answer_of(client, body_of(question, file, max_tokens=6))
        by_page = await li.ask(question, file, max_tokens=6)

    assert by_api == cut
    assert by_page == f"{cut.strip()}\n\n{say('length_mark', 'en')}"
    assert whole.startswith(cut)
    assert len(whole) > len(cut)


async def test_who_leaves_a_stream_pays_what_was_written_and_the_others_read_on(
    doors: Doors, model: Service
) -> None:
    most, leave_after = 200, 10
    readers = [Reader() for _ in range(SEATS)]
    stay, leave = readers[::2], readers[1::2]
    before = await doors.idle()

    async with doors.api() as client:
        await read_all(
            [
                asyncio.create_task(
                    one.read(
                        client,
                        numbers(seed=seed, max_tokens=most),
                        leave_after=leave_after if one in leave else None,
                    )
                )
                for seed, one in enumerate(readers)
            ]
        )
    after = await doors.ended(before, len(readers))

    asked = (oracle(model, counting(seed, most)) for seed in range(SEATS))
    expected = await asyncio.gather(*asked)
    assert [one.text for one in stay] == expected[::2]
    assert all(
        answer.startswith(one.text) for one, answer in zip(leave, expected[1::2], strict=True)
    )
    assert asked_between(before, after) == {
        'questions_total{door="api",outcome="answered"}': len(stay),
        'questions_total{door="api",outcome="disconnected"}': len(leave),
    }
    paid = {one.call: one for one in doors.ledger()}
    assert [paid[one.id].tokens for one in stay] == [one.usage.total_tokens for one in stay]
    prompt = stay[0].usage.prompt_tokens
    for one in leave:
        least = prompt + await model.measure(Turn("assistant", one.text))
        assert least <= (paid[one.id].tokens or 0) < prompt + most
        assert (paid[one.id].state, paid[one.id].questions) == ("settled", 1)


async def test_who_hangs_up_before_a_whole_answer_ends_its_writing(doors: Doors) -> None:
    before = await doors.idle()

    async with doors.api() as client:
        asking = asyncio.create_task(answer_of(client, numbers(seed=1, max_tokens=3000)))
        await doors.until(lambda told: told["engine_running"] == 1)
        asking.cancel()
        await asyncio.wait([asking])
    after = await doors.ended(before, 1)

    assert asked_between(before, after) == {'questions_total{door="api",outcome="disconnected"}': 1}
    assert {one.state for one in doors.ledger()} == {"settled"}


async def test_the_end_is_told_to_probes_first_streams_end_clearly_and_a_chat_is_answered_later(
    doors: Doors, model: Service
) -> None:
    expected = await Talk(model).ask(COLOUR, RED_CIRCLE)
    ann = await doors.stage.private("Ann")
    await doors.idle()
    readers = [Reader() for _ in range(SEATS)]

    async with doors.api() as client:
        streams = [
            asyncio.create_task(one.read(client, numbers(seed=seed, max_tokens=3000)))
            for seed, one in enumerate(readers)
        ]
        await asyncio.wait_for(asyncio.gather(*(one.begun.wait() for one in readers)), WITHIN_S)
        asked = await ann.sends_file(RED_CIRCLE, "circle.jpg", "image/jpeg", COLOUR)
        opened = await reads(ann, say("position", "en", ahead=1), after=asked)
        ending = asyncio.create_task(doors.program.stop())
        refused_at, status = await refused(doors)
        await read_all(streams)
        code = await ending
    calls = {one.call: one for one in doors.ledger() if one.call is not None}
    await doors.program.start()
    await doors.ready()
    answered = await gets(ann, expected, after=asked)
    after = await doors.ended({}, 1)

    assert status == "stopping"
    assert refused_at < min(one.ended_at or 0.0 for one in readers)
    assert code == 0
    assert all((one.error is None) == (one.finish is not None) for one in readers)
    assert {one.error.code for one in readers if one.error} == {"engine_down"}
    assert {one.state for one in calls.values()} == {"settled"}
    assert [calls[one.id].questions for one in readers] == [
        int(one.error is None) for one in readers
    ]
    assert answered.id == opened.id
    assert len(from_bot(await ann.sees())) == 1
    assert {one.state for one in doors.ledger()} == {"settled"}
    assert (after["lost_questions"], after["repeated_answers_total"]) == (0, 0)


async def test_a_second_program_says_who_has_the_data_or_the_port(
    doors: Doors, tmp_path: Path
) -> None:
    port = doors.program.url.rpartition(":")[2]
    same_data = Program(tmp_path / "data", STORAGE__DATA_DIR=doors.folder / "data")
    same_port = Program(tmp_path / "port", WEB__PORT=port)
    both = (same_data, same_port)

    for program in both:
        await program.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            while any(program.is_running() for program in both):  # noqa: ASYNC110  (processes)
                await asyncio.sleep(0.1)
    finally:
        for program in both:
            await program.clean_up()

    assert [await program.stop() for program in both] == [1, 1]
    assert said(same_data).startswith("visionbot: another visionbot (process ")
    assert "stop it, or give this one a [storage] data_dir of its own" in said(same_data)
    cannot = f"visionbot: cannot listen on 127.0.0.1:{port}: another program uses this port"
    assert re.match(rf"{re.escape(cannot)} \(\S+, process \d+\); ", said(same_port))
    assert "set another port with VISIONBOT_WEB__PORT" in said(same_port)
    assert await doors.probe() == (200, "ok")


def numbers(*, seed: int, max_tokens: int) -> Body:
    """What keeps the model busy until its length is reached; each seed has an answer of its own."""
    form = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}
    more = {"temperature": 1.0, "seed": seed, "max_tokens": max_tokens, "response_format": form}
    return body_of("Count!", **more)


def counting(seed: int, max_tokens: int) -> ChatRequest:
    """The same for the oracle."""
    turns = (Turn("system", say("system", "en")), Turn("user", "Count!"))
    sampling = Sampling(max_tokens, 1.0, seed=seed)
    return ChatRequest(turns, sampling, format=JsonFormat(json.dumps(NUMBERS)))


async def oracle(model: Service, request: ChatRequest) -> str:
    return "".join([delta.text async for delta in model.stream(request)])


async def refused(doors: Doors) -> tuple[float, str]:
    """When the program first said that it is not ready, and why."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            status, why = await doors.probe()
            if status != 200:
                return time.monotonic(), why
            await asyncio.sleep(0.01)


def from_bot(seen: list[Seen]) -> list[Seen]:
    return [one for one in seen if one.by == BOT]


def said(program: Program) -> str:
    """The last line of what it said."""
    return program.output().strip().splitlines()[-1]
