"""The seam between our statements and the database they run on: what SQLite and PostgreSQL do
differently."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

# read: one consistent view, nothing is written. write: no other write goes on in any program.
# stroke: a write beside others, of a statement that is right by itself. migrate: a write that may
# take long.
Kind = Literal["read", "write", "stroke", "migrate"]


class Backend(Protocol):
    name: str  # for errors and reports; never with a password
    is_shared: bool  # several programs may write at a time

    def begin(self, kind: Kind) -> AbstractAsyncContextManager[AsyncConnection]:
        """One transaction: committed at the end, undone by an exception."""

    def named(self) -> AbstractContextManager[None]:
        """Inside, what the driver says becomes an error of ours where we have a word for it."""

    async def check(self, *, joins: bool) -> None:
        """Whether it can be worked on; nothing is changed. `joins`: it must be there already."""

    async def settle(self) -> bool:
        """See Database.settle."""

    async def close(self) -> None: ...
