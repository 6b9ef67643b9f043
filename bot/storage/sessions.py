"""Who is signed in, on the page and on the operator's page; of a token only its digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, insert, select, update

from bot.storage.db import Database, Transaction
from bot.storage.event_json import clean
from bot.storage.tables import sessions, sign_in_links

Kind = Literal["page", "console"]

_TOKEN_BYTES = 32
_LINK_BYTES = 20
_LONGEST_TOKEN = 128  # characters; what is longer was never given out
_MOST_OF_PERSON = 50  # sessions, and links: the oldest make room


@dataclass(frozen=True, slots=True)
class Session:
    person: str
    kind: Kind
    csrf: str  # what every request that changes something has to repeat
    expires_at: float


class Sessions:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def begin(self, person: str, kind: Kind, *, lasts_s: float) -> str:
        """A new token, of which nobody but its browser ever knows."""
        async with self._db.write() as connection:
            return await self._begin(connection, person, kind, lasts_s)

    async def find(self, token: str, kind: Kind) -> Session | None:
        """None: never given out, ended, too old, or for the other page."""
        if not _is_possible(token):
            return None
        found = select(sessions.c.person, sessions.c.expires_at).where(
            sessions.c.digest == _digest(token),
            sessions.c.kind == kind,
            sessions.c.expires_at > self._clock(),
        )
        async with self._db.read() as connection:
            row = (await connection.execute(found)).one_or_none()
        return None if row is None else Session(row.person, kind, csrf_of(token), row.expires_at)

    async def prolong(self, token: str, *, lasts_s: float) -> None:
        """From now on it lasts so long; one that is over stays so."""
        if not _is_possible(token):
            return
        now = self._clock()
        own = (sessions.c.digest == _digest(token)) & (sessions.c.expires_at > now)
        statement = update(sessions).where(own).values(expires_at=now + lasts_s)
        async with self._db.write() as connection:
            await connection.execute(statement)

    async def end(self, token: str) -> None:
        """Changes nothing when there is no such session."""
        if _is_possible(token):
            async with self._db.write() as connection:
                await connection.execute(
                    delete(sessions).where(sessions.c.digest == _digest(token))
                )

    async def end_all(self, person: str) -> None:
        """On every device, and the links that have not been used."""
        async with self._db.write() as connection:
            for table in (sessions, sign_in_links):
                await connection.execute(delete(table).where(table.c.person == clean(person)))

    async def issue_link(self, person: str, kind: Kind, *, lasts_s: float = 600) -> str:
        """A code that signs in once."""
        code = secrets.token_urlsafe(_LINK_BYTES)
        row = self._row(code, person, kind, lasts_s)
        async with self._db.write() as connection:
            await self._forget(connection, person, kind)
            await connection.execute(insert(sign_in_links).values(row))
        return code

    async def redeem(self, code: str, kind: Kind, *, lasts_s: float) -> str | None:
        """A session's token. None: the code was used, is too old, or was never given out."""
        if not _is_possible(code):
            return None
        links = sign_in_links.c
        used = (
            delete(sign_in_links)
            .where(
                links.digest == _digest(code),
                links.kind == kind,
                links.expires_at > self._clock(),
            )
            .returning(links.person)
        )
        async with self._db.write() as connection:
            person = (await connection.execute(used)).scalar_one_or_none()
            if person is None:
                return None
            return await self._begin(connection, person, kind, lasts_s)

    async def _begin(self, connection: Transaction, person: str, kind: Kind, lasts_s: float) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await self._forget(connection, person, kind)
        await connection.execute(insert(sessions).values(self._row(token, person, kind, lasts_s)))
        return token

    async def _forget(self, connection: Transaction, person: str, kind: Kind) -> None:
        """What is over, and of one person more than anybody has devices."""
        for table in (sessions, sign_in_links):
            own = (table.c.person == clean(person)) & (table.c.kind == kind)
            newest = select(table.c.digest).where(own).order_by(table.c.begun_at.desc())
            kept = newest.limit(_MOST_OF_PERSON - 1)
            await connection.execute(delete(table).where(own, table.c.digest.not_in(kept)))
            await connection.execute(delete(table).where(table.c.expires_at <= self._clock()))

    def _row(self, token: str, person: str, kind: Kind, lasts_s: float) -> dict[str, object]:
        now = self._clock()
        return {
            "digest": _digest(token),
            "person": clean(person),
            "kind": kind,
            "begun_at": now,
            "expires_at": now + lasts_s,
        }


def csrf_of(token: str) -> str:
    """Known to whoever reads our answers with that token, and of no use to find the token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _is_possible(token: str) -> bool:
    return 0 < len(token) <= _LONGEST_TOKEN and token.isascii()


def _digest(token: str) -> str:
    """A token has 256 random bits, so nothing slower than this is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
