"""Covering a long text up: as a short one, but nobody waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from inference.safety.safety import Safety
from inference.safety.section import SafetySection
from inference.safety.wordlists.wordbook import Wordbook


@pytest.fixture
def safety(tmp_path: Path) -> Safety:
    section = SafetySection(default_lists=False)
    return Safety(lambda: section, Wordbook(lambda: section, tmp_path))


async def test_long_text_is_covered_beside_the_loop(safety: Safety) -> None:
    text = "+1 " * 5000 + "call 13800138000"
    covering = asyncio.create_task(safety.covered(text))

    await asyncio.sleep(0)
    waits = not covering.done()

    assert await covering == safety.masked(text)
    assert (await covering).endswith("call 138****8000")
    assert waits


async def test_short_text_is_covered_at_once(safety: Safety) -> None:
    covering = asyncio.create_task(safety.covered("call 13800138000"))

    await asyncio.sleep(0)

    assert covering.done()
    assert covering.result() == "call 138****8000"
