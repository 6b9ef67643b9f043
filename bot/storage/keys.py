"""Keys of the API: what each may do, and the digest of its secret; no secret stands here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.db import Database
from bot.storage.event_json import clean
from bot.storage.tables import keys, people


@dataclass(frozen=True, slots=True)
class Key:
    id: str  # public: it stands in logs, in commands, and as the person "api:id"
    name: str
    digest: str = field(default="", repr=False)  # SHA-256 of the secret, in hexadecimal
    models: tuple[str, ...] = ()  # the only ones it may ask; empty: all
    per_minute: int | None = None  # requests; None: as configured, 0: no limit
    created_at: float = 0.0
    revoked_at: float | None = None
    last_used_at: float | None = None  # to the hour; None: never yet


class Keys:
    def __init__(self, db: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    async def find(self, id_: str) -> Key | None:
        """Also one that was revoked."""
        statement = _select().where(keys.c.id == clean(id_))
        async with self._db.read() as connection:
            row = (await connection.execute(statement)).first()
        return None if row is None else _key(row)

    async def all(self) -> list[Key]:
        """Newest first, those that were revoked last."""
        statement = _select().order_by(keys.c.revoked_at.is_not(None), keys.c.created_at.desc())
        async with self._db.read() as connection:
            return [_key(row) for row in await connection.execute(statement)]

    async def count(self) -> int:
        """How many can be used."""
        statement = select(func.count()).select_from(keys).where(keys.c.revoked_at.is_(None))
        async with self._db.read() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def add_with(self, connection: AsyncConnection, key: Key) -> None:
        """In the caller's transaction, like the one below."""
        await connection.execute(
            keys.insert().values(
                id=clean(key.id),
                digest=key.digest,
                name=clean(key.name),
                models=json.dumps([clean(model) for model in key.models]),
                per_minute=key.per_minute,
                created_at=self._clock(),
            )
        )

    async def revoke_with(self, connection: AsyncConnection, id_: str) -> bool:
        """False: there is none, or it was revoked before."""
        own = keys.c.id == clean(id_), keys.c.revoked_at.is_(None)
        statement = update(keys).where(*own).values(revoked_at=self._clock())
        return bool((await connection.execute(statement)).rowcount)


def _select() -> Any:  # Any: SQLAlchemy's Select of many columns
    person = and_(people.c.platform == "api", people.c.person == keys.c.id)
    return select(keys, people.c.last_seen).outerjoin(people, person)


def _key(row: Row[Any]) -> Key:  # Any: the columns are known to tables.py alone
    return Key(
        row.id,
        row.name,
        row.digest,
        tuple(json.loads(row.models)),
        row.per_minute,
        row.created_at,
        row.revoked_at,
        row.last_seen,
    )
