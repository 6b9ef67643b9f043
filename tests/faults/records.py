"""What the program's database says, whichever database that is; asked beside the program."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import asyncpg

from bot.storage.soundness import FILE
from tests.faults.house import WITHIN_S, House

Row = tuple[Any, ...]
Ask = Callable[[str], Awaitable[list[Row]]]  # one statement, in words that both databases know


async def until_all_ended(house: House, *, within_s: float = WITHIN_S) -> None:
    """People have read the whole answer a moment before its end is kept; who dies between writes it
    anew."""
    async with asyncio.timeout(within_s):
        while await _open(house):  # noqa: ASYNC110  (another process writes it)
            await asyncio.sleep(0.1)


async def _open(house: House) -> int:
    async with records(house) as ask:
        rows = await ask("SELECT COUNT(*) FROM inbox WHERE state IN ('new', 'waiting')")
    return int(rows[0][0])


@asynccontextmanager
async def records(house: House) -> AsyncIterator[Ask]:
    """One consistent view."""
    async with _of_postgres(house.url) if house.url else _of_sqlite(house) as ask:
        yield ask


@asynccontextmanager
async def _of_sqlite(house: House) -> AsyncIterator[Ask]:
    with closing(sqlite3.connect(house.program.data_dir / FILE)) as db:
        db.execute("BEGIN")

        async def ask(statement: str) -> list[Row]:
            return db.execute(statement).fetchall()

        yield ask


@asynccontextmanager
async def _of_postgres(url: str) -> AsyncIterator[Ask]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):

            async def ask(statement: str) -> list[Row]:
                return [tuple(row) for row in await connection.fetch(statement)]

            yield ask
    finally:
        await connection.close()
