"""The database: opened by one program or shared, sound or refused, one writer at a time."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sqlite3
import sys
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from bot.storage.db import Database, Transaction
from bot.storage.errors import AlreadyRunning, DatabaseDamaged, NotWritten, SchemaTooNew
from bot.storage.section import StorageSection
from bot.storage.soundness import FILE
from bot.storage.tables import page_messages
from tests.bot.storage.ground import Ground, on_postgres, on_sqlite

OPEN_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from bot.storage.db import Database
async def main():
    db = await Database.open(Path(sys.argv[1]))  # the lock lives as long as this name
    print("open", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
HOLD_THE_WRITE_LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
database.execute("COMMIT")
"""


@contextlib.asynccontextmanager
async def program(source: str, argument: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process; entered when it has written its first line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        source,
        str(argument),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def message(words: str) -> dict[str, object]:
    row = {"chat": "c", "side": "bot", "text": words, "photos": "[]", "final": True, "at": 0.0}
    return row | {"rich": False, "buttons": "[]"}


async def texts(db: Database) -> list[str]:
    async with db.read() as connection:
        statement = select(page_messages.c.text).order_by(page_messages.c.id)
        return list((await connection.execute(statement)).scalars())


async def test_what_was_written_is_there_after_reopening(ground: Ground):
    ground = replace(ground, data_dir=ground.data_dir / "new" / "folder")
    db = await ground.open()
    async with db.write() as connection:
        await connection.execute(insert(page_messages).values(message("kept")))
    await db.close()

    again = await ground.open()

    assert await texts(again) == ["kept"]
    await again.close()


@on_sqlite  # its pragmas
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30000)],
)
async def test_every_connection_is_durable_and_patient(db: Database, pragma: str, value: object):
    async with db.read() as one, db.read() as another:
        for connection in (one, another):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value


async def test_an_exception_in_a_write_undoes_all_of_it(db: Database):
    async def fail() -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(message("gone")))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await texts(db) == []


@on_sqlite  # it has a file
async def test_a_write_locks_the_file_before_its_first_statement(db: Database):
    other = sqlite3.connect(db.data_dir / FILE, timeout=0, isolation_level=None)

    async with db.write():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    other.execute("BEGIN IMMEDIATE")
    other.close()


@on_sqlite
async def test_a_write_that_the_database_undid_by_itself_is_no_success(db: Database):
    """As it may where the disk is full, also if somebody has caught what was said of it."""

    async def write() -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages), [message("lost")])
            await connection.exec_driver_sql("ROLLBACK")

    with pytest.raises(NotWritten, match="tried again"):
        await write()

    async with db.write() as connection:
        await connection.execute(insert(page_messages), [message("kept")])
    assert await texts(db) == ["kept"]


async def test_a_reader_sees_one_moment_and_does_not_wait_for_a_writer(db: Database):
    counting = select(func.count()).select_from(page_messages)
    async with db.read() as reader:
        before = (await reader.execute(counting)).scalar_one()
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(message("later")))
            during = (await reader.execute(counting)).scalar_one()
        after = (await reader.execute(counting)).scalar_one()

    assert (before, during, after) == (0, 0, 0)
    assert await texts(db) == ["later"]


async def test_many_writers_at_once_all_succeed_one_after_the_other(db: Database):
    inside = 0

    async def write(number: int) -> None:
        nonlocal inside
        async with db.write() as connection:
            inside += 1
            assert inside == 1
            await connection.execute(insert(page_messages).values(message(str(number))))
            inside -= 1

    await asyncio.gather(*(write(number) for number in range(60)))

    assert sorted(map(int, await texts(db))) == list(range(60))


async def test_a_crowd_of_writers_leaves_room_for_readers(db: Database):
    async def write() -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(message("x")))

    async with asyncio.TaskGroup() as tasks, db.write():
        for _ in range(30):
            tasks.create_task(write())
        for _ in range(50):
            assert await texts(db) == []

    assert len(await texts(db)) == 30


async def test_a_cancelled_writer_leaves_the_way_free(db: Database):
    entered = asyncio.Event()

    async def write_for_ever() -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(message("never")))
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_for_ever())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.write() as connection:
        await connection.execute(insert(page_messages).values(message("next")))

    assert await texts(db) == ["next"]


@on_sqlite  # it has a file
async def test_a_file_locked_by_another_program_is_waited_for(db: Database):
    async def write() -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(message("patient")))

    async with program(HOLD_THE_WRITE_LOCK, db.data_dir / FILE) as other:
        writing = asyncio.create_task(write())
        for _ in range(50):  # the loop goes on, and so do readers, until the writer is at the lock
            assert await texts(db) == []
        assert not writing.done()
        await other.communicate(b"go\n")
        await writing

    assert await texts(db) == ["patient"]


