"""PostgreSQL: a server that several programs share; one of them writes at a time.

A transaction that has not begun waits for a server that is away, but not for one that has been away
for long; one that has begun fails as a whole, and whoever ordered it decides whether to order it
again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.storage.backend import Kind
from bot.storage.errors import (
    DatabaseRefused,
    DatabaseUnfit,
    DatabaseUnreachable,
    NoDriver,
    NoTables,
    NotWritten,
)
from bot.storage.section import place_of

log = logging.getLogger(__name__)

PATIENCE_S = 30.0  # for a server that is started again

_OLDEST = 15
_CONNECTIONS = 10  # a writer holds one, readers share the others
_PAUSES_S = (0.05, 0.2, 0.5, 1.0)  # between tries; the last one again and again
_CONNECT_S = 10.0
_STATEMENT_S = 60
_SESSION = {
    "application_name": "visionbot",
    "default_transaction_isolation": "read committed",  # a writer must see what was before its turn
    "synchronous_commit": "on",
    "statement_timeout": f"{_STATEMENT_S}s",
    "lock_timeout": "30s",
    # Who stands still gives the turn back long before the patience of the others ends.
    "idle_in_transaction_session_timeout": "15s",
    # So does a machine that is gone, within a minute.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}

# The first statement of a transaction finds out whether the connection still stands.
_TURN = text("SELECT pg_advisory_xact_lock(1447645001, hashtext(current_schema()))")
_FIRST = {
    "read": (text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),),
    "write": (_TURN,),
    "stroke": (text("SELECT 1"),),
    "migrate": (
        text("SELECT set_config(name, '0', true) FROM"
             " unnest(ARRAY['statement_timeout', 'lock_timeout']) AS name"),
        _TURN,
    ),
}  # fmt: skip
_LOOK = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version,"
    " current_setting('server_version') AS version_name,"
    " current_setting('server_encoding') AS encoding,"
    " current_schema() AS schema,"
    " pg_is_in_recovery() AS is_standby,"
    " to_regclass('alembic_version') IS NOT NULL AS has_tables"
)

# How their states begin: https://www.postgresql.org/docs/15/errcodes-appendix.html
_AWAY = ("08", "57P01", "57P02", "57P03", "53300")
_REFUSED = ("28", "3D", "42501", "25006")
# No room, a deadlock, a lock held too long, a pause too long between two statements.
_GIVEN_UP = ("53", "40", "55P03", "25P03")


class Postgres:
    is_shared = True

    def __init__(self, url: SecretStr, *, patience_s: float = PATIENCE_S) -> None:
        """Raises NoDriver."""
        self.name = f"PostgreSQL at {place_of(url)}"
        self.away_since: float | None = None  # monotonic: the first try that failed
        self._patience_s = patience_s
        self._engine = _make_engine(url, self.name)

    @asynccontextmanager
    async def begin(self, kind: Kind) -> AsyncIterator[AsyncConnection]:
        with self.named():
            opened, connection = await self._begun(kind)
            async with opened:
                yield connection

    @contextmanager
    def named(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            state, reason = _state(error), _reason(error)
            if _is_away(error):
                raise DatabaseUnreachable(self.name, reason) from error
            if state.startswith(_REFUSED):
                raise DatabaseRefused(self.name, reason) from error
            if state.startswith(_GIVEN_UP):
                raise NotWritten(self.name, reason) from error
            raise

    async def check(self, *, joins: bool) -> None:
        async with self.begin("read") as connection:
            found = (await connection.execute(_LOOK)).one()
        if found.version < _OLDEST:
            what = f"is version {found.version_name}"
            raise DatabaseUnfit(self.name, what, f"visionbot needs PostgreSQL {_OLDEST} or newer")
        if found.encoding != "UTF8":
            what = f"has the encoding {found.encoding}"
            raise DatabaseUnfit(self.name, what, "make one by CREATE DATABASE ... ENCODING 'UTF8'")
        if found.schema is None:
            what = "has no schema that this user may use"
            raise DatabaseUnfit(self.name, what, "make one by CREATE SCHEMA, or set search_path")
        if joins and not found.has_tables:
            raise NoTables(self.name)
        if found.is_standby:
            what = "is a standby, which takes no writes"
            raise DatabaseUnfit(self.name, what, "name the primary in [storage] url")

    async def settle(self) -> bool:
        """The server overwrites what was deleted when it vacuums."""
        return True

    async def close(self) -> None:
        await self._engine.dispose()

    async def _begun(self, kind: Kind) -> tuple[AsyncExitStack, AsyncConnection]:
        """Nothing is done yet, so that it can be tried anew: all have patience together, so that
        nobody waits for a server that others have waited for in vain."""
        tries = 0
        while True:
            try:
                begun = await self._begin(kind)
            except (DBAPIError, OSError) as error:
                if isinstance(error, DBAPIError) and not _is_away(error):
                    raise
                if self._away_s(_reason(error)) >= self._patience_s:
                    raise DatabaseUnreachable(self.name, _reason(error)) from error
            else:
                self.away_since = None
                return begun
            await asyncio.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1

    def _away_s(self, reason: str) -> float:
        """For how long, with the try that failed just now."""
        if self.away_since is None:
            self.away_since = time.monotonic()
            log.warning("%s is away (%s); trying again", self.name, reason)
        return time.monotonic() - self.away_since

    async def _begin(self, kind: Kind) -> tuple[AsyncExitStack, AsyncConnection]:
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._engine.connect())
            await stack.enter_async_context(connection.begin())
            for statement in _FIRST[kind]:
                await connection.execute(statement)
            return stack.pop_all(), connection


def _make_engine(url: SecretStr, name: str) -> AsyncEngine:
    try:
        import asyncpg  # type: ignore[import-untyped]  # has none; an optional part
    except ImportError as error:
        raise NoDriver from error

    async def connect() -> Any:  # Any: asyncpg has no types
        try:
            return await asyncpg.connect(
                url.get_secret_value(),
                timeout=_CONNECT_S,
                command_timeout=_STATEMENT_S + 15,  # a server that is gone says nothing
                server_settings=_SESSION,
            )
        except ValueError:  # which would show parts of the password
            raise DatabaseRefused(name, "the url cannot be read") from None

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_recycle=1800,
        hide_parameters=True,  # errors reach the log, and the parameters are what people wrote
    )
    event.listen(engine.sync_engine, "handle_error", _hide_rows)
    return engine


def _hide_rows(context: ExceptionContext) -> None:
    """The server shows the row that it refuses; errors reach the log."""
    chain: list[Any] = [context.sqlalchemy_exception]  # Any: asyncpg has no types
    error: BaseException | None = context.original_exception
    while error is not None:
        chain.append(error)
        error = error.__cause__
    for one in filter(None, chain):
        if getattr(one, "detail", None):
            one.detail = None
        if one.args and isinstance(one.args[0], str):
            one.args = (one.args[0].partition("\nDETAIL:")[0], *one.args[1:])


def _is_away(error: DBAPIError) -> bool:
    return error.connection_invalidated or _state(error).startswith(_AWAY)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _reason(error: DBAPIError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    words = str(error.orig.args[0]) if error.orig is not None and error.orig.args else ""
    return words.removeprefix("<class 'asyncpg.exceptions.").replace("'>:", ":")
