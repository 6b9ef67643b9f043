"""A look at the word lists: whether each can be read, and how many phrases they have."""

from __future__ import annotations

import asyncio

from bot.checkup.finding import Finding, Round
from inference.safety.build import check_lists


async def look_at_words(round_: Round) -> Finding:
    section = round_.settings.safety
    if not section.enabled:
        return round_.off("check_words_off")
    data_dir = round_.settings.storage.data_dir
    count = await asyncio.to_thread(check_lists, section, data_dir)
    return round_.ok("check_words_read", count=count)
