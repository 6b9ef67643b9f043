"""matrix-nio as API client and for encryption, with every timeout in one place.

nio gives failures back as values and sleeps by itself at a 429; here they are raised at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp
from nio import (
    Api,
    AsyncClient,
    AsyncClientConfig,
    Event,
    LoginResponse,
    MegolmEvent,
    Response,
    ShareGroupSessionResponse,
    SyncError,
    SyncResponse,
)
from nio.exceptions import EncryptionError
from nio.store import SqliteStore

from bot.platforms.base import Gone, Refused, Unclear
from bot.platforms.matrix.failures import check, platform_error, translated
from bot.platforms.matrix.pieces import pieces

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Response)

_API = "/_matrix/client/v3"
_MEDIA = "/_matrix/client/v1/media/download"
_ENCRYPTED = "m.room.encrypted"
_CHUNK_BYTES = 64 * 1024
_MOST_ERROR_BYTES = 4096  # descriptions are far shorter
_MOST_TRIES = 8  # of nio at one answer; a full disk may have been the reason
_MOST_JSON_BYTES = 1024 * 1024  # of one event; the server's own limit is 64 KiB


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds everything outside may take, and how long to pause after a failure."""

    connect_s: float = 10.0
    read_s: float = 20.0
    file_s: float = 60.0
    full_sync_s: float = 300.0  # the first one brings the state of every room
    poll_s: float = 30.0  # how long the server holds a sync that has nothing to say
    first_pause_s: float = 1.0  # doubled with every further failure
    most_pause_s: float = 60.0
    revoked_pause_s: float = 300.0  # our password is not accepted
    page: int = 50  # events in one answer; what is more is fetched page by page


@dataclass(frozen=True, slots=True)
class Login:
    """One device of the account; its token is as good as the password."""

    user: str
    device: str
    token: str = field(repr=False)


