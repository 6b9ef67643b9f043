"""The way of a message for each test that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.flow import Flow, a_flow


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """Not started yet, so that a test can set it up."""
    async with a_flow(tmp_path) as flow:
        yield flow
