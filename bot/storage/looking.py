"""What the next start will find, wherever that stands; nothing is changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from bot.storage.db import Database
from bot.storage.errors import NoTables, SchemaTooOld
from bot.storage.keys import Keys
from bot.storage.section import place_of
from bot.storage.soundness import FILE, Found, inspect


async def look(data_dir: Path, url: SecretStr) -> Found:
    """Raises StorageError; OSError when a file cannot be read."""
    if not url:
        return await asyncio.to_thread(inspect, data_dir)
    try:
        db = await Database.join(data_dir, url)
    except NoTables:
        return Found("missing")
    except SchemaTooOld:
        return Found("behind")
    try:
        return Found("sound", await Keys(db).count())
    finally:
        await db.close()


def place_to_show(data_dir: Path, url: SecretStr) -> str:
    return place_of(url) if url else str(data_dir / FILE)
