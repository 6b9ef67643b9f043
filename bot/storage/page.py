"""The web page's messages: what a person sees there, also after a reload."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Row, Text, cast, delete, insert, select, update

from bot.event import Button
from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.inbox import OPEN
from bot.storage.tables import inbox, page_messages, ratings, replies

_LARGEST_ID = 2**63 - 1  # a larger one cannot even be asked for
_THUMBS = {1: "up", -1: "down"}  # as the buttons are named

_RATING = (
    select(ratings.c.value)
    .join(replies, replies.c.inbox_id == ratings.c.inbox_id)
    .join(inbox, inbox.c.id == ratings.c.inbox_id)
    .where(
        replies.c.message == cast(page_messages.c.id, Text),
        inbox.c.platform == "web",
        inbox.c.chat == page_messages.c.chat,
    )
    .limit(1)
    .scalar_subquery()
)
_MESSAGES = select(page_messages, _RATING.label("rating"))


@dataclass(frozen=True, slots=True)
class PageMessage:
    """`side` is "person" or "bot"; `photos` are digests that Photos knows; not `final`: still being
    written; `key` is its sender's name for it, empty where it has none; `rich`: Markdown;
    `pressed`: the thumb that the person gave it, "up" or "down"."""

    id: int
    side: str
    text: str
    photos: tuple[str, ...]
    final: bool
    at: float
    key: str = ""
    rich: bool = False
    buttons: tuple[Button, ...] = ()
    pressed: str = ""


class Page:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def add(
        self,
        chat: str,
        side: str,
        text: str,
        photos: Sequence[str],
        *,
        final: bool,
        key: str = "",
        rich: bool = False,
        buttons: Sequence[Button] = (),
    ) -> int:
        """The new message's id, larger than all before. A chat has a `key` at most once."""
        statement = insert(page_messages).values(
            chat=clean(chat),
            side=side,
            text=clean(text),
            photos=json.dumps(list(photos)),
            final=final,
            at=self._clock(),
            key=key or None,
            rich=rich,
            buttons=_dump(buttons),
        )
        async with self._db.write() as connection:
            added = await connection.execute(statement.returning(page_messages.c.id))
            return int(added.scalar_one())

    async def set_text(
        self,
        message_id: int,
        text: str,
        *,
        final: bool,
        rich: bool = False,
        buttons: Sequence[Button] = (),
    ) -> None:
        """Changes nothing when there is no such message."""
        if not 0 < message_id <= _LARGEST_ID:
            return
        statement = update(page_messages).where(page_messages.c.id == message_id)
        values = {"text": clean(text), "final": final, "rich": rich, "buttons": _dump(buttons)}
        async with self._db.write() as connection:
            await connection.execute(statement.values(values))

    async def get(self, chat: str, message_id: int) -> PageMessage | None:
        if not 0 < message_id <= _LARGEST_ID:
            return None
        own = (page_messages.c.chat == clean(chat)) & (page_messages.c.id == message_id)
        async with self._db.read() as connection:
            row = (await connection.execute(_MESSAGES.where(own))).one_or_none()
        return None if row is None else _message(row)

    async def has_photo(self, chat: str, digest: str) -> bool:
        """Does it stand in a message of this chat, however old?"""
        found = select(page_messages.c.id).where(
            page_messages.c.chat == clean(chat),
            page_messages.c.photos.contains(f'"{digest}"', autoescape=True),
        )
        async with self._db.read() as connection:
            return (await connection.execute(found.limit(1))).first() is not None

    async def find(self, chat: str, key: str) -> PageMessage | None:
        """What was sent under that name."""
        wanted = (page_messages.c.chat == clean(chat)) & (page_messages.c.key == key)
        async with self._db.read() as connection:
            row = (await connection.execute(_MESSAGES.where(wanted))).one_or_none()
        return None if row is None else _message(row)

    async def forget_orphans(self) -> None:
        """To be called before anybody writes: a bot's message that is not final and belongs to no
        open question was added just before the program died, and nobody will write it on."""
        known = (
            select(cast(replies.c.message, Integer))
            .join(inbox, inbox.c.id == replies.c.inbox_id)
            .where(inbox.c.platform == "web", inbox.c.state.in_(OPEN))
            .where(replies.c.message.is_not(None))  # nothing is "not in" a list with a NULL
        )
        orphans = delete(page_messages).where(
            page_messages.c.side == "bot",
            page_messages.c.final.is_(False),
            page_messages.c.id.not_in(known),
        )
        async with self._db.write() as connection:
            await connection.execute(orphans)

    async def messages(self, chat: str, *, limit: int) -> list[PageMessage]:
        """The chat's newest `limit` messages, oldest first."""
        statement = (
            _MESSAGES.where(page_messages.c.chat == clean(chat))
            .order_by(page_messages.c.id.desc())
            .limit(limit)
        )
        async with self._db.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [_message(row) for row in reversed(rows)]


def _message(row: Row[Any]) -> PageMessage:  # Any: the columns are known to tables.py alone
    return PageMessage(
        row.id,
        row.side,
        row.text,
        tuple(json.loads(row.photos)),
        row.final,
        row.at,
        row.key or "",
        row.rich,
        tuple(Button(name, label) for name, label in json.loads(row.buttons)),
        _THUMBS.get(row.rating, ""),
    )


def _dump(buttons: Sequence[Button]) -> str:
    return json.dumps([[clean(button.name), clean(button.label)] for button in buttons])
