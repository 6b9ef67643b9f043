"""What is one person's own: their entries, the chats in which nobody else speaks, their tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, Table, and_, exists, literal, or_, select

from bot.storage.db import Transaction
from bot.storage.erasing.hidden import hidden_name
from bot.storage.event_json import clean
from bot.storage.tables import chats, inbox, tickets

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Scope:
    platform: str
    person: str
    upto: int  # entries with larger numbers are left out
    private: Sequence[str]
    tickets: Sequence[int]

    @property
    def name(self) -> str:
        return f"{self.platform}:{self.person}"

    @property
    def own_entries(self) -> ColumnElement[bool]:
        """Until the order has its end with those of which nothing is left: whoever was at work
        meanwhile may have hung something on them."""
        theirs = inbox.c.person.in_([self.person, hidden_name(self.name)])
        return and_(inbox.c.platform == self.platform, theirs, inbox.c.id <= self.upto)

    @property
    def entries(self) -> Select[int]:
        """Their numbers."""
        return select(inbox.c.id).where(self.own_entries)

    def here(self, table: Table) -> ColumnElement[bool]:
        """Rows of conversations that are theirs alone."""
        own = or_(table.c.chat.in_(self.private), table.c.member == self.person)
        return and_(table.c.platform == self.platform, own)


async def scope_of(
    connection: Transaction, platform: str, person: str, upto: int = _LARGEST_ID
) -> Scope:
    platform, person = clean(platform), clean(person)
    own = inbox.c.platform == platform, inbox.c.person == person
    alone = select(inbox.c.chat).distinct().where(*own, ~_is_shared(platform, inbox.c.chat, person))
    private = set((await connection.execute(alone)).scalars())
    # on most platforms the id of a person is that of the chat with them too
    same = select(_is_shared(platform, literal(person), person))
    if not (await connection.execute(same)).scalar_one():
        private.add(person)
    return await with_tickets(connection, Scope(platform, person, upto, sorted(private - {""}), ()))


async def with_tickets(connection: Transaction, scope: Scope) -> Scope:
    """With those, too, that were opened since then."""
    theirs = or_(tickets.c.person == scope.person, tickets.c.chat.in_(scope.private))
    of_them = select(tickets.c.id).where(tickets.c.platform == scope.platform, theirs)
    found = (await connection.execute(of_them)).scalars()
    return replace(scope, tickets=sorted({*scope.tickets, *found}))


def _is_shared(platform: str, chat: ColumnElement[str], person: str) -> ColumnElement[bool]:
    """Does anybody else speak there, or could?"""
    others = inbox.alias()
    group = exists().where(chats.c.platform == platform, chats.c.chat == chat, chats.c.is_group)
    spoken = exists().where(
        others.c.platform == platform,
        others.c.chat == chat,
        others.c.person.not_in(["", person]),
    )
    return or_(group, spoken)
