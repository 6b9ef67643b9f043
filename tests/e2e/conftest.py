"""One program for all talks on a server: people and rooms are new in each talk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import pytest
import pytest_asyncio

from inference.service import Service
from tests.e2e.oracle import oracle
from tests.e2e.program import Program
from tests.e2e.stage import Place, Stage, matrix_stage, telegram_stage
from tests.emulators.matrix.server import Synapse


@dataclass(frozen=True)
class Play:
    """The program on one server, with a service desk for private chats."""

    stage: Stage
    program: Program
    staff: Place  # in the staff's group, which has threads
    boss: Place  # an owner, alone with the bot


Talks = Callable[[Play, Service], Coroutine[None, None, None]]


@asynccontextmanager
async def playing(program: Program) -> AsyncIterator[Program]:
    """From its start to its orderly end."""
    await program.start()
    try:
        yield program
        assert await program.stop() == 0, program.output()[-4000:]
    finally:
        await program.clean_up()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def model() -> AsyncIterator[Service]:
    """The demo model, asked directly."""
    async with oracle() as service:
        yield service


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def plays(
    synapse: Synapse, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Play]]:
    """One on each server."""
    async with AsyncExitStack() as stack:
        stages: list[Stage] = [
            await stack.enter_async_context(telegram_stage()),
            await stack.enter_async_context(matrix_stage(synapse)),
        ]
        yield [await _play(stage, tmp_path_factory.mktemp("play"), stack) for stage in stages]


async def _play(stage: Stage, folder: Path, stack: AsyncExitStack) -> Play:
    group = await stage.group("Staff", "Wang", threads=True)
    boss = await stage.private("Boss")
    program = Program(
        folder,
        ANSWERS__DEFAULT_LANGUAGE="en",
        SERVICE__STAFF_CHAT=group.name,
        SERVICE__CUSTOMERS='["private"]',
        ACCESS__OWNERS=json.dumps([boss.person]),
        **stage.settings,
    )
    await stack.enter_async_context(playing(program))
    return Play(stage, program, group.places[0], boss)


def on_each_server(talk: Talks) -> Callable[[list[Play], Service], Awaitable[None]]:
    """The same talk on both at once: most of its time goes by in the pauses that chats demand."""

    @wraps(talk)
    async def test(plays: list[Play], model: Service) -> None:
        async with asyncio.TaskGroup() as group:
            for play in plays:
                group.create_task(talk(play, model))

    del test.__wrapped__  # its arguments are not those of the test
    return test
