"""The real thing: a process with the random checkpoint, asked, killed, stopped and closed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from inference.engine.local import LocalEngine
from inference.engine.process.launch import ENGINE
from inference.engine.settings import EngineSettings
from inference.errors import ContextTooLong, EngineDown, EngineFault, ModelUnusable
from inference.request import ChatRequest, Delta, Picture, Turn
from tests.inference.engine.faulty_child import GATE, MARK, command, left, provoke
from tests.inference.engine.small_model import NAME
from tests.inference.engine.watching import lives, unread_bytes, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

Paint = Callable[..., Picture]
AskFor = Callable[..., ChatRequest]
LONG = 300
ENDLESS = 30_000  # tokens, of the small model


@asynccontextmanager
async def running(
    settings: EngineSettings, command: Sequence[str] = ENGINE
) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(settings, command=command)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def running_small(faults: Path, **changes: Any) -> AsyncIterator[LocalEngine]:
    """A real process with a model that loads at once and never ends an answer by itself."""
    settings = EngineSettings(model=NAME, **{"max_context_tokens": 1 << 15, **changes})
    async with running(settings, command(faults)) as engine:
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(random_checkpoint: Path) -> AsyncIterator[LocalEngine]:
    settings = EngineSettings(
        model=str(random_checkpoint), device="cpu", dtype="float32", max_sequences=4
    )
    async with running(settings) as engine:
        yield engine


async def read(
    engine: LocalEngine, request: ChatRequest, *, then: Callable[[], None] | None = None
) -> tuple[str, Delta]:
    """All text and the last delta; `then` is called once, after the first ten letters. Pieces are
    fewer where the machine is busy."""
    text = ""
    async with aclosing(engine.stream(request)) as deltas:
        async for delta in deltas:
            text += delta.text
            if then and len(text) >= 10:
                then()
                then = None
    return text, delta


def kill(engine: LocalEngine, sign: signal.Signals = signal.SIGKILL) -> None:
    assert engine.pid
    os.kill(engine.pid, sign)


def asked(engine: LocalEngine) -> list[int]:
    """Those that the process of now has been handed."""
    process = engine._questions.process
    answers = engine._questions._answers
    return [id for id, answer in answers.items() if process and answer.asked is process]


def all_is_read(engine: LocalEngine) -> bool:
    """Of what the process has said."""
    process = engine._questions.process
    assert process
    line = process._writer.get_extra_info("socket").fileno()
    return not unread_bytes(line, by="us") and not process._reader._buffer


def all_is_heard(engine: LocalEngine) -> bool:
    """By the process, of what it was told."""
    process = engine._questions.process
    assert process
    return not unread_bytes(process._writer.get_extra_info("socket").fileno(), by="them")


async def test_answer_comes_in_pieces_and_ends_with_its_usage(
    engine: LocalEngine, ask: AskFor, paint: Paint
) -> None:
    request = ask("图里有什么？", paint(1), max_tokens=20)
    async with aclosing(engine.stream(request)) as deltas:
        received = [delta async for delta in deltas]

    assert len(received) > 3
    assert [delta.finish for delta in received[:-1]] == [None] * (len(received) - 1)
    assert received[-1].finish == "length"
    assert received[-1].usage is not None
    assert received[-1].usage.completion_tokens == 20


async def test_killed_engine_finishes_every_answer_as_if_nothing_had_happened(
    engine: LocalEngine, ask: AskFor, paint: Paint
) -> None:
    requests = [
        ask("图里有什么？", paint(1), max_tokens=LONG),
        ask("Tell me more.", max_tokens=LONG, temperature=1.3, seed=5),
        ask("And this?", paint(2), paint(3), max_tokens=LONG, temperature=0.8, top_p=0.9, seed=6),
    ]
    whole = await asyncio.gather(*(read(engine, request) for request in requests))
    restarts = engine.stats().restarts

    killed = await asyncio.gather(
        read(engine, requests[0], then=lambda: kill(engine)),
        *(read(engine, request) for request in requests[1:]),
    )

    assert [text for text, _ in killed] == [text for text, _ in whole]
    assert [end.finish for _, end in killed] == [end.finish for _, end in whole]
    await until(lambda: engine.stats().restarts > restarts)
    assert engine.stats().restarts == restarts + 1


@pytest.mark.row(37)
async def test_engine_that_is_not_heard_of_is_replaced(tmp_path: Path, ask: AskFor) -> None:
    request = ask("Go on.", max_tokens=3000)
    async with running_small(tmp_path, step_timeout_s=5.0) as engine:
        whole, _ = await read(engine, request)

        text, _ = await read(engine, request, then=lambda: kill(engine, signal.SIGSTOP))

        assert text == whole
        assert engine.stats().restarts >= 1


@pytest.mark.row(13, 38)
async def test_request_over_which_the_engine_dies_three_times_is_given_up(
    tmp_path: Path, ask: AskFor
) -> None:
    async with running_small(tmp_path) as engine:
        pids: list[int] = []

        async def keep_killing() -> None:
            while len(pids) < 3:
                await until(lambda: engine.pid not in (None, *pids) and engine.stats().running > 0)
                assert engine.pid
                pids.append(engine.pid)
                kill(engine)

        with pytest.raises(EngineFault) as caught:
            await asyncio.gather(read(engine, ask("x", max_tokens=ENDLESS)), keep_killing())

        text, _ = await read(engine, ask("hello", max_tokens=5))
        assert caught.value.kind == "deadly"
        assert text
        assert engine.stats().restarts == 3


async def test_request_over_which_the_engine_dies_takes_none_that_waits_with_it(
    tmp_path: Path, ask: AskFor
) -> None:
    async with running_small(tmp_path, max_sequences=1) as engine:
        reading = [asyncio.create_task(read(engine, ask("x", max_tokens=ENDLESS)))]
        await until(lambda: engine.stats().running == 1)
        reading += [asyncio.create_task(read(engine, ask("y", max_tokens=5))) for _ in range(3)]
        await until(lambda: len(asked(engine)) == 4)

        first = min(asked(engine))
        for _ in range(3):
            await until(lambda: engine.pid is not None and engine._questions.in_hand == {first})
            pid = engine.pid
            kill(engine)
            await until(lambda pid=pid: engine.pid != pid)
        poison, *others = await asyncio.gather(*reading, return_exceptions=True)

    assert isinstance(poison, EngineFault)
    assert [type(other) for other in others] == [tuple] * 3


@pytest.mark.row(13)
async def test_of_several_in_hand_the_one_over_which_the_engine_dies_is_found(
    tmp_path: Path, ask: AskFor
) -> None:
    calm = [ask(f"question {number}", max_tokens=1500) for number in range(3)]
    long = ask("x" * ENDLESS, max_tokens=5)  # in hand until it is killed: a part of it in each step
    async with running_small(tmp_path, step_tokens=4) as engine:
        whole = [await read(engine, request) for request in calm]
        reading = [asyncio.create_task(read(engine, one)) for one in (*calm[:1], long, *calm[1:])]
        await until(lambda: len(asked(engine)) == 4)
        _, poison, *_ = together = asked(engine)

        for due in (set(together), set(together), {poison}):
            await until(lambda due=due: engine.pid is not None and due <= engine._questions.in_hand)
            pid = engine.pid
            kill(engine)
            await until(lambda pid=pid: engine.pid != pid)
        answers = await asyncio.gather(*reading, return_exceptions=True)

    fault = answers.pop(1)
    assert isinstance(fault, EngineFault)
    assert fault.kind == "deadly"
    assert [text for text, _ in answers] == [text for text, _ in whole]
    assert [end.finish for _, end in answers] == ["length"] * 3


async def test_state_tells_how_the_engine_is(tmp_path: Path) -> None:
    engine = LocalEngine(EngineSettings(model=NAME), command=command(tmp_path))
    states = [engine.stats().state]

    await engine.start()
    states.append(engine.stats().state)
    kill(engine)
    await until(lambda: engine.pid is None)
    states.append(engine.stats().state)
    await until(lambda: engine.pid is not None)
    states.append(engine.stats().state)
    await engine.close()
    states.append(engine.stats().state)

    assert states == ["starting", "up", "restarting", "up", "down"]


async def test_engine_comes_back_once_its_process_can_be_started_again(
    tmp_path: Path, ask: AskFor
) -> None:
    interpreter, *arguments = command(tmp_path)
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\nexec "{interpreter}" "$@"\n')
    launcher.chmod(0o700)
    settings = EngineSettings(model=NAME)
    async with running(settings, (str(launcher), *arguments)) as engine:
        hidden = launcher.rename(tmp_path / "hidden")
        kill(engine)
        await until(lambda: engine.stats().state == "down")
        with pytest.raises(EngineDown, match="cannot be started"):
            await read(engine, ask("hello"))
        hidden.rename(launcher)
        await until(lambda: engine.stats().up)

        text, _ = await read(engine, ask("hello", max_tokens=5))

        assert text


@pytest.mark.row(40)
async def test_closing_the_stream_frees_the_pages_before_another_step_is_made(
    tmp_path: Path, ask: AskFor
) -> None:
    os.mkfifo(tmp_path / GATE)
    request = ask(f"{MARK}{GATE} please", max_tokens=ENDLESS)
    async with running_small(tmp_path) as engine:
        async with aclosing(engine.stream(request)) as deltas:
            await anext(deltas)
            provoke(tmp_path, GATE, times=1)
            await until(lambda: left(tmp_path, GATE) == 0)  # it is in the midst of a step
            await until(lambda: all_is_read(engine))
            before = engine.stats()

        await until(lambda: all_is_heard(engine))
        await asyncio.to_thread((tmp_path / GATE).write_bytes, b"")
        await until(lambda: engine.stats().pages_used == 0)

        after = engine.stats()
        assert (before.running, after.running, after.waiting) == (1, 0, 0)
        assert after.steps - before.steps <= 2


async def test_request_that_is_cancelled_while_its_prompt_is_computed_leaves_nothing(
    tmp_path: Path, ask: AskFor
) -> None:
    async with running_small(tmp_path, step_tokens=1) as engine:
        reading = asyncio.create_task(read(engine, ask("x" * ENDLESS)))
        await until(lambda: engine.stats().steps > 100)

        reading.cancel()
        await until(lambda: engine.stats().running == 0)

        now = engine.stats()
        assert (now.waiting, now.pages_used, now.completion_tokens) == (0, 0, 0)
        assert now.steps < ENDLESS


async def test_request_that_is_cancelled_while_it_waits_never_runs(
    tmp_path: Path, ask: AskFor
) -> None:
    seats = 4
    async with running_small(tmp_path, max_sequences=1) as engine:
        first = asyncio.create_task(read(engine, ask("x", max_tokens=ENDLESS)))
        await until(lambda: engine.stats().running == 1)
        others = [asyncio.create_task(read(engine, ask("y"))) for _ in range(seats)]
        await until(lambda: len(asked(engine)) == seats)
        await until(lambda: engine._tally.counts.waiting == seats - 1)

        for other in others:  # those inside the process, and one that is not yet
            other.cancel()
        await asyncio.wait(others)
        await until(lambda: engine._tally.counts.waiting == 0)  # it has heard of that
        assert not first.done()
        first.cancel()
        await until(lambda: engine.stats().running == 0)

        assert engine.stats().prompt_tokens == 1  # of the first


async def test_request_that_is_cancelled_during_a_restart_is_not_asked_again(
    tmp_path: Path, ask: AskFor
) -> None:
    async with running_small(tmp_path) as engine:
        reading = asyncio.create_task(read(engine, ask("x", max_tokens=ENDLESS)))
        await until(lambda: engine.stats().running == 1)
        kill(engine)
        await until(lambda: engine.pid is None)
        tokens = engine.stats().completion_tokens

        reading.cancel()
        await until(lambda: engine.stats().up)
        text, _ = await read(engine, ask("hello", max_tokens=5))

        assert text
        assert engine.stats().completion_tokens == tokens + 5


async def test_slow_reader_gets_what_has_come_meanwhile_in_one_piece(
    engine: LocalEngine, ask: AskFor
) -> None:
    request = ask("Go on.", max_tokens=60)
    whole, _ = await read(engine, request)
    before = engine.stats().completion_tokens

    async with aclosing(engine.stream(request)) as deltas:
        first = await anext(deltas)
        await until(lambda: engine.stats().completion_tokens == before + 60)
        last = await anext(deltas)

    assert last.finish == "length"
    assert first.text + last.text == whole


async def test_more_requests_than_sequences_are_all_answered(
    engine: LocalEngine, ask: AskFor
) -> None:
    requests = [ask(f"question {number}", max_tokens=8) for number in range(30)]

    answers = await asyncio.gather(*(read(engine, request) for request in requests))

    assert all(end.usage and end.usage.completion_tokens for _, end in answers)
    assert engine.stats().waiting == 0


async def test_person_who_sends_many_does_not_make_another_wait_for_all_of_them(
    tmp_path: Path, ask: AskFor
) -> None:
    ended: list[str] = []

    async def read_for(person: str) -> None:
        await read(engine, replace(ask(f"for {person}", max_tokens=40), person=person))
        ended.append(person)

    async with running_small(tmp_path, max_sequences=1) as engine:
        reading = [asyncio.create_task(read_for("flooder")) for _ in range(20)]
        await until(lambda: engine.stats().running == 1)  # all of them are in the line by then
        reading.append(asyncio.create_task(read_for("ben")))
        await asyncio.gather(*reading)

    assert len(ended) == 21
    assert ended.index("ben") < 8


async def test_too_long_prompt_is_refused_with_its_numbers(
    engine: LocalEngine, ask: AskFor
) -> None:
    with pytest.raises(ContextTooLong) as caught:
        await read(engine, ask("1, " * 2000))

    assert caught.value.limit == engine.stats().context_tokens == 1024
    assert caught.value.tokens > 1024


async def test_measure_tells_the_tokens_of_a_turn(engine: LocalEngine, paint: Paint) -> None:
    bare, seen = await asyncio.gather(
        engine.measure(Turn("user", "hi")), engine.measure(Turn("user", "hi", (paint(1),)))
    )

    # 150x110 becomes 140x112 pixels: 5 x 4 tokens, and the two marks around them
    assert seen - bare == 5 * 4 + 2


async def test_many_turns_are_measured_though_few_are_inside_at_once(tmp_path: Path) -> None:
    async with running_small(tmp_path) as engine:
        turns = [Turn("user", "x" * number) for number in range(300)]

        asking = [asyncio.create_task(engine.measure(turn)) for turn in turns]
        await until(lambda: bool(engine._questions._measures))
        inside = len(engine._questions._measures)

        assert await asyncio.gather(*asking) == list(range(300))
        assert 0 < inside <= 64


async def test_turn_that_waits_to_be_measured_is_told_when_the_engine_is_closed(
    tmp_path: Path,
) -> None:
    async with running_small(tmp_path) as engine:
        kill(engine, signal.SIGSTOP)
        asking = [asyncio.create_task(engine.measure(Turn("user", "x"))) for _ in range(100)]
        await until(lambda: len(engine._questions._measures) == 64)
        kill(engine)

    ends = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(end) for end in ends} <= {EngineDown, int}


async def test_stats_tell_of_the_work_done(engine: LocalEngine, ask: AskFor) -> None:
    before = engine.stats()
    for _ in range(2):
        await read(engine, ask("the same question about nothing at all", max_tokens=5))
    after = engine.stats()

    assert after.completion_tokens - before.completion_tokens == 10
    assert after.cached_tokens > before.cached_tokens
    assert after.steps > before.steps
    assert after.pages > 0
    assert after.pages_cached > 0
    assert after.tokens_per_s > 0
    assert 0 < after.hit_rate < 1
    assert after.times.prefill_s > before.times.prefill_s
    assert after.times.decode_s > before.times.decode_s


async def test_ctrl_c_does_not_reach_the_engine(engine: LocalEngine, ask: AskFor) -> None:
    pid = engine.pid

    text, _ = await read(
        engine, ask("Go on.", max_tokens=60), then=lambda: kill(engine, signal.SIGINT)
    )

    assert text
    assert engine.pid == pid


async def test_closing_ends_what_streams_and_asking_then_says_that_it_is_down(
    tmp_path: Path, ask: AskFor
) -> None:
    async with running_small(tmp_path, max_sequences=2) as engine:
        request = ask("Go on.", max_tokens=ENDLESS)
        reading = [asyncio.create_task(read(engine, request)) for _ in range(10)]
        await until(lambda: engine.stats().running == 2)
        pid = engine.pid
        assert pid

    ends = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(end) for end in ends] == [EngineDown] * 10
    assert not Path(f"/proc/{pid}").exists()  # noqa: ASYNC240  # not on a disk
    with pytest.raises(EngineDown):
        await read(engine, ask("hello"))
    with pytest.raises(EngineDown):
        await engine.measure(Turn("user", "hello"))


async def test_unusable_model_stops_the_start(
    tmp_path: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    with pytest.raises(ModelUnusable, match="nowhere"):
        await LocalEngine(settings_of(tmp_path / "nowhere")).start()


async def test_start_that_takes_too_long_is_given_up(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    with pytest.raises(ModelUnusable, match="start_timeout_s"):
        await LocalEngine(settings_of(random_checkpoint, start_timeout_s=0.1)).start()


async def test_engine_ends_when_its_parent_is_killed(random_checkpoint: Path) -> None:
    program = """
