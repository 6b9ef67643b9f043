"""A copy of all that is kept of one person, for them: data.json and their photos in one ZIP."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import Row, Select, and_, or_, select

from bot.storage.db import Database, Transaction
from bot.storage.erasing.doomed import digests_in
from bot.storage.erasing.hidden import hidden_name
from bot.storage.erasing.scope import Scope, scope_of
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import load_event
from bot.storage.photos import Photos
from bot.storage.tables import (
    cases,
    gifts,
    inbox,
    kept_photos,
    ledger,
    limits,
    outbox,
    page_messages,
    people,
    ratings,
    repeats,
    sessions,
    ticket_lines,
    tickets,
    turns,
)

MOST_BYTES = 20 * 10**6  # that every chat takes as a file, also over a slow line
_MOST_ROWS = 10_000  # of one kind, the newest
_IN_A_ROW = 50  # events read at a stroke
_LETTERS_OF_ONE = 64  # of a digest; other platforms have ids of their own
_SIGNS = ((b"\x89PNG", "png"), (b"RIFF", "webp"), (b"GIF8", "gif"))
_NOTES = ("note", "system")  # lines of a ticket that staff wrote for each other

_Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Made:
    photos: int
    left_out: int  # photos beyond the limit


class Copies:
    def __init__(
        self, db: Database, photos: Photos, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._db = db
        self._photos = photos
        self._clock = clock
        self._one = asyncio.Lock()  # each is in memory while it is made

    async def zipped(self, platform: str, person: str) -> tuple[bytes, Made]:
        """At most MOST_BYTES; the newest photos, where there are too many."""
        async with self._one:
            file = io.BytesIO()
            made = await self.write(platform, person, file, most_bytes=MOST_BYTES)
            return file.getvalue(), made

    async def write(
        self, platform: str, person: str, file: IO[bytes], *, most_bytes: float = float("inf")
    ) -> Made:
        async with self._db.read() as connection:
            scope = await scope_of(connection, platform, person)
            data, digests = await _gather(connection, scope)
        data = {"made_at": _moment(self._clock()), "person": scope.name, **data}
        words = await asyncio.to_thread(_length, data)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            left_out = []
            for digest in digests:
                photo = await self._photo(digest)
                if photo is None:
                    continue
                if file.tell() + len(photo) + words > most_bytes:
                    left_out.append(digest)
                    continue
                await asyncio.to_thread(_put_photo, archive, digest, photo)
            data["photos_left_out"] = left_out
            await asyncio.to_thread(_put_data, archive, data)
            return Made(len(archive.namelist()) - 1, len(left_out))

    async def _photo(self, digest: str) -> bytes | None:
        """None: it is not kept any more."""
        try:
            return await self._photos.get(digest)
        except FileNotFoundError:
            return None


async def _gather(connection: Transaction, scope: Scope) -> tuple[_Json, list[str]]:
    """With the digests of their photos, the newest first."""
    messages, of_messages = await _messages(connection, scope)
    answers, of_answers = await _answers(connection, scope)
    talks, of_talks = await _tickets(connection, scope)
    page, of_page = await _page(connection, scope)
    waiting = await _rows(connection, select(kept_photos.c.digest).where(scope.here(kept_photos)))
    lone = [row.digest for row in waiting]
    digests = dict.fromkeys([*of_answers, *of_page, *lone, *of_messages, *of_talks])
    data = {
        "settings": await _settings(connection, scope),
        "messages": messages,
        "questions_and_answers": answers,
        "page": page,
        "photos_waiting_for_a_question": lone,
        "letters": await _letters(connection, scope),
        "tickets": talks,
        "cases": await _cases(connection, scope),
        "usage": await _usage(connection, scope),
        "quota": await _quota(connection, scope),
        "signed_in": await _signed_in(connection, scope),
        "answers_kept_for_repeated_requests": await _repeats(connection, scope),
    }
    return data, list(digests)


async def _settings(connection: Transaction, scope: Scope) -> _Json:
    own = people.c.platform == scope.platform, people.c.person == scope.person
    row = (await connection.execute(select(people).where(*own))).first()
    if row is None:
        return {}
    return {
        "name": row.name,
        "role": row.role,
        "language": row.language,
        "language_of_last_words": row.spoken,
        "patience_s": row.patience_s,
        "shut_out_until": _moment(row.banned_until),
        "shut_out_because": row.ban_reason,
        "first_seen": _moment(row.first_seen),
        "last_seen": _moment(row.last_seen),
    }


async def _messages(connection: Transaction, scope: Scope) -> tuple[list[_Json], list[str]]:
    own = scope.own_entries
    columns = (inbox.c.id, inbox.c.event, inbox.c.state, inbox.c.received_at, ratings.c.value)
    found = select(*columns).join(ratings, ratings.c.inbox_id == inbox.c.id, isouter=True)
    rows = await _rows(connection, found.where(own).order_by(inbox.c.id.desc()))
    read: list[_Json] = []
    for number, row in enumerate(rows):
        if number % _IN_A_ROW == 0:
            await asyncio.sleep(0)  # others want the loop too
        if (one := _message(row)) is not None:
            read.append(one)
    return read, [ref for one in read for ref in one["photos"] if len(ref) == _LETTERS_OF_ONE]


def _message(row: Row[Any]) -> _Json | None:  # Any: the columns of _messages
    try:
        event = load_event(row.event)
    except EventUnreadable:
        return None
    return {
        "number": row.id,
        "at": _moment(row.received_at),
        "kind": event.kind,
        "chat": event.conversation.chat,
        "in_a_group": event.group,
        "text": event.text,
        "photos": [photo.ref for photo in event.photos],
        "files": [file.name for file in event.files],
        "what_became_of_it": row.state,
        "your_rating_of_the_answer": row.value,
    }


async def _answers(connection: Transaction, scope: Scope) -> tuple[list[_Json], list[str]]:
    said = or_(turns.c.inbox_id.in_(select(inbox.c.id).where(scope.own_entries)), scope.here(turns))
    rows = await _rows(connection, select(turns).where(said).order_by(turns.c.id.desc()))
    told = [
        {
            "message": row.inbox_id,
            "at": _moment(row.at),
            "said_by": "you" if row.role == "user" else "bot",
            "text": row.text,
            "photos": sorted(digests_in([row.photos])),
        }
        for row in rows
    ]
    return told, [digest for one in told for digest in one["photos"]]


async def _page(connection: Transaction, scope: Scope) -> tuple[list[_Json], list[str]]:
    if scope.platform != "web":
        return [], []
    own = page_messages.c.chat == scope.person
    rows = await _rows(
        connection, select(page_messages).where(own).order_by(page_messages.c.id.desc())
    )
    told = [
        {
            "at": _moment(row.at),
            "said_by": "you" if row.side == "person" else "bot",
            "text": row.text,
            "photos": sorted(digests_in([row.photos])),
        }
        for row in rows
    ]
    return told, [digest for one in told for digest in one["photos"]]


async def _letters(connection: Transaction, scope: Scope) -> list[_Json]:
    own = outbox.c.platform == scope.platform, outbox.c.chat.in_(scope.private)
    rows = await _rows(connection, select(outbox).where(*own).order_by(outbox.c.id.desc()))
    return [{"at": _moment(row.at), "text": row.text, "state": row.state} for row in rows]


async def _tickets(connection: Transaction, scope: Scope) -> tuple[list[_Json], list[str]]:
    """What customer, bot and staff said to each other; not what staff noted for themselves."""
    told, digests = [], list[str]()
    for row in await _rows(connection, select(tickets).where(tickets.c.id.in_(scope.tickets))):
        lines = await _rows(
            connection,
            select(ticket_lines)
            .where(ticket_lines.c.ticket_id == row.id, ticket_lines.c.side.not_in(_NOTES))
            .order_by(ticket_lines.c.number),
        )
        said = [
            {
                "at": _moment(line.at),
                "said_by": "you" if line.side == "customer" else line.side,
                "text": line.text,
                "photos": sorted(digests_in([line.photos])),
            }
            for line in lines
        ]
        digests += [digest for one in said for digest in one["photos"]]
        told.append(
            {
                "number": row.id,
                "opened_at": _moment(row.opened_at),
                "closed_at": _moment(row.closed_at),
                "your_score": row.score,
                "lines": said,
            }
        )
    return told, digests


async def _cases(connection: Transaction, scope: Scope) -> list[_Json]:
    """That there were some, and what was decided; not how they were found."""
    found = select(cases).where(cases.c.person == scope.name).order_by(cases.c.id.desc())
    return [
        {
            "number": row.id,
            "at": _moment(row.at),
            "about": row.place,
            "outcome": row.action,
            "category": row.category,
            "state": row.state,
            "your_appeal": row.appeal,
            "decided_at": _moment(row.decided_at),
            "answer": row.answer,
        }
        for row in await _rows(connection, found)
    ]


async def _usage(connection: Transaction, scope: Scope) -> list[_Json]:
    own = ledger.c.person.in_([scope.name, hidden_name(scope.name)])
    rows = await _rows(connection, select(ledger).where(own).order_by(ledger.c.id.desc()))
    return [
        {
            "at": _moment(row.at),
            "questions": _settled(row.settled_questions, row.reserved_questions),
            "tokens": _settled(row.settled_tokens, row.reserved_tokens),
        }
        for row in rows
    ]


def _settled(settled: int | None, reserved: int) -> int:
    return reserved if settled is None else settled


async def _quota(connection: Transaction, scope: Scope) -> _Json:
    def own(table: Any) -> Select[Any]:  # Any: two tables' columns
        return select(table).where(and_(table.c.scope == "person", table.c.subject == scope.name))

    ruled = await _rows(connection, own(limits))
    given = await _rows(connection, own(gifts))
    return {
        "limits": [{"unit": row.unit, "period": row.period, "amount": row.amount} for row in ruled],
        "gifts": [{"at": _moment(row.at), "unit": row.unit, "amount": row.amount} for row in given],
    }


async def _signed_in(connection: Transaction, scope: Scope) -> list[_Json]:
    rows = await _rows(connection, select(sessions).where(sessions.c.person == scope.name))
    return [
        {
            "where": row.kind,
            "since": _moment(row.begun_at),
            "until": _moment(row.expires_at),
        }
        for row in rows
    ]


async def _repeats(connection: Transaction, scope: Scope) -> list[_Json]:
    own = repeats.c.person == scope.name
    rows = await _rows(connection, select(repeats).where(own).order_by(repeats.c.id.desc()))
    return [{"at": _moment(row.at), "answer": row.answer} for row in rows]


async def _rows(connection: Transaction, statement: Select[Any]) -> list[Row[Any]]:
    # Any: of whatever columns
    return list((await connection.execute(statement.limit(_MOST_ROWS))).all())


def _moment(at: float | None) -> str | None:
    """ISO 8601 in UTC; the year 10000 is no date there."""
    if at is None or at >= 253_402_300_800.0:
        return None if at is None else "for ever"
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _length(data: _Json) -> int:
    """About, and on the high side: text is packed to less."""
    return sum(len(json.dumps(part)) for part in data.values()) // 2


def _put_data(archive: zipfile.ZipFile, data: _Json) -> None:
    archive.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1))


def _put_photo(archive: zipfile.ZipFile, digest: str, photo: bytes) -> None:
    kind = next((kind for sign, kind in _SIGNS if photo.startswith(sign)), "jpg")
    name = zipfile.ZipInfo(f"photos/{digest}.{kind}", date_time=(1980, 1, 1, 0, 0, 0))
    archive.writestr(name, photo)  # packed already
