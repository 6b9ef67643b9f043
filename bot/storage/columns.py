"""The types of columns, alike on every engine: numbers have eight bytes, and text is what both of
them take."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from bot.storage.event_json import clean

# SQLite gives numbers of its own only to a column of this very type, and all have eight bytes.
Integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Text(sa.types.TypeDecorator[str]):
    """What people wrote may hold what PostgreSQL refuses."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return clean(value) if isinstance(value, str) else value
