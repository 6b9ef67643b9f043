"""Whether all that is kept fits together: the database with itself and its rules, the photos with
the rows that name them. Nothing here changes anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import Column, NullPool, Select, Table, create_engine, func, inspect, select
from sqlalchemy.engine import Connection

from bot.storage.db import Database
from bot.storage.errors import NoDatabase
from bot.storage.inbox import OPEN, End
from bot.storage.migrations.upgrade import is_behind
from bot.storage.soundness import (
    FILE,
    damage_named,
    integrity_check,
    open_to_read,
    refuse_foreign_file,
)
from bot.storage.sums import changed_files, sha256_of
from bot.storage.tables import (
    inbox,
    kept_photos,
    outbox,
    page_messages,
    people,
    ticket_lines,
    tickets,
    turns,
)

Rule = Literal["state_unknown", "end_without_time", "accepted_twice", "tried_too_often"]
Tell = Callable[[int, int], None]  # so many photos of so many are looked at

_ENDS = get_args(End)
_LATE_S = 900.0  # a photo may be put so long before the row that names it


@dataclass(frozen=True, slots=True)
class Verified:
    behind: bool  # an earlier version wrote it: the next start brings it up to date
    counts: dict[str, int]  # of rows by table
    open: int  # entries without an end
    newest_at: float | None  # when the newest entry came
    broken_rules: dict[Rule, int]
    photos: int  # files
    broken_photos: tuple[str, ...]  # their bytes are not those of their name
    missing_photos: tuple[str, ...]  # a row names them, and it is too young for them to be gone
    gone_photos: int  # whose rows are older than photos are kept
    changed_files: tuple[str, ...] = ()  # of a backup, since it was made

    @property
    def is_sound(self) -> bool:
        photos = self.broken_photos or self.missing_photos
        return not (self.broken_rules or photos or self.changed_files)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is judged by."""

    now: float  # when the copy was made
    photos_last_s: float  # 0: for ever
    most_attempts: int

    @property
    def since(self) -> float:
        """Photos that were first named after it must be there."""
        return self.now - self.photos_last_s + _LATE_S if self.photos_last_s else 0.0


def verify_folder(folder: Path, photos: Path, tell: Tell, expected: Expected) -> Verified:
    """The data of a program on SQLite, which may run. Raises NoDatabase, SchemaTooNew,
    DatabaseDamaged."""
    file = folder / FILE
    if not file.exists():
        raise NoDatabase(file)
    refuse_foreign_file(file)
    engine = create_engine("sqlite://", creator=lambda: open_to_read(file), poolclass=NullPool)
    with damage_named(file), engine.connect() as connection:
        integrity_check(connection, file)
        found = _look(connection, str(file), expected)
    return _with_photos(found, photos, tell)


def verify_backup(folder: Path, tell: Tell, expected: Expected) -> Verified:
    """The same of a backup, in which nothing may have changed. Raises the same, and OSError."""
    found = verify_folder(folder, folder / "photos", tell, expected)
    return replace(found, changed_files=tuple(changed_files(folder)))


async def verify_database(db: Database, photos: Path, tell: Tell, expected: Expected) -> Verified:
    """The same on a server, which checks its pages itself."""
    async with db.read() as connection:
        found = await connection.run_sync(_look, db.name, expected)
    return _with_photos(found, photos, tell)


@dataclass(frozen=True, slots=True)
class _Found:
    behind: bool
    counts: dict[str, int]
    open: int
    newest_at: float | None
    broken_rules: dict[Rule, int]
    needed: frozenset[str]  # photos that must be there
    named: frozenset[str]


def _look(connection: Connection, name: str, expected: Expected) -> _Found:
    ask = _Ask(connection)
    named = _named(ask)
    broken = {rule: ask.count(statement) for rule, statement in _rules(expected.most_attempts)}
    counted = (inbox, turns, people, tickets)
    return _Found(
        is_behind(connection, name),
        {one.name: ask.size(one) for one in counted},
        ask.count(select(func.count()).select_from(inbox).where(inbox.c.state.in_(OPEN))),
        connection.execute(select(func.max(inbox.c.received_at))).scalar(),
        {rule: count for rule, count in broken.items() if count},
        frozenset(digest for digest, at in named.items() if at >= expected.since),
        frozenset(named),
    )


class _Ask:
    """Older versions lack some of the tables and columns: there is nothing in them to find."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        found = inspect(connection)
        tables = set(found.get_table_names())
        self._columns = {name: {one["name"] for one in found.get_columns(name)} for name in tables}

    def size(self, table: Table) -> int:
        known = table.name in self._columns
        return self.count(select(func.count()).select_from(table)) if known else 0

    def count(self, statement: Select[int]) -> int:
        return self._connection.execute(statement).scalar_one()

    def rows(self, column: Column[str], at: Column[float]) -> Iterator[tuple[str, float]]:
        """Those with photos, and when each was written."""
        if self._columns.get(str(column.table), set()) >= {column.name, at.name}:
            found = select(column, at).where(column.not_in(("", "[]")))
            for row in self._connection.execute(found):
                yield row[0], row[1]


def _rules(most: int) -> Iterator[tuple[Rule, Select[int]]]:
    """I2, I3 and I5; see docs/reliability.md."""
    of_inbox = select(func.count()).select_from(inbox)
    yield "state_unknown", of_inbox.where(inbox.c.state.not_in((*OPEN, *_ENDS)))
    ended = inbox.c.state.in_(_ENDS)
    yield "end_without_time", of_inbox.where(ended, inbox.c.ended_at.is_(None))
    name = (inbox.c.platform, inbox.c.bot, inbox.c.chat, inbox.c.message)
    twice = select(*name).group_by(*name).having(func.count() > 1).subquery("twice")
    repeated = select(func.count()).select_from(
        inbox.join(twice, inbox.c.message == twice.c.message)
    )
    yield (
        "accepted_twice",
        repeated.where(
            inbox.c.platform == twice.c.platform,
            inbox.c.bot == twice.c.bot,
            inbox.c.chat == twice.c.chat,
        ),
    )
    yield "tried_too_often", of_inbox.where(inbox.c.attempts > most)


def _named(ask: _Ask) -> dict[str, float]:
    """Digests, and when a row named each for the first time: that was just after it was put."""
    first: dict[str, float] = {}
    for digest, at in _named_in_rows(ask):
        first[digest] = min(at, first.get(digest, at))
    return first


def _named_in_rows(ask: _Ask) -> Iterator[tuple[str, float]]:
    for table in (turns, page_messages, ticket_lines):
        for listed, at in ask.rows(table.c.photos, table.c.at):
            for digest in json.loads(listed):
                yield digest, at
    yield from ask.rows(kept_photos.c.digest, kept_photos.c.at)
    yield from ask.rows(outbox.c.photo, outbox.c.at)


def _with_photos(found: _Found, folder: Path, tell: Tell) -> Verified:
    files = sorted(folder.glob("[0-9a-f][0-9a-f]/*"))
    broken = []
    for number, file in enumerate(files, 1):
        if not _is_whole(file):
            broken.append(file.parent.name + file.name)
        tell(number, len(files))
    there = {file.parent.name + file.name for file in files}
    missing = found.needed - there
    return Verified(
        found.behind,
        found.counts,
        found.open,
        found.newest_at,
        found.broken_rules,
        len(files),
        tuple(broken),
        tuple(sorted(missing)),
        len(found.named - there - missing),
    )


def _is_whole(file: Path) -> bool:
    try:
        return sha256_of(file) == file.parent.name + file.name
    except FileNotFoundError:  # it was too old, and the program that runs has deleted it
        return True
