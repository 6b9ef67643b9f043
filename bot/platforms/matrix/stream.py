"""Our own sync: the server's token is kept only after all events before it were committed.

A program that dies at any point in here gets the same events again, and the inbox drops those it
has already. The very first sync takes no messages: they were not meant for us.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from functools import partial
from typing import Any, Protocol

from nio import Event as RoomEvent
from nio import MegolmEvent, RoomInfo, RoomMessagesResponse, SyncResponse

from bot.event import Event
from bot.platforms.base import (
    Accept,
    Gone,
    NotSent,
    PlatformError,
    Refused,
    Revoked,
    TooFast,
    Unclear,
)
from bot.platforms.matrix import wire
from bot.platforms.matrix.client import Client, Timings
from bot.platforms.matrix.section import MatrixSection
from bot.platforms.matrix.session import Session
from bot.platforms.patience import Patience, Uncommitted

log = logging.getLogger(__name__)

_MOST_PAGES = 100  # of a gap; whoever was away for longer has other worries
_MOST_TRIES = 8  # what the server fails at must not hold up all others for ever
_MOST_UNREADABLE = 200  # events whose keys may still come

_Json = dict[str, Any]  # Any: JSON


class Cursors(Protocol):
    """Where the token is kept."""

    async def get(self, platform: str, bot: str) -> str | None: ...

    async def put(self, platform: str, bot: str, value: str) -> None: ...


class Stream:
    def __init__(
        self,
        client: Client,
        session: Session,
        settings: MatrixSection,
        cursors: Cursors,
        commands: frozenset[str],
        timings: Timings,
    ) -> None:
        self._client = client
        self._session = session
        self._settings = settings
        self._cursors = cursors
        self._commands = commands
        self._timings = timings
        self._since: str | None = None
        self._first: SyncResponse | None = None
        self._unreadable: deque[MegolmEvent] = deque(maxlen=_MOST_UNREADABLE)
        self._tries: Counter[str] = Counter()  # to read an event that another is about, or a page
        self._refused = 0  # in a row: asked to go on from where we were
        self.heard_at = time.monotonic()  # when a sync was answered

    async def begin(self) -> None:
        """Learn of all rooms; afterwards `send` and `edit` work."""
        self._since = await self._cursors.get(wire.PLATFORM, self._settings.user)
        self._first = await self._ask(full_state=True)

    async def follow(self, accept: Accept, patience: Patience) -> None:
        """Until cancelled."""
        assert self._first is not None
        response, self._first = self._first, None
        while True:
            # The keys first: before we join a room, people's apps must be able to encrypt for us.
            await self._keep_keys()
            await patience.persist("what came", partial(self._take, response, accept))
            response = await patience.persist("the sync", self._ask)
            self.heard_at = time.monotonic()

    def room(self, room: str) -> wire.Room:
        found = self._client.rooms[room]
        us = self._settings.user
        name = found.user_name(us) or ""
        return wire.Room(room, us, name, found.member_count > 2, self._commands)

    async def _ask(self, *, full_state: bool = False) -> SyncResponse:
        if not self._client.logged_in:
            await self._session.renew()
        try:
            response = await self._sync(self._since, full_state=full_state)
        except Revoked:
            await self._session.renew()
            raise NotSent("the access token had expired") from None
        except Refused:
            self._refused += 1
            if self._since is None or self._refused < _MOST_TRIES:
                raise
            return await self._begin_anew()
        self._refused = 0
        return response

    async def _sync(self, since: str | None, *, full_state: bool) -> SyncResponse:
        wait_s = 0 if full_state else self._timings.poll_s
        what = _filter(self._timings.page)
        return await self._client.sync_from(since, what, wait_s=wait_s, full_state=full_state)

    async def _begin_anew(self) -> SyncResponse:
        """As at the very first start. Where the server refuses that too, nothing has changed."""
        response = await self._sync(None, full_state=True)
        log.error(
            "matrix: the homeserver refuses to go on from where we were, as after the loss of its"
            " database; beginning anew. What people wrote to us meanwhile is not answered"
        )
        self._since, self._refused = None, 0
        return response

    async def _keep_keys(self) -> None:
        """Whatever failed is tried again after the next sync; unencrypted rooms shall not wait."""
        try:
            await self._client.keep_keys()
        except PlatformError as error:
            log.warning("matrix: the keys of encrypted rooms: %s", error)
        except Exception as error:  # nio's own store may fail as any database; the rest goes on
            # No traceback: the library's words may quote a key.
            log.error("matrix: the keys of encrypted rooms: %s", type(error).__name__)  # noqa: TRY400

    async def _take(self, response: SyncResponse, accept: Accept) -> None:
        if response.next_batch == self._since:
            return
        first = self._since is None
        for room in response.rooms.leave:
            self._client.rooms.pop(room, None)
        for room in response.rooms.invite:
            await self._invited(room)
        if response.to_device_events:
            await self._commit_readable(accept)
        for room, info in response.rooms.join.items():
            for raw in [] if first else await self._new_events(room, info):
                await self._commit(room, raw, accept)
            await self._leave_if_alone(room)
        await self._cursors.put(wire.PLATFORM, self._settings.user, response.next_batch)
        self._since = response.next_batch
        self._tries.clear()

    async def _invited(self, room: str) -> None:
        inviter = self._client.invited_rooms[room].inviter or ""
        welcome = self._settings.may_invite(inviter)
        if not welcome:
            log.warning("matrix: %s may not invite us; see [matrix] invites", inviter)
        call = self._client.join if welcome else self._client.room_leave
        await self._try("an invitation", call(room))

    async def _leave_if_alone(self, room: str) -> None:
        if self._client.rooms[room].member_count > 1:
            return
        log.info("matrix: nobody else is in %s; leaving it", room)
        await self._try("leaving a room", self._client.room_leave(room))

    async def _try(self, what: str, call: Any) -> None:  # Any: nio's coroutine
        """It may have been withdrawn meanwhile; then there is nothing more to do."""
        try:
            await self._client.call(call)
        except (TooFast, NotSent, Unclear, Revoked):
            raise
        except PlatformError as error:
            log.warning("matrix: %s failed: %s", what, error)

    async def _new_events(self, room: str, info: RoomInfo) -> list[_Json]:
        """In their order, from where we were or were invited on."""
        us, pages = self._settings.user, 0
        found = [self._opened(event, room) for event in info.timeline.events]
        page = info.timeline.prev_batch if info.timeline.limited else None
        while page and _invited_at(found, us) is None and pages < _MOST_PAGES:
            # In a room that is new to us also what was said before the last sync, but after the
            # invitation, is meant for us.
            end = None if _has_joined(found, us) else self._since
            answer = await self._page(room, page, end)
            if answer is None:
                break
            found[:0] = [self._opened(event, room) for event in reversed(answer.chunk)]
            page, pages = answer.end if answer.chunk else None, pages + 1
        if pages:
            log.info("matrix: a gap in %s was filled with %s pages", room, pages)
        return found[_invited_at(found, us) or 0 :]

    def _opened(self, event: RoomEvent, room: str) -> _Json:
        """nio has decrypted what it could; for what it could not, the key may still come."""
        if isinstance(event, MegolmEvent):
            event.room_id = room
            if event.sender != self._settings.user:
                log.warning("matrix: no key for event %s yet", event.event_id)
                self._unreadable.append(event)
        source: _Json = event.source
        return source

    async def _page(self, room: str, start: str, end: str | None) -> RoomMessagesResponse | None:
        """What was said there before `start`; None: the server does not give it out."""
        try:
            return await self._client.call(
                self._client.room_messages(room, start=start, end=end, limit=self._timings.page)
            )
        except (Gone, Refused, Unclear) as error:
            self._tries[start] += 1
            if isinstance(error, Unclear) and self._tries[start] < _MOST_TRIES:
                raise
            log.error("matrix: a gap in %s cannot be filled: %s", room, error)  # noqa: TRY400
            return None

    async def _commit_readable(self, accept: Accept) -> None:
        """Those whose key has come; one leaves the list when it is committed, not before."""
        for event in list(self._unreadable):
            opened = self._client.decrypted(event.source, event.room_id)
            if opened is not event.source:
                await self._commit(event.room_id, opened, accept)
                self._unreadable.remove(event)

    async def _commit(self, room: str, raw: _Json, accept: Accept) -> None:
        event = self._read(room, raw)
        if event is not None:
            event = await self._completed(event)
        if event is None:
            return
        try:
            await accept(event)
        except Exception as error:
            # `from None`: a database's words may quote the message.
            raise Uncommitted(f"event {event.message}", type(error).__name__) from None

    def _read(self, room: str, raw: _Json) -> Event | None:
        try:
            sender = raw["sender"]
            name = self._client.rooms[room].user_name(sender) or ""
            return wire.parse_event(raw, self.room(room), name)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # No traceback: the parser's words may quote the message.
            log.error("matrix: an event cannot be read: %s", type(error).__name__)  # noqa: TRY400
            return None

    async def _completed(self, event: Event) -> Event | None:
        """With what it answers, or in the thread of what it is about."""
        if event.quoted is not None:
            return wire.parse_quoted(event, await self._original(event, event.quoted.message))
        if event.kind in ("edit", "press"):
            return wire.settle(event, await self._original(event, event.about))
        return event

    async def _original(self, event: Event, message: str) -> wire.Original | None:
        try:
            found = await self._client.read(event.conversation.chat, message)
        except Unclear:
            self._tries[message] += 1
            if self._tries[message] < _MOST_TRIES:
                raise
            log.warning("matrix: event %s cannot be read; going on without it", message)
            return None
        try:
            return None if found is None else wire.parse_original(*found)
        except (KeyError, TypeError, AttributeError) as error:
            log.warning("matrix: event %s cannot be read: %s", message, type(error).__name__)
            return None


def _invited_at(events: list[_Json], us: str) -> int | None:
    """Where we were asked in, or came in unasked: what was said before that was not said to us.
    None: that is not among these events."""
    for number in range(len(events) - 1, -1, -1):
        before, now = _membership(events[number], us)
        if now == "invite" or (now == "join" and before not in ("invite", "join")):
            return number
    return None


def _has_joined(events: list[_Json], us: str) -> bool:
    memberships = [_membership(event, us) for event in events]
    return any(now == "join" and before != "join" for before, now in memberships)


def _membership(event: _Json, us: str) -> tuple[str, str]:
    """Ours before and after this event; empty where it changes nothing for us."""
    if event.get("type") != "m.room.member" or event.get("state_key") != us:
        return "", ""
    before = event.get("unsigned", {}).get("prev_content", {}).get("membership", "leave")
    return before, event["content"].get("membership", "")


def _filter(page: int) -> _Json:
    nothing: _Json = {"types": []}
    return {
        "presence": nothing,
        "account_data": nothing,
        "room": {"timeline": {"limit": page}, "ephemeral": nothing, "account_data": nothing},
    }