class Client(AsyncClient):  # type: ignore[misc]  # nio declares no types
    """One device. What it returns has succeeded; everything else is a PlatformError."""

    access_token: str
    device_id: str
    next_batch: str
    store: Any  # as all of these, nio's own; so is the next
    olm: Any

    def __init__(self, homeserver: str, user: str, store: Path | None, timings: Timings) -> None:
        """No store: for a moment, without encrypted rooms."""
        config = AsyncClientConfig(
            store=SqliteStore, max_limit_exceeded=0, max_timeouts=0, request_timeout=timings.read_s
        )
        super().__init__(homeserver.rstrip("/"), user, store_path=str(store or ""), config=config)
        self._timings = timings
        self._failed_syncs = 0  # in a row
        self._encrypting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by room

    async def send(
        self,
        method: str,
        path: str,
        data: Any = None,  # Any: nio's own
        headers: dict[str, str] | None = None,
        trace_context: Any = None,  # Any: nio's own
        timeout: float | None = None,  # noqa: ASYNC109  nio's own
    ) -> aiohttp.ClientResponse:
        """nio's 0 means for ever: for files and for a sync with the state of all rooms."""
        total_s = self._timings.read_s if timeout is None else timeout
        if total_s == 0:
            total_s = self._timings.full_sync_s if "/sync?" in path else self._timings.file_s
        times = aiohttp.ClientTimeout(total=total_s, sock_connect=self._timings.connect_s)
        answer: aiohttp.ClientResponse = await super().send(
            method, path, data, headers, trace_context, times
        )
        return answer

    async def call(self, request: Awaitable[R]) -> R:
        with translated():
            response = await request
            check(response)
        return response

    async def sync_from(
        self, since: str | None, what: dict[str, Any], *, wait_s: float, full_state: bool
    ) -> SyncResponse:
        """`what`: a filter. Raises Refused where the server does not know `since` any more, or
        answers with what cannot be read."""
        self.next_batch = ""  # else nio passes over an answer at which it failed half-way
        with translated():
            response = await self.sync(
                timeout=int(wait_s * 1000),
                sync_filter=what,
                since=since,
                full_state=full_state or None,
            )
            answered = response.transport_response
            if isinstance(response, SyncError) and answered and answered.status == HTTPStatus.OK:
                raise Refused("the answer is no sync")
            check(response)
        return response

    async def receive_response(self, response: Response) -> None:
        """Where nio fails at a sync again and again, it gets it in pieces, and the broken ones are
        left out: one room must not hold up all others for ever."""
        try:
            await super().receive_response(response)
        except Exception:
            if not isinstance(response, SyncResponse):
                raise
            self._failed_syncs += 1
            if self._failed_syncs < _MOST_TRIES:
                raise
            await self._receive_pieces(response)
        if isinstance(response, SyncResponse):
            self._failed_syncs = 0

    async def log_in(self, password: str) -> Login:
        """As a new device unless the server only wants the password again, which nio tells by
        taking the token away: a device that was logged out has lost its keys on the server."""
        if self.access_token:
            self.access_token, self.device_id, self.store, self.olm = "", "", None, None
        response: LoginResponse = await self.call(self.login(password, device_name="visionbot"))
        return Login(response.user_id, response.device_id, response.access_token)

    async def post(self, room: str, kind: str, content: dict[str, Any], key: str) -> str:
        """The event's id; the server makes one event of all posts with the same key."""
        if not self._is_encrypted(room):
            return await self._post(room, kind, content, key)
        async with self._encrypting[room]:
            if self.olm.should_share_group_session(room):
                await self._share_key(room)
            return await self._post(room, kind, content, key)

    async def read(self, room: str, event: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """An event, and the content of its newest edit (or nothing); None: it cannot be read."""
        path = f"{_API}/rooms/{quote(room, safe='')}/event/{quote(event, safe='')}"
        try:
            found = json.loads(await self._get(path, max_bytes=_MOST_JSON_BYTES))
        except (Gone, Refused):
            return None
        except ValueError:
            raise Unclear("an event was asked for, and the answer is no JSON") from None
        edit = found.get("unsigned", {}).get("m.relations", {}).get("m.replace") or {}
        return self.decrypted(found, room), self.decrypted(edit, room).get("content", {})

    def decrypted(self, raw: dict[str, Any], room: str) -> dict[str, Any]:
        """The event itself where it is not encrypted, or we have no key for it."""
        if raw.get("type") != _ENCRYPTED:
            return raw
        event = Event.parse_event(raw)
        if not isinstance(event, MegolmEvent):
            return raw
        event.room_id = room
        try:
            source: dict[str, Any] = self.decrypt_event(event).source
        except EncryptionError:
            return raw
        return source

    async def put_file(self, data: bytes, name: str, media_type: str, room: str) -> dict[str, Any]:
        """What an event says of where the file is: its address, in an encrypted room also its
        key."""
        secret = self._is_encrypted(room)
        with translated():
            response, keys = await self.upload(
                lambda *_: data, media_type, name, encrypt=secret, filesize=len(data)
            )
            check(response)
        if not secret:
            return {"url": response.content_uri}
        return {"file": {"url": response.content_uri, **keys}}

    async def get_file(self, address: str, *, max_bytes: int) -> bytes:
        """`address`: "mxc://server/id"."""
        server, _, media = address.removeprefix("mxc://").partition("/")
        if not address.startswith("mxc://") or not media:
            raise Refused("the file has no address of this network")
        path = f"{_MEDIA}/{quote(server, safe='')}/{quote(media, safe='')}"
        return await self._get(path, max_bytes=max_bytes)

    async def keep_keys(self) -> None:
        """What encryption needs to be told and asked between two syncs."""
        if self.olm is None:
            return
        if self.should_upload_keys:
            await self.call(self.keys_upload())
        if self.should_query_keys:
            await self.call(self.keys_query())
        if self.should_claim_keys:
            await self.call(self.keys_claim(self.get_users_for_key_claiming()))
        with translated():
            await self.send_to_device_messages()

    async def _receive_pieces(self, response: SyncResponse) -> None:
        for about, piece in pieces(response):
            self.next_batch = ""
            try:
                await super().receive_response(piece)
            except Exception as error:
                # No traceback: the library's words may quote the message.
                log.error(  # noqa: TRY400
                    "matrix: %s cannot be read; what came with it is lost: %s",
                    about,
                    type(error).__name__,
                )
                response.rooms.invite.pop(about, None)
                response.rooms.join.pop(about, None)

    def _is_encrypted(self, room: str) -> bool:
        return room in self.rooms and bool(self.rooms[room].encrypted)

    async def _share_key(self, room: str) -> None:
        """nio's own way goes on when somebody did not get the key, who then could not read us."""
        if not self.rooms[room].members_synced:
            await self.call(self.joined_members(room))
        if self.should_query_keys:
            await self.call(self.keys_query())
        if without_session := self.get_missing_sessions(room):
            await self.call(self.keys_claim(without_session))
        people = list(self.rooms[room].users)
        for devices, messages in self.olm.share_group_session_parallel(room, people, True):
            request = Api.to_device(self.access_token, _ENCRYPTED, messages, uuid4())
            await self.call(
                self._send(ShareGroupSessionResponse, *request, response_data=(room, devices))
            )
        self.olm.outbound_group_sessions[room].shared = True

    async def _post(self, room: str, kind: str, content: dict[str, Any], key: str) -> str:
        sent = await self.call(
            self.room_send(room, kind, content, tx_id=key, ignore_unverified_devices=True)
        )
        event: str = sent.event_id
        return event

    async def _get(self, path: str, *, max_bytes: int) -> bytes:
        with translated():
            async with self._answer(path) as response:
                if response.status != HTTPStatus.OK:
                    said = await response.content.read(_MOST_ERROR_BYTES)
                    raise _refusal(response.status, said)
                return await _read(response, max_bytes)

    @asynccontextmanager
    async def _answer(self, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        response = await self.send("GET", path, headers=headers, timeout=self._timings.file_s)
        try:
            yield response
        finally:
            response.close()


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > max_bytes:
            raise Refused(f"the file has more than {max_bytes} bytes")
    return bytes(data)


def _refusal(status: int, body: bytes) -> Exception:
    try:
        found = json.loads(body)
        code, wait_ms = str(found["errcode"]), found.get("retry_after_ms")
    except (ValueError, KeyError, TypeError, AttributeError):
        code, wait_ms = "", None
    return platform_error(status, code, "", wait_ms)
