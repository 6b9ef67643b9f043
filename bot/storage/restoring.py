"""A backup put in the place of what is there: all of it or nothing, whenever the machine stops.

The new folder is made ready beside the old one, inside of the data folder, whose lock is held all
the while. Then a journal is written that says what moves where; from there on it is moves alone,
which `finish` carries on after a crash. What was there is left in a folder of its own.

What was open when the backup was made may have been answered since, so nothing of it is answered
or sent again: questions end as expired and each of their chats is told so once, letters end as
unclear, signed-in pages and streams begin anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, select, update

from bot.event import Event
from bot.storage.backup import ASIDE, MADE_AT, copy_folder, flush
from bot.storage.db import Database, Transaction
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import load_event
from bot.storage.inbox import OPEN
from bot.storage.journal import JOURNAL, STAGED, finish, journal
from bot.storage.outbox import Letter, Outbox
from bot.storage.room import BALLAST
from bot.storage.soundness import FILE, LAST_BACKUP, open_to_read
from bot.storage.tables import cursors, inbox, outbox, sessions, sign_in_links

_STAYS = ("visionbot.lock", STAGED, JOURNAL, "models", BALLAST, LAST_BACKUP)

ToldLate = Callable[[Event], Letter]  # for the chat of a question that may lack its answer


@dataclass(frozen=True, slots=True)
class Lost:
    """What is in the data folder and not in the backup."""

    questions: int
    people: int
    keys_revoked: tuple[str, ...]  # since then: by the backup they are valid


@dataclass(frozen=True, slots=True)
class Restored:
    aside: str  # the folder's name; empty: nothing was there
    ended: int  # questions that were open in the backup
    letters: int  # the same of letters


def compare(data_dir: Path, made_at: float) -> Lost | None:
    """None: there is nothing, or nothing that can be read."""
    file = data_dir / FILE
    if not file.exists():
        return None
    count = "SELECT COUNT(*) FROM {} WHERE {} > ?"
    try:
        with closing(open_to_read(file)) as database:
            (questions,) = database.execute(
                count.format("inbox", "received_at"), [made_at]
            ).fetchone()
            (people,) = database.execute(count.format("people", "first_seen"), [made_at]).fetchone()
            revoked = database.execute("SELECT id FROM keys WHERE revoked_at > ?", [made_at])
            return Lost(questions, people, tuple(sorted(id_ for (id_,) in revoked)))
    except sqlite3.Error:
        return None


async def prepare(
    data_dir: Path, backup: Path, told_late: ToldLate, now: float, photos: Path | None
) -> Restored:
    """Make the new folder ready. The caller holds the lock of `data_dir`. `photos`: where they are
    kept instead; there they join the others, for a photo's name is its content."""
    staged = data_dir / STAGED
    shutil.rmtree(staged, ignore_errors=True)  # of an attempt that came to nothing
    staged.mkdir(mode=0o700)
    try:
        copy_folder(backup, staged)
        (staged / MADE_AT).unlink(missing_ok=True)
        db = await Database.open(staged)
        try:
            ended, letters = await _settle(db, told_late, now)
            await db.settle()
        finally:
            await db.close()
        for leftover in staged.glob("*.lock"):
            leftover.unlink()
        if photos is not None:
            _join(staged / "photos", photos)
        flush(staged)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return Restored(_aside(data_dir, now) if _moving(data_dir) else "", ended, letters)


def replace(data_dir: Path, restored: Restored) -> None:
    """From the journal on it will be done, if not by us then by the next program that starts."""
    journal(data_dir, aside=restored.aside, out=_moving(data_dir))
    finish(data_dir)


async def _settle(db: Database, told_late: ToldLate, now: float) -> tuple[int, int]:
    async with db.write() as connection:
        events = await _open_events(connection)
        expired = update(inbox).where(inbox.c.state.in_(OPEN))
        ended = await connection.execute(expired.values(state="expired", ended_at=now))
        unclear = update(outbox).where(outbox.c.state == "waiting")
        letters = await connection.execute(unclear.values(state="unclear", ended_at=now))
        for table in (sessions, sign_in_links, cursors):
            await connection.execute(delete(table))
        by_chat = {(e.conversation.platform, e.conversation.chat): e for e in events}
        await Outbox(db, clock=lambda: now).put_with(
            connection, [told_late(event) for event in by_chat.values()]
        )
    return ended.rowcount, letters.rowcount


async def _open_events(connection: Transaction) -> list[Event]:
    statement = select(inbox.c.event).where(inbox.c.state.in_(OPEN)).order_by(inbox.c.id)
    events = []
    for text in (await connection.execute(statement)).scalars():
        with suppress(EventUnreadable):
            events.append(load_event(text))
    return events


def _join(photos: Path, others: Path) -> None:
    if photos.exists():
        copy_folder(photos, others)
        flush(others)
        shutil.rmtree(photos)


def _moving(data_dir: Path) -> list[str]:
    names = [one.name for one in data_dir.iterdir()]
    return [name for name in names if name not in _STAYS and not name.startswith(ASIDE)]


def _aside(data_dir: Path, now: float) -> str:
    name = f"{ASIDE}{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}"
    while os.path.lexists(data_dir / name):
        name += "x"
    return name
