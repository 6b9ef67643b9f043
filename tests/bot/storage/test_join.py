"""A second program on the same folder: beside a running one, and without it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.storage.db import Database
from bot.storage.errors import NoDatabase, SchemaTooNew, SchemaTooOld
from bot.storage.holding import holder
from bot.storage.people import People
from tests.bot.storage.ground import Ground


async def change(ground: Ground, statement: str) -> None:
    db = await ground.open()
    async with db.write() as transaction:
        await transaction.execute(text(statement))
    await db.close()


async def test_both_read_what_the_other_has_written(ground: Ground):
    first = await ground.open()
    second = await ground.join()

    await People(second).choose_language("test", "ann", "zh")
    await People(first).choose_language("test", "bob", "en")

    assert (await People(first).known("test", "ann")).language == "zh"  # type: ignore[union-attr]
    assert (await People(second).known("test", "bob")).language == "en"  # type: ignore[union-attr]
    await second.close()
    await first.close()


async def test_who_joins_keeps_nobody_from_starting(ground: Ground):
    await (await ground.open()).close()
    second = await ground.join()

    first = await ground.open()

    await first.close()
    await second.close()


async def test_without_a_database_nothing_is_made(tmp_path: Path):
    with pytest.raises(NoDatabase, match="start visionbot once"):
        await Database.join(tmp_path)

    assert os.listdir(tmp_path) == []  # noqa: PTH208  (one call on an empty folder)


async def test_tables_of_another_version_are_left_alone(ground: Ground):
    await change(ground, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaTooOld, match="start visionbot once"):
        await ground.join()


async def test_tables_of_a_later_version_are_left_alone(ground: Ground):
    await change(ground, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew):
        await ground.join()


async def test_somebody_who_only_looks_keeps_no_bot_from_starting(tmp_path: Path):
    with (tmp_path / "visionbot.lock").open("w", encoding="ascii") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        opening = asyncio.create_task(Database.open(tmp_path))
        asyncio.get_running_loop().call_later(0.03, looking.close)
        db = await opening

    assert holder(tmp_path) == os.getpid()
    await db.close()


async def test_the_process_that_holds_the_folder_is_known(tmp_path: Path):
    assert holder(tmp_path) is None

    db = await Database.open(tmp_path)
    assert holder(tmp_path) == os.getpid()

    await db.close()
    assert holder(tmp_path) is None
