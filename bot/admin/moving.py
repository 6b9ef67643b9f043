"""`visionbot admin move`: from the database file to the server that [storage] url names."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.admin.copying import progress
from bot.admin.typed import MISUSED, Complaint, carried_out
from bot.config import Settings
from bot.storage.moving import move
from bot.storage.section import place_of
from bot.storage.soundness import FILE
from bot.texts import Language, say


def run(config: Path | None, language: Language | None) -> int:
    def work(settings: Settings, speaks: Language) -> str:
        storage = settings.storage
        if not storage.url:
            raise Complaint(say("move_no_url", speaks), MISUSED)
        with progress(say("move_rows", speaks)) as tell:
            rows = asyncio.run(move(storage.data_dir, storage.url, tell))
        return say(
            "moved",
            speaks,
            rows=rows,
            place=place_of(storage.url),
            file=storage.data_dir / FILE,
            photos=storage.photos,
        )

    return carried_out(config, language, work)