async def test_what_was_read_in_a_write_still_holds_at_its_end(ground: Ground):
    """Two programs count up: no step gets lost, since nobody writes between reading and writing."""
    first, second = await ground.open(), await ground.join()
    counting = select(func.count()).select_from(page_messages)

    async def add(db: Database) -> None:
        for _ in range(20):
            async with db.write() as connection:
                number = (await connection.execute(counting)).scalar_one()
                await asyncio.sleep(0)
                await connection.execute(insert(page_messages).values(message(str(number))))

    await asyncio.gather(add(first), add(second))

    assert sorted(map(int, await texts(first))) == list(range(40))
    await second.close()
    await first.close()


@on_postgres  # SQLite lets nobody write beside another
async def test_a_stroke_waits_for_no_writer(db: Database):
    async with db.write() as writer:
        await writer.execute(insert(page_messages).values(message("slow")))
        async with db.stroke() as stroke:
            await stroke.execute(insert(page_messages).values(message("quick")))
        assert await texts(db) == ["quick"]

    assert sorted(await texts(db)) == ["quick", "slow"]


@pytest.mark.parametrize("kind", ["write", "stroke"])
async def test_what_a_fence_refuses_is_not_written(db: Database, kind: str):
    class Refused(Exception):
        pass

    async def fence(connection: Transaction) -> None:
        raise Refused

    db.fence_with(fence)
    with pytest.raises(Refused):
        async with getattr(db, kind)() as connection:
            await connection.execute(insert(page_messages).values(message("late")))

    assert await texts(db) == []


async def test_a_second_program_on_the_same_folder_is_refused(ground: Ground):
    async with program(OPEN_AND_WAIT, ground.data_dir) as first:
        with pytest.raises(AlreadyRunning, match=rf"process {first.pid}\).*visionbot\.lock"):
            await ground.open()


async def test_a_killed_program_leaves_no_lock_behind(ground: Ground):
    async with program(OPEN_AND_WAIT, ground.data_dir) as first:
        first.send_signal(signal.SIGKILL)
        await first.wait()

        db = await ground.open()

    assert await texts(db) == []
    await db.close()


async def test_a_damaged_page_is_found_named_and_left_as_it_is(tmp_path: Path):
    db = await Database.open(tmp_path)
    async with db.write() as connection:
        rows = [message("x" * 500) for _ in range(500)]
        await connection.execute(insert(page_messages), rows)
    await db.close()
    sound = (db.data_dir / FILE).read_bytes()
    middle = len(sound) // 2
    damaged = sound[:middle] + b"\xff" * 8192 + sound[middle + 8192 :]
    (db.data_dir / FILE).write_bytes(damaged)

    with pytest.raises(DatabaseDamaged, match=r"visionbot\.db is damaged .*from a backup"):
        await Database.open(tmp_path)

    assert (db.data_dir / FILE).read_bytes() == damaged
    (db.data_dir / FILE).write_bytes(sound)  # what restoring a backup does
    restored = await Database.open(tmp_path)
    assert len(await texts(restored)) == 500
    await restored.close()


@pytest.mark.parametrize(
    "content", [b"", b"SQLite form", b"SQLite format 3\x00" + b"\x99" * 4096, b"text\n" * 999]
)
async def test_a_file_that_is_no_database_is_never_overwritten(tmp_path: Path, content: bytes):
    file = tmp_path / "visionbot.db"
    file.write_bytes(content)

    with pytest.raises(DatabaseDamaged, match=r"visionbot\.db is damaged"):
        await Database.open(tmp_path)

    assert file.read_bytes() == content


@pytest.mark.row(46)
async def test_a_schema_of_a_later_version_is_refused_and_kept(ground: Ground):
    db = await ground.open()
    async with db.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    name = re.escape(db.name)
    await db.close()

    for _ in range(2):
        with pytest.raises(SchemaTooNew, match=rf"{name} has schema '9999'"):
            await ground.open()


@pytest.mark.parametrize("wrong", [{"id": 1}, {"at": None}], ids=["twice", "incomplete"])
async def test_what_people_wrote_is_in_no_error(db: Database, wrong: dict[str, object]):
    row = message("a canary of mine")

    async def write(values: dict[str, object]) -> None:
        async with db.write() as connection:
            await connection.execute(insert(page_messages).values(values))

    await write(row | {"id": 1})
    with pytest.raises(IntegrityError) as caught:
        await write(row | wrong)

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_the_default_folder_is_data():
    assert StorageSection().data_dir == Path("data")


@on_sqlite  # the server takes none
async def test_a_damaged_letter_is_read_as_such_and_nothing_around_it_is_told(db: Database):
    broken = text("SELECT CAST(x'497420ff6973' AS TEXT)")

    async with db.read() as connection:
        said = (await connection.execute(broken)).scalar_one()

    assert said == "It \ufffdis"
