"""Letters: what answers no question of the moment, kept until the platform has it.

Whoever changes a ticket puts the letters about it in the same transaction: `put_with`.

Letters stay after their end: by their keys what is put again comes once, and staff who answer an
old message of a ticket reach its customer, however long ago it was sent.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert  # SQLite takes the same on_conflict clauses
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.event import Button, Conversation
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import outbox, outbox_messages

Fate = Literal["sent", "unclear", "failed"]


@dataclass(frozen=True, slots=True)
class Letter:
    """`key` names what caused it: a second letter with the same key is not put."""

    key: str
    to: Conversation
    text: str
    photo: str = ""  # a digest that Photos knows
    buttons: tuple[Button, ...] = ()
    reply_to: str | None = None
    batch: str = ""  # counted together, for progress
    patient: bool = False  # everything else goes first: one of a broadcast


@dataclass(frozen=True, slots=True)
class Pending:
    id: int
    letter: Letter


class Outbox:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._arrived = asyncio.Event()
        self._arrived.set()  # rows of an earlier run may be there

    async def put(self, letters: Sequence[Letter]) -> None:
        async with self._db.write() as connection:
            await self.put_with(connection, letters)
        self.ring()

    async def put_with(self, connection: AsyncConnection, letters: Sequence[Letter]) -> None:
        """In the caller's transaction; the caller calls `ring` when that is committed."""
        rows = [_row(letter, self._clock()) for letter in letters]
        if rows:
            await connection.execute(insert(outbox).on_conflict_do_nothing(), rows)

    def ring(self) -> None:
        """There may be something to send."""
        self._arrived.set()

    async def arrived(self) -> None:
        """Return when `ring` was called since the last call; the first call returns at once."""
        await self._arrived.wait()
        self._arrived.clear()

    async def waiting(
        self, platform: str, *, patient: bool, without: Collection[str], limit: int
    ) -> list[Pending]:
        """The oldest letters of this kind that have not ended, but none to the chats `without`."""
        statement = (
            select(outbox)
            .where(
                outbox.c.state == "waiting",
                outbox.c.platform == platform,
                outbox.c.patient == patient,
                outbox.c.chat.not_in(list(without)),
            )
            .order_by(outbox.c.id)
            .limit(limit)
        )
        async with self._db.read() as connection:
            return [_pending(row) for row in await connection.execute(statement)]

    async def backlog(self) -> int:
        """How many letters are to be brought yet."""
        statement = select(func.count()).where(outbox.c.state == "waiting")
        async with self._db.read() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def sent(self, letter_id: int) -> dict[int, str]:
        """Part -> the message it has become, as far as the letter is sent."""
        table = outbox_messages
        statement = select(table.c.part, table.c.message).where(table.c.outbox_id == letter_id)
        async with self._db.read() as connection:
            return {row.part: row.message for row in await connection.execute(statement)}

    async def note(self, letter_id: int, part: int, message: str) -> None:
        values = {"outbox_id": letter_id, "part": part, "message": clean(message)}
        statement = insert(outbox_messages).values(**values).on_conflict_do_nothing()
        async with self._db.write() as connection:
            await connection.execute(statement)

    async def end(self, letter_id: int, fate: Fate) -> None:
        """`unclear`: it may have been sent; it is not sent again."""
        messages = outbox_messages
        first = (
            select(messages.c.message)
            .where(messages.c.outbox_id == letter_id)
            .order_by(messages.c.part)
            .limit(1)
            .scalar_subquery()
        )
        values = {"state": fate, "message": first, "ended_at": self._clock()}
        statement = update(outbox).where(outbox.c.id == letter_id, outbox.c.state == "waiting")
        async with self._db.write() as connection:
            await connection.execute(statement.values(**values))

    async def leave(self, batch: str, platforms: Collection[str]) -> None:
        """Letters of the batch that wait for any other platform are not sent any more."""
        off = outbox.c.platform.not_in(list(platforms))
        waits = and_(outbox.c.batch == batch, outbox.c.state == "waiting", off)
        values = {"state": "left", "ended_at": self._clock()}
        async with self._db.write() as connection:
            await connection.execute(update(outbox).where(waits).values(**values))

    async def key_of(self, to: Conversation, message: str) -> str | None:
        """The key of the letter that people read in this message of the chat."""
        statement = (
            select(outbox.c.key)
            .join(outbox_messages, outbox_messages.c.outbox_id == outbox.c.id)
            .where(
                outbox.c.platform == clean(to.platform),
                outbox.c.chat == clean(to.chat),
                outbox_messages.c.message == clean(message),
            )
        )
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar()

    async def progress(self, batch: str) -> dict[str, int]:
        """State -> how many letters of the batch have it."""
        statement = (
            select(outbox.c.state, func.count().label("letters"))
            .where(outbox.c.batch == batch)
            .group_by(outbox.c.state)
        )
        async with self._db.read() as connection:
            return {row.state: row.letters for row in await connection.execute(statement)}


def _row(letter: Letter, now: float) -> dict[str, object]:
    return {
        "key": clean(letter.key),
        "batch": letter.batch,
        "platform": clean(letter.to.platform),
        "chat": clean(letter.to.chat),
        "thread": clean(letter.to.thread),
        "text": clean(letter.text),
        "photo": letter.photo,
        "buttons": json.dumps([[button.name, button.label] for button in letter.buttons]),
        "reply_to": letter.reply_to,
        "state": "waiting",
        "at": now,
        "patient": letter.patient,
    }


def _pending(row: Row[Any]) -> Pending:  # Any: the columns are known to tables.py alone
    to = Conversation(row.platform, row.chat, row.thread)
    buttons = tuple(Button(name, label) for name, label in json.loads(row.buttons))
    return Pending(
        row.id,
        Letter(
            row.key, to, row.text, row.photo, buttons, row.reply_to, row.batch, patient=row.patient
        ),
    )
