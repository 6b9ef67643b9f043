from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.platforms.matrix.adapter import Matrix
from bot.platforms.matrix.client import Timings
from bot.platforms.matrix.section import MatrixSection
from tests.bot.platforms.matrix.receiving import QUICK, Cursors, Heard, Inbox
from tests.emulators.matrix.people import Person
from tests.emulators.matrix.server import Synapse


@dataclass(frozen=True)
class Account:
    """The bot's on the homeserver, with what it keeps."""

    id: str
    password: str


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def cursors() -> Cursors:
    return Cursors()


@pytest.fixture
async def account(synapse: Synapse) -> Account:
    name = f"bot-{secrets.token_hex(4)}"
    await asyncio.to_thread(synapse.register, name)
    return Account(f"@{name}:{synapse.name}", name)


@pytest.fixture
def make(
    synapse: Synapse, account: Account, cursors: Cursors, tmp_path: Path
) -> Callable[..., Matrix]:
    def build(*, timings: Timings = QUICK, keep: Cursors = cursors, **settings: Any) -> Matrix:
        given = {
            "homeserver": synapse.url,
            "user": account.id,
            "password": account.password,
            "invites": ("@*:localhost",),
            "reactions": False,
        }
        section = MatrixSection(**given | settings)
        return Matrix(section, tmp_path, keep, commands=("new", "stop"), timings=timings)

    return build


@pytest.fixture
async def meet(synapse: Synapse) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """A person with an account that nobody had before."""
    async with AsyncExitStack() as stack:

        async def person(name: str = "ann", **more: Any) -> Person:
            called = f"{name}-{secrets.token_hex(4)}"
            return await stack.enter_async_context(Person(synapse, called, **more))

        yield person


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything our side of the adapter logs, at every level."""
    handler, log = Heard(), logging.getLogger("bot.platforms")
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    log.setLevel(before)
