"""The real thing: a process with the random checkpoint, asked, killed, stopped and closed."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from inference.engine.local import EngineSettings, LocalEngine
from inference.errors import ContextTooLong, EngineDown, EngineFault, ModelUnusable
from inference.request import ChatRequest, Delta, Picture, Turn

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

Paint = Callable[..., Picture]
AskFor = Callable[..., ChatRequest]
LONG = 300


@asynccontextmanager
async def running(settings: EngineSettings) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


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
    """All text and the last delta; `then` is called once, after the first ten pieces."""
    texts = []
    async with aclosing(engine.stream(request)) as deltas:
        async for delta in deltas:
            texts.append(delta.text)
            if then and len(texts) == 10:
                then()
    return "".join(texts), delta


def kill(engine: LocalEngine, sign: signal.Signals = signal.SIGKILL) -> None:
    assert engine.pid
    os.kill(engine.pid, sign)


def asked(engine: LocalEngine) -> list[int]:
    """Those that the process of now has been handed."""
    process = engine._process
    return [id for id, answer in engine._answers.items() if process and answer.asked is process]


async def until(truth: Callable[[], bool]) -> None:
    while not truth():  # noqa: ASYNC110  # of another process: it tells nobody
        await asyncio.sleep(0.01)


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
    assert engine.stats().restarts == restarts + 1


async def test_engine_that_makes_no_step_is_replaced(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings], ask: AskFor
) -> None:
    request = ask("Go on.", max_tokens=LONG)
    async with running(settings_of(random_checkpoint, step_timeout_s=2.0)) as engine:
        whole, _ = await read(engine, request)

        text, _ = await read(engine, request, then=lambda: kill(engine, signal.SIGSTOP))

        assert text == whole
        assert engine.stats().restarts == 1


async def test_request_over_which_the_engine_dies_three_times_is_given_up(
    endless_checkpoint: Path, settings_of: Callable[..., EngineSettings], ask: AskFor
) -> None:
    async with running(settings_of(endless_checkpoint)) as engine:
        restarts = engine.stats().restarts
        pids: list[int] = []

        async def keep_killing() -> None:
            while len(pids) < 3:
                await until(lambda: engine.pid not in (None, *pids) and engine.stats().running > 0)
                assert engine.pid
                pids.append(engine.pid)
                kill(engine)

        with pytest.raises(EngineFault):
            await asyncio.gather(read(engine, ask("x", max_tokens=900)), keep_killing())

        text, _ = await read(engine, ask("hello", max_tokens=5))
        assert text
        assert engine.stats().restarts == restarts + 3


async def test_request_over_which_the_engine_dies_takes_none_that_waits_with_it(
    endless_checkpoint: Path, settings_of: Callable[..., EngineSettings], ask: AskFor
) -> None:
    async with running(settings_of(endless_checkpoint, max_sequences=1)) as engine:
        reading = [asyncio.create_task(read(engine, ask("x", max_tokens=900)))]
        await until(lambda: engine.stats().running == 1)
        reading += [asyncio.create_task(read(engine, ask("y", max_tokens=5))) for _ in range(3)]
        await until(lambda: len(asked(engine)) == 4)

        first = min(engine._answers)
        for _ in range(3):
            await until(lambda: engine.pid is not None and engine._in_hand == {first})
            await until(lambda: len(asked(engine)) == 4 and engine.stats().running == 1)
            pid = engine.pid
            kill(engine)
            await until(lambda pid=pid: engine.pid != pid)
        poison, *others = await asyncio.gather(*reading, return_exceptions=True)

    assert isinstance(poison, EngineFault)
    assert [type(other) for other in others] == [tuple] * 3


async def test_engine_comes_back_once_the_system_has_room_for_a_process_again(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings], ask: AskFor
) -> None:
    async with running(settings_of(random_checkpoint)) as engine:
        assert engine.stats().up
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            kill(engine)
            await until(lambda: engine._failed_starts > 0)
            assert not engine.stats().up
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        text, _ = await read(engine, ask("hello", max_tokens=5))

        assert text
        assert engine.stats().up


async def test_closing_the_stream_frees_the_pages(engine: LocalEngine, ask: AskFor) -> None:
    async with aclosing(engine.stream(ask("Go on.", max_tokens=900))) as deltas:
        await anext(deltas)
        assert engine.stats().running == 1

    steps = engine.stats().steps
    await until(lambda: engine.stats().pages_used == 0)

    assert engine.stats().steps - steps < 100
    assert (engine.stats().running, engine.stats().waiting) == (0, 0)


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


async def test_stats_tell_of_the_work_done(engine: LocalEngine, ask: AskFor) -> None:
    before = engine.stats()
    for _ in range(2):
        await read(engine, ask("the same question about nothing at all", max_tokens=5))
    after = engine.stats()

    assert after.completion_tokens - before.completion_tokens == 10
    assert after.cached_tokens > before.cached_tokens
    assert after.steps > before.steps
    assert after.pages > 0


async def test_ctrl_c_does_not_reach_the_engine(engine: LocalEngine, ask: AskFor) -> None:
    pid = engine.pid

    text, _ = await read(
        engine, ask("Go on.", max_tokens=60), then=lambda: kill(engine, signal.SIGINT)
    )

    assert text
    assert engine.pid == pid


async def test_asking_a_closed_engine_says_that_it_is_down(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings], ask: AskFor
) -> None:
    async with running(settings_of(random_checkpoint)) as engine:
        reading = asyncio.create_task(read(engine, ask("Go on.", max_tokens=900)))
        await until(lambda: engine.stats().running == 1)

    with pytest.raises(EngineDown):
        await reading
    with pytest.raises(EngineDown):
        await read(engine, ask("hello"))


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
from inference.engine.local import EngineSettings, LocalEngine

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

    await asyncio.wait_for(until(lambda: not _lives(pid)), 10)


def _lives(pid: int) -> bool:
    """A zombie does not: here nobody may be left to reap it."""
    try:
        state: Any = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return bool(state != "Z")