import asyncio, sys
from inference.engine.local import LocalEngine
from inference.engine.settings import EngineSettings

async def main():
    engine = LocalEngine(EngineSettings(model=sys.argv[1], device="cpu"))
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(random_checkpoint), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await until(lambda: not lives(pid))


async def test_forgotten_prompt_is_computed_anew_with_its_picture(
    engine: LocalEngine, ask: AskFor, paint: Paint
) -> None:
    request = ask("a question that is long enough for some pages of it", paint(7), max_tokens=3)
    text, _ = await read(engine, request)
    _, second = await read(engine, request)
    encoded = engine.stats().pictures_encoded

    await engine.forget()
    again, third = await read(engine, request)

    assert second.usage is not None
    assert third.usage is not None
    assert second.usage.cached_tokens > 0
    assert third.usage.cached_tokens == 0
    assert again == text
    assert engine.stats().pictures_encoded == encoded + 1


async def test_answer_under_way_goes_on_when_all_is_forgotten(
    engine: LocalEngine, ask: AskFor
) -> None:
    request = ask("go on and on", max_tokens=LONG)
    whole, _ = await read(engine, request)
    forgetting: list[asyncio.Task[None]] = []

    def forget() -> None:
        forgetting.append(asyncio.create_task(engine.forget()))

    text, _ = await read(engine, request, then=forget)
    await forgetting[0]

    assert text == whole


async def test_forgetting_ends_with_a_process_that_dies_over_it(tmp_path: Path) -> None:
    async with running_small(tmp_path) as engine:
        kill(engine, signal.SIGSTOP)
        forgetting = asyncio.create_task(engine.forget())
        await asyncio.sleep(0)
        kill(engine)

        await forgetting
