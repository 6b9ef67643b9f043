"""From the database file to a server: every row of every table, in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Table, func, insert, select, text

from bot.storage.db import Database, Transaction
from bot.storage.errors import NotEmpty, NotMoved
from bot.storage.proposals import Fts5, WordLists
from bot.storage.tables import claims, let_go, metadata, replicas, under_way

Tell = Callable[[int, int], None]  # rows that are done, and all of them

_AT_ONCE = 500  # rows
# Of programs that ran on the file; on the server each begins anew.
_LEFT = (claims, let_go, replicas, under_way)
_TABLES = [table for table in metadata.sorted_tables if table not in _LEFT]
_GIVEN = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
_GO_ON = text(
    "SELECT setval(pg_get_serial_sequence(:name, 'id'), CAST(:newest AS bigint))"
    " WHERE pg_get_serial_sequence(:name, 'id') IS NOT NULL"
)


async def move(data_dir: Path, url: SecretStr, tell: Tell) -> int:
    """How many rows. The file stays as it is, and so do photos.

    Raises AlreadyRunning, NoDatabase, SchemaTooOld, NotEmpty, NotMoved, and what a server is at
    fault with; then nothing is on the server but empty tables.
    """
    target = await Database.open(data_dir, url)  # which keeps the bot from starting
    try:
        source = await Database.join(data_dir)
        try:
            async with source.read() as reader:
                counts = {table: await _count(reader, table) for table in _TABLES}
                async with target.write() as writer:
                    return await _copy(reader, writer, counts, target.name, tell)
        finally:
            await source.close()
    finally:
        await target.close()


async def _copy(
    reader: Transaction, writer: Transaction, counts: dict[Table, int], name: str, tell: Tell
) -> int:
    for table in _TABLES:
        if await _count(writer, table):
            raise NotEmpty(name, table.name)
    done, whole = 0, sum(counts.values())
    for table, count in counts.items():
        async for rows in _rows(reader, table):
            await writer.execute(insert(table), rows)
            done += len(rows)
            tell(done, whole)
        if await _count(writer, table) != count:
            raise NotMoved(table.name, count)
        await _go_on(reader, writer, table)
    await _go_on(reader, writer, replicas)  # their numbers stand in the names of calls
    await WordLists().put(writer, await Fts5().all(reader))
    return done


async def _rows(reader: Transaction, table: Table) -> AsyncIterator[list[dict[str, Any]]]:
    # Any: whatever the columns hold
    statement = select(table).order_by(*table.primary_key.columns)
    async with reader.stream(statement) as found:
        async for rows in found.mappings().partitions(_AT_ONCE):
            yield [dict(row) for row in rows]


async def _go_on(reader: Transaction, writer: Transaction, table: Table) -> None:
    """No number is given out again, those of rows that are gone included."""
    if table.autoincrement_column is None:
        return
    newest = (await reader.execute(select(func.max(table.c.id)))).scalar() or 0
    if table.dialect_options["sqlite"]["autoincrement"]:
        given = (await reader.execute(_GIVEN, {"name": table.name})).scalar() or 0
        newest = max(newest, given)
    if newest:
        await writer.execute(_GO_ON, {"name": table.name, "newest": newest})


async def _count(connection: Transaction, table: Table) -> int:
    return (await connection.execute(select(func.count()).select_from(table))).scalar_one()
