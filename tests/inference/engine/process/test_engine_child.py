"""Faults inside the engine process: who is hurt, who is not, and what the log tells of it.

FAULTS rows 34 (memory), 35 (an exception), 36 (no numbers), 37 (no end), 38 (the device).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from inference.engine.local import LocalEngine
from inference.engine.settings import EngineSettings
from inference.errors import EngineFault
from inference.request import ChatRequest, Delta
from tests.inference.engine.faulty_child import MARK, command, left, provoke
from tests.inference.engine.small_model import NAME

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

AskFor = Callable[..., ChatRequest]
ALWAYS = 50


def small(**changes: Any) -> EngineSettings:
    return EngineSettings(model=NAME, **changes)


@asynccontextmanager
async def running(settings: EngineSettings, faults: Path) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(settings, command=command(faults))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(endless_checkpoint: Path, faults: Path) -> AsyncIterator[LocalEngine]:
    settings = EngineSettings(model=str(endless_checkpoint), device="cpu", dtype="float32")
    async with running(settings, faults) as engine:
        yield engine


async def read(
    engine: LocalEngine, request: ChatRequest, *, began: asyncio.Event | None = None
) -> Delta:
    whole = Delta()
    async with aclosing(engine.stream(request)) as deltas:
        async for delta in deltas:
            whole += delta
            if began:
                began.set()
    return whole


async def read_beside(
    engine: LocalEngine, calm: ChatRequest, faulty: ChatRequest
) -> list[Delta | BaseException]:
    """The faulty one joins when the other one has begun."""
    began = asyncio.Event()

    async def read_faulty() -> Delta:
        await began.wait()
        return await read(engine, faulty)

    return await asyncio.gather(
        read(engine, calm, began=began), read_faulty(), return_exceptions=True
    )


@pytest.mark.parametrize("kind", ["memory", "numbers", "other"])
@pytest.mark.row(34, 35, 36)
async def test_fault_in_one_sequence_ends_that_one_alone(
    kind: str, engine: LocalEngine, faults: Path, ask: AskFor
) -> None:
    calm = ask("Tell me more.", max_tokens=150, temperature=1.3, seed=5)
    alone = await read(engine, calm)
    provoke(faults, kind, times=ALWAYS)

    beside, fault = await read_beside(engine, calm, ask(f"{MARK}{kind} please", max_tokens=20))

    assert isinstance(fault, EngineFault)
    assert fault.kind == kind
    assert isinstance(beside, Delta)
    assert (beside.text, beside.finish) == (alone.text, alone.finish)
    now = engine.stats()
    assert (now.running, now.waiting, now.pages_used, now.restarts) == (0, 0, 0, 0)


@pytest.mark.row(34)
async def test_memory_that_was_short_for_a_moment_hurts_nobody(
    engine: LocalEngine, faults: Path, ask: AskFor
) -> None:
    request = ask(f"{MARK}moment please", max_tokens=20)
    alone = await read(engine, request)
    provoke(faults, "moment", times=1)

    again = await read(engine, request)

    assert left(faults, "moment") == 0
    assert again.text == alone.text
    assert engine.stats().restarts == 0


@pytest.mark.parametrize("kind", ["hang", "gil"])
@pytest.mark.row(37)
async def test_step_that_never_ends_is_told_of_in_the_log_and_its_process_replaced(
    kind: str,
    ask: AskFor,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calm = ask("Tell me more.", max_tokens=2000)
    faulty = ask(f"{MARK}{kind} please", max_tokens=20)
    async with running(small(step_timeout_s=5.0), tmp_path) as engine:
        alone = [await read(engine, request) for request in (calm, faulty)]
        provoke(tmp_path, kind, times=1)

        both = await read_beside(engine, calm, faulty)

        assert [one.text for one in both if isinstance(one, Delta)] == [d.text for d in alone]
        assert engine.stats().restarts >= 1
    assert "Timeout (0:00:05)!" in caplog.text
    assert "in hang" in caplog.text
    assert "in _listen" in caplog.text
    assert "a step took longer than [engine] step_timeout_s, 5 s; raise it" in caplog.text


@pytest.mark.parametrize(("kind", "code"), [("device", 70), ("abort", -6)])
@pytest.mark.row(13, 38)
async def test_request_that_kills_the_process_is_found_and_its_neighbour_answered(
    kind: str,
    code: int,
    ask: AskFor,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calm = ask("Tell me more.", max_tokens=2000)
    provoke(tmp_path, kind, times=ALWAYS)
    async with running(small(), tmp_path) as engine:
        alone = await read(engine, calm)

        beside, fault = await read_beside(engine, calm, ask(f"{MARK}{kind} please"))

        assert isinstance(beside, Delta)
        assert beside.text == alone.text
        assert isinstance(fault, EngineFault)
        assert str(fault) == "the engine died 3 times over this request"
        assert fault.kind == "deadly"
        assert engine.stats().restarts == 3
    assert caplog.text.count(f"ended with code {code}") == 3
    assert left(tmp_path, kind) == ALWAYS - 3  # none was tried again in one process
    assert "most recent call" in caplog.text
