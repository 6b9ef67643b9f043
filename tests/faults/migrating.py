"""Brings databases of earlier versions up to date and is killed at each statement on the way:
`python -m tests.faults.migrating FOLDER 0001 1`; 3 instead: at each third one. It prints how many
deaths there were.

After each death the database must be whole and of the earlier version with all of its rows; in the
end, without a death, of the newest one with the same rows.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from itertools import count
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from bot.storage import migrations
from bot.storage.db import Database
from bot.storage.soundness import FILE

_PEOPLE = 40


def make(folder: Path, revision: str) -> None:
    """A database of that version, with the same questions in each."""
    folder.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{folder / FILE}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(folder / FILE)) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(inbox)")]
        for number in range(_PEOPLE):
            row = _row(number, names)
            marks = ", ".join("?" * len(row))
            insert = f"INSERT INTO inbox ({', '.join(row)}) VALUES ({marks})"
            database.execute(insert, list(row.values()))
        database.commit()


def rows(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / FILE)) as database:
        assert [*database.execute("PRAGMA integrity_check")] == [("ok",)]
        assert [*database.execute("PRAGMA foreign_key_check")] == []
        found = "SELECT id, platform, chat, message, event, state FROM inbox ORDER BY id"
        return database.execute(found).fetchall()


def version(folder: Path) -> str:
    with closing(sqlite3.connect(folder / FILE)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _row(number: int, names: list[str]) -> dict[str, object]:
    text = f'{{"text": "question {number}"}}'
    values = {"platform": "telegram", "bot": "b", "thread": "", "event": text, "state": "new"}
    values |= {"chat": f"c{number}", "message": f"m{number}", "person": "p"}
    known = values | {"attempts": 0, "received_at": float(number)}
    return {name: value for name, value in known.items() if name in names}


def _die_at(nth: int) -> None:
    statements = count(1)

    def look(*_: object) -> None:
        if next(statements) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", look)


def _open(folder: Path) -> None:
    async def work() -> None:
        await (await Database.open(folder)).close()

    asyncio.run(work())


def _is_killed(folder: Path, nth: int) -> bool:
    """In a process of its own: whether it came so far."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _die_at(nth)
            _open(folder)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def main(folder: Path, revision: str, step: int) -> int:
    """It goes on with what the last death has left."""
    make(folder, revision)
    kept = rows(folder)
    assert len(kept) == _PEOPLE
    for deaths, nth in enumerate(count(1, step)):
        if not _is_killed(folder, nth):
            assert version(folder) > revision
            assert rows(folder) == kept
            return deaths
        assert version(folder) == revision
        assert rows(folder) == kept
    raise AssertionError


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))}\n")
