"""The deletion of all that is kept of a person.

What stays: a ban that holds; amounts of the ledger and lines of the audit, under a hash of the
name; numbers and times of tickets. What others wrote, and what was taught to the knowledge base,
is not theirs. Every step may be done twice, so that a crash in the middle does no harm.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from sqlalchemy import and_, delete, func, or_, select, update

from bot.storage.db import Database, Transaction
from bot.storage.erasing.doomed import Doomed, digests_in, drop_turns
from bot.storage.erasing.emptied import empty_tickets
from bot.storage.erasing.erasures import Erasure
from bot.storage.erasing.hidden import hashed, hidden_name
from bot.storage.erasing.scope import Scope, scope_of, with_tickets
from bot.storage.erasing.spent import AT_ONCE, spend
from bot.storage.photos import Photos
from bot.storage.tables import (
    audit,
    blocked_pictures,
    broadcasts,
    cases,
    chats,
    complaints,
    documents,
    gifts,
    inbox,
    kept_photos,
    ledger,
    limits,
    outbox,
    outbox_messages,
    page_messages,
    parts,
    people,
    promises,
    ratings,
    repeats,
    replies,
    resets,
    sessions,
    sign_in_links,
    tellings,
    ticket_lines,
    tickets,
    turns,
    windows,
)

# More that is deleted of "platform:id" in the same way.
Further = Callable[[Transaction, str], Awaitable[object]]

_AT_ONCE = 200  # rows in one transaction: a few milliseconds
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Eraser:
    """Deletes in small transactions, for everybody else writes meanwhile."""

    def __init__(
        self,
        db: Database,
        photos: Photos,
        further: Sequence[Further] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._doomed = Doomed(db, photos, clock=clock)
        self._further = further
        self._clock = clock

    async def scope(self, who: Erasure) -> Scope:
        """To be looked up before anything is deleted."""
        async with self._db.read() as connection:
            return await scope_of(connection, who.platform, who.person, who.upto)

    async def close(self, scope: Scope) -> None:
        """Their open entries have their end, so that no answer to them is kept any more."""
        still = update(inbox).where(scope.own_entries, inbox.c.ended_at.is_(None))
        async with self._db.write() as connection:
            await connection.execute(still.values(state="ignored", ended_at=self._clock()))

    async def erase(self, who: Erasure, scope: Scope) -> None:
        """All rows. Whoever is being answered meanwhile leaves new ones: then once more."""
        async with self._db.read() as connection:
            scope = await with_tickets(connection, scope)
            letters = await _letters(connection, scope)
            acts = await _acts(connection, who.name)
            lines = await _lines(connection, who.name)
        for step in _STEPS:
            async with self._db.write() as connection:
                await self._doomed.doom_with(connection, await step(connection, scope, who.at))
        await self.forget_answers(who)
        await self._each(letters, _empty_letter, who.name)
        await self._each(acts, _hide_act, who.name)
        await self._each(lines, _hide_line, who.name)
        while await self._spend(scope):
            pass

    async def forget_answers(self, who: Erasure) -> None:
        """Also those that are about to be written."""
        async with self._db.write() as connection:
            for forget in self._further:
                await forget(connection, who.name)

    async def tidy(self) -> bool:
        """Files and traces of what was deleted; False: some are left for later, since they may be
        just what somebody asks about, or reads."""
        self._doomed.deleted()  # the order itself, too
        swept = await self._doomed.sweep_now()
        return await self._doomed.settle() and swept

    async def _each(self, ids: Sequence[int], change: _Change, name: str) -> None:
        for first in range(0, len(ids), _AT_ONCE):
            async with self._db.write() as connection:
                for id_ in ids[first : first + _AT_ONCE]:
                    await change(connection, id_, name)

    async def _spend(self, scope: Scope) -> int:
        """Some of the entries; the photos of the page stand in their events."""
        own = scope.own_entries
        events = select(inbox.c.event).where(own, inbox.c.event != "").order_by(inbox.c.id)
        async with self._db.write() as connection:
            some = (await connection.execute(events.limit(AT_ONCE))).scalars()
            named = {digest for event in some for digest in _DIGEST.findall(event)}
            await self._doomed.doom_with(connection, named)
            hidden = hidden_name(scope.name)
            return await spend(connection, own, self._clock(), person=hidden)


_Step = Callable[[Transaction, Scope, float], Awaitable[Iterable[str]]]
_Change = Callable[[Transaction, int, str], Awaitable[None]]


async def _sign_out(connection: Transaction, scope: Scope, _now: float) -> Iterable[str]:
    """First: whoever comes by a session is noted as somebody who came."""
    for table in (sessions, sign_in_links):
        await connection.execute(delete(table).where(table.c.person == scope.name))
    return ()


async def _drop_talk(connection: Transaction, scope: Scope, _now: float) -> Iterable[str]:
    said = or_(turns.c.inbox_id.in_(scope.entries), scope.here(turns))
    photos = await drop_turns(connection, and_(said, turns.c.inbox_id <= scope.upto))
    waiting = or_(kept_photos.c.inbox_id.in_(scope.entries), scope.here(kept_photos))
    dropped = delete(kept_photos).where(waiting).returning(kept_photos.c.digest)
    photos |= set((await connection.execute(dropped)).scalars())
    for table in (windows, complaints):
        await connection.execute(delete(table).where(scope.here(table)))
    return photos


async def _drop_answers(connection: Transaction, scope: Scope, _now: float) -> Iterable[str]:
    """What belongs to entries, and questions whose parts they were."""
    for table in (replies, ratings, promises):
        await connection.execute(delete(table).where(table.c.inbox_id.in_(scope.entries)))
    of_parts = or_(parts.c.inbox_id.in_(scope.entries), parts.c.asked_as.in_(scope.entries))
    await connection.execute(delete(parts).where(of_parts))
    return ()


async def _drop_page(connection: Transaction, scope: Scope, _now: float) -> Iterable[str]:
    if scope.platform != "web":
        return ()
    shown = delete(page_messages).where(page_messages.c.chat == scope.person)
    listed = (await connection.execute(shown.returning(page_messages.c.photos))).scalars()
    return digests_in(listed)


async def _drop_desk(connection: Transaction, scope: Scope, now: float) -> Iterable[str]:
    """Number, times and score of a ticket stay."""
    photos = await empty_tickets(connection, scope.tickets, now)
    taken = update(tickets).where(tickets.c.taken_by == scope.name)
    await connection.execute(taken.where(tickets.c.state == "staff").values(state="waiting"))
    await connection.execute(taken.values(taken_by="", taken_name=""))
    return photos


async def _drop_account(connection: Transaction, scope: Scope, now: float) -> Iterable[str]:
    """A ban that holds stays, and what was used of the limits counts on under a hash."""
    name = scope.name
    known = people.c.platform == scope.platform, people.c.person == scope.person
    is_banned = func.coalesce(people.c.banned_until, 0.0) > now
    await connection.execute(delete(people).where(*known, ~is_banned))
    nothing = {"name": "", "role": None, "language": "", "spoken": "", "patience_s": None}
    await connection.execute(update(people).where(*known).values(**nothing, last_seen=None))
    for table, subject in ((chats, chats.c.chat), (tellings, tellings.c.subject)):
        own = table.c.platform == scope.platform, subject.in_(scope.private)
        await connection.execute(delete(table).where(*own))
    for table in (limits, gifts, resets):
        await connection.execute(
            delete(table).where(table.c.scope == "person", table.c.subject == name)
        )
    user = repeats.c.person.startswith(f"{name}:", autoescape=True)  # whom an API key named
    await connection.execute(delete(repeats).where(or_(repeats.c.person == name, user)))
    used = update(ledger).where(ledger.c.person == name)
    await connection.execute(used.values(person=hidden_name(name)))
    for done_by in (documents.c.who, blocked_pictures.c.who, cases.c.decided_by):
        theirs = update(done_by.table).where(done_by == name)
        await connection.execute(theirs.values({done_by.name: ""}))
    return ()


# Each returns the digests of the photos that its rows named.
_STEPS: tuple[_Step, ...] = (
    _sign_out,
    _drop_talk,
    _drop_answers,
    _drop_page,
    _drop_desk,
    _drop_account,
)


async def _letters(connection: Transaction, scope: Scope) -> list[int]:
    """To their chats, about their tickets, and where staff read their name."""
    theirs = and_(outbox.c.platform == scope.platform, outbox.c.chat.in_(scope.private))
    about = [outbox.c.key.startswith(f"ticket/{number}/") for number in scope.tickets]
    sure = select(outbox.c.id).where(or_(theirs, *about), outbox.c.chat != "")
    perhaps = select(outbox.c.id, outbox.c.text).where(outbox.c.text.contains(scope.name))
    ids = set((await connection.execute(sure)).scalars())
    for row in await connection.execute(perhaps):
        if _names(row.text, scope.name):
            ids.add(row.id)
    return sorted(ids)


async def _empty_letter(connection: Transaction, id_: int, _name: str) -> None:
    """The row stays: it may be on its way, and a broadcast still counts it."""
    own = outbox.c.id == id_
    key = (await connection.execute(select(outbox.c.key).where(own))).scalar_one()
    nothing = dict.fromkeys(("chat", "thread", "text", "photo"), "")
    values = {"key": hashed(key), "buttons": "[]", "reply_to": None, "message": None}
    await connection.execute(update(outbox).where(own).values(**nothing, **values))
    left = update(outbox).where(own, outbox.c.state == "waiting")
    await connection.execute(left.values(state="left"))
    await connection.execute(delete(outbox_messages).where(outbox_messages.c.outbox_id == id_))


async def _acts(connection: Transaction, name: str) -> list[int]:
    texts = (audit.c.actor, audit.c.subject, audit.c.command, audit.c.outcome)
    columns = (audit.c.id, *texts)
    found = select(*columns).where(or_(*(text.contains(name) for text in texts)))
    rows = (await connection.execute(found)).all()
    return [row.id for row in rows if any(_names(text, name) for text in row[1:])]


async def _hide_act(connection: Transaction, id_: int, name: str) -> None:
    """That somebody did something to somebody stays, and who was the same."""
    own = audit.c.id == id_
    row = (await connection.execute(select(audit).where(own))).one()
    hidden, command = hidden_name(name), row.command.split(maxsplit=1)[:1]
    values = {
        "event": hashed(row.event),
        "actor": hidden if row.actor == name else row.actor,
        "subject": hidden if row.subject == name else row.subject,
        "command": "".join(word for word in command if not _names(word, name)),
        "outcome": "",
    }
    await connection.execute(update(audit).where(own).values(**values))
    ordered = broadcasts.c.event == row.event
    nowhere = {"platform": "", "chat": "", "thread": ""}
    by_them = {"event": hashed(row.event), "actor": hidden} | nowhere
    await connection.execute(
        update(broadcasts).where(ordered, broadcasts.c.actor == name).values(**by_them)
    )


async def _lines(connection: Transaction, name: str) -> list[int]:
    found = select(ticket_lines.c.id).where(ticket_lines.c.who == name)
    return list((await connection.execute(found)).scalars())


async def _hide_line(connection: Transaction, id_: int, _name: str) -> None:
    """What somebody of the staff wrote to others is the organisation's, and stays without their
    name; the event's has the chat in it, which may be theirs."""
    own = ticket_lines.c.id == id_
    event = (await connection.execute(select(ticket_lines.c.event).where(own))).scalar()
    if event is not None:  # its ticket may have been theirs
        nobody = {"event": hashed(event), "who": "", "name": ""}
        await connection.execute(update(ticket_lines).where(own).values(**nobody))


def _names(text: str, name: str) -> bool:
    """Is it this one, and not somebody whose name only begins or ends like it?"""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-]|[.:]\w)", text) is not None
