"""People on a homeserver: what they do with their apps, and what the server shows them."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

from nio import (
    AsyncClient,
    AsyncClientConfig,
    Event,
    MegolmEvent,
    RoomMessagesResponse,
    UploadResponse,
)
from nio.crypto.attachments import decrypt_attachment
from nio.exceptions import EncryptionError
from nio.store import SqliteMemoryStore

from bot.platforms.matrix.reactions import emoji_of
from tests.emulators.matrix.server import Synapse

T = TypeVar("T")

_POLL_MS = 5000
_MOST_EVENTS = 500  # looked at in one room


@dataclass(frozen=True)
class Message:
    """One message of a room as the server tells of it now, its edits taken in."""

    id: str
    room: str
    sender: str
    text: str
    formatted: str | None = None
    versions: tuple[str, ...] = ()  # what it said before and says now
    photo: dict[str, Any] | None = None  # the content of its event
    answers: str | None = None  # the message that it is a reply to
    thread: str = ""
    reactions: dict[str, set[str]] = field(default_factory=dict)  # emoji -> who
    buttons: tuple[str, ...] = ()  # the names of what its reactions mean

    @property
    def deleted(self) -> bool:
        return not self.versions


class Person:
    """`chat` is the room that is meant where none is named: the one opened or joined last."""

    def __init__(self, synapse: Synapse, name: str, *, encrypted: bool = False) -> None:
        self._synapse = synapse
        self.name = name
        self.id = f"@{name}:{synapse.name}"
        self.chat = ""
        config = AsyncClientConfig(
            store=SqliteMemoryStore, encryption_enabled=encrypted, request_timeout=10
        )
        self._client = AsyncClient(synapse.url, self.id, config=config)
        self._encrypted = encrypted
        self._keys: list[Any] = []  # of a message whose key is not sent yet

    async def __aenter__(self) -> Self:
        login = await asyncio.to_thread(self._synapse.register, self.name)
        client = self._client
        client.user_id, client.device_id = login["user_id"], login["device_id"]
        client.access_token = login["access_token"]
        if self._encrypted:
            client.load_store()
        await self._sync(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def opens(self, *others: str, name: str = "", encrypted: bool = False) -> str:
        """A room with the others invited: a private chat, with a name a group."""
        state = []
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            state = [{"type": "m.room.encryption", "state_key": "", "content": content}]
        created = _sure(
            await self._client.room_create(
                name=name or None, is_direct=not name, invite=others, initial_state=state
            )
        )
        return await self._is_in(created.room_id)

    async def joins(self, room: str) -> None:
        _sure(await self._client.join(room))
        await self._is_in(room)

    async def leaves(self, room: str) -> None:
        _sure(await self._client.room_leave(room))

    async def invites(self, other: str, room: str = "") -> None:
        _sure(await self._client.room_invite(room or self.chat, other))

    async def removes(self, other: str, room: str = "") -> None:
        _sure(await self._client.room_kick(room or self.chat, other))

    async def until_joined(self, other: str, room: str = "") -> None:
        """The app knows it too, so that what is encrypted from now on is for them as well."""
        room = room or self.chat
        while other not in await self.members(room):
            await self._sync(_POLL_MS)
        if self._encrypted:
            await self.until(lambda: other in self._client.rooms[room].users)

    async def says(
        self,
        text: str,
        *,
        to: str = "",
        reply_to: str | None = None,
        thread: str = "",
        mentions: Sequence[str] = (),
        msgtype: str = "m.text",
    ) -> str:
        content = {"msgtype": msgtype, "body": text, "m.mentions": {"user_ids": list(mentions)}}
        return await self.sends(content | _place(thread, reply_to), to=to)

    async def sends_photo(
        self,
        data: bytes,
        caption: str = "",
        *,
        name: str = "photo.png",
        media_type: str = "image/png",
        msgtype: str = "m.image",
        to: str = "",
        reply_to: str | None = None,
        thread: str = "",
        mentions: Sequence[str] = (),
    ) -> str:
        content = {
            "msgtype": msgtype,
            "body": caption or name,
            "info": {"mimetype": media_type, "size": len(data)},
            "m.mentions": {"user_ids": list(mentions)},
        }
        if caption:
            content["filename"] = name
        content |= await self._uploaded(data, name, media_type, to or self.chat)
        return await self.sends(content | _place(thread, reply_to), to=to)

    async def sends_file(
        self, data: bytes, media_type: str, caption: str = "", *, name: str = "file", to: str = ""
    ) -> str:
        return await self.sends_photo(
            data, caption, name=name, media_type=media_type, msgtype="m.file", to=to
        )

    async def reacts(self, message: str, emoji: str, *, to: str = "") -> str:
        relation = {"rel_type": "m.annotation", "event_id": message, "key": emoji}
        return await self.sends({"m.relates_to": relation}, kind="m.reaction", to=to)

    async def presses(self, message: str, button: str, *, to: str = "") -> str:
        """`button`: its name, with what it is about where it has that."""
        emoji = emoji_of(button)
        assert emoji is not None, button
        return await self.reacts(message, emoji, to=to)

    async def edits(self, message: str, text: str, *, to: str = "") -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": message}
        content = new | {"body": f"* {text}", "m.new_content": new, "m.relates_to": relation}
        return await self.sends(content, to=to)

    async def deletes(self, message: str, *, to: str = "") -> str:
        return str(_sure(await self._client.room_redact(to or self.chat, message)).event_id)

    async def says_before_the_key(self, text: str) -> str:
        """In an encrypted room; `sends_the_key` makes it readable."""
        machine, users = self._client.olm, self._client.rooms[self.chat].users
        machine.create_outbound_group_session(self.chat)
        self._keys = list(machine.share_group_session_parallel(self.chat, list(users), True))
        machine.outbound_group_sessions[self.chat].shared = True
        return await self.says(text)

    async def sends_the_key(self) -> None:
        for _, messages in self._keys:
            path = f"/sendToDevice/m.room.encrypted/{uuid4()}"
            await self._call("PUT", path, json.dumps(messages))

    async def says_elsewhere(self, other: str, text: str) -> None:
        """In a new room with the other, staying in this one."""
        here = self.chat
        await self.opens(other)
        await self.says(text)
        self.chat = here

    async def sends(
        self, content: dict[str, Any], *, kind: str = "m.room.message", to: str = ""
    ) -> str:
        """Any event; its id."""
        sent = await self._client.room_send(
            to or self.chat, kind, content, str(uuid4()), ignore_unverified_devices=True
        )
        return str(_sure(sent).event_id)

    async def sees(self, room: str = "") -> list[Message]:
        """Everything said in the room, the oldest first."""
        room = room or self.chat
        raws: list[dict[str, Any]] = []
        page: str | None = None
        while len(raws) < _MOST_EVENTS:
            answer = await self._client.room_messages(room, start=page, limit=100)
            assert isinstance(answer, RoomMessagesResponse), answer
            raws += [self._opened(event, room) for event in answer.chunk]
            page = answer.end
            if page is None:
                break
        return _messages(raws[::-1], room)

    async def reads(
        self,
        look: Callable[[list[Message]], T],
        *,
        room: str = "",
        within_s: float = 15.0,
    ) -> T:
        """The first true thing `look` finds in what is seen, now or after the next change."""
        seen: list[Message] = []
        try:
            async with asyncio.timeout(within_s):
                while True:
                    seen = await self.sees(room)
                    if found := look(seen):
                        return found
                    await self._sync(_POLL_MS)
        except TimeoutError:
            said = [(message.sender, message.text) for message in seen]
            raise AssertionError(f"{self.id} waits in vain and sees {said}") from None

    async def until(self, holds: Callable[[], object], *, within_s: float = 15.0) -> None:
        """Until `holds` after some news from the server."""
        async with asyncio.timeout(within_s):
            while not holds():
                await self._sync(_POLL_MS)

    async def members(self, room: str = "") -> set[str]:
        found = _sure(await self._client.joined_members(room or self.chat))
        return {member.user_id for member in found.members}

    async def notified(self) -> list[str]:
        """The messages this person's telephone rang for with a highlight."""
        found = await self._call("GET", "/notifications?only=highlight")
        return [one["event"]["event_id"] for one in found["notifications"]]

    async def on_the_wire(self, room: str = "") -> set[str]:
        """The kinds of all messages in the room as the server has them."""
        path = f"/rooms/{quote(room or self.chat)}/messages?dir=b&limit=100"
        kinds = {event["type"] for event in (await self._call("GET", path))["chunk"]}
        return kinds & {"m.room.message", "m.room.encrypted"}

    async def downloads(self, message: Message) -> bytes:
        """The photo of a message."""
        assert message.photo is not None
        file = message.photo.get("file")
        body: bytes = _sure(
            await self._client.download(file["url"] if file else message.photo["url"])
        ).body
        if file:
            return decrypt_attachment(body, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return body

    async def _is_in(self, room: str) -> str:
        """An app that can encrypt has to know who is there."""
        if self._encrypted:
            await self.until(lambda: room in self._client.rooms)
        self.chat = room
        return room

    async def _uploaded(self, data: bytes, name: str, media_type: str, room: str) -> dict[str, Any]:
        secret = self._encrypted and self._client.rooms[room].encrypted
        response, keys = await self._client.upload(
            io.BytesIO(data), media_type, name, encrypt=secret, filesize=len(data)
        )
        assert isinstance(response, UploadResponse), response
        if keys is None:
            return {"url": response.content_uri}
        return {"file": {"url": response.content_uri, **keys}}

    async def _call(self, method: str, path: str, body: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._client.access_token}"}
        path = f"/_matrix/client/v3{path}"
        async with await self._client.send(method, path, body, headers=headers) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def _sync(self, timeout_ms: int) -> None:
        client = self._client
        _sure(await client.sync(timeout_ms))
        if not self._encrypted:
            return
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        await client.send_to_device_messages()

    def _opened(self, event: Event, room: str) -> dict[str, Any]:
        """With the aggregation the server tells of."""
        if isinstance(event, MegolmEvent) and self._encrypted:
            event.room_id = room
            try:
                opened = self._client.decrypt_event(event)
            except EncryptionError:
                return event.source
            return event.source | opened.source
        return event.source


def _messages(raws: list[dict[str, Any]], room: str) -> list[Message]:
    edits: dict[str, list[dict[str, Any]]] = {}
    reactions: dict[str, dict[str, set[str]]] = {}
    for raw in raws:
        relation = raw["content"].get("m.relates_to", {})
        about = relation.get("event_id", "")
        if relation.get("rel_type") == "m.replace" and "m.new_content" in raw["content"]:
            edits.setdefault(about, []).append(raw["content"]["m.new_content"])
        if raw["type"] == "m.reaction" and relation:
            reactions.setdefault(about, {}).setdefault(relation["key"], set()).add(raw["sender"])
    return [
        _message(raw, room, edits.get(raw["event_id"], []), reactions.get(raw["event_id"], {}))
        for raw in raws
        if raw["type"] in ("m.room.message", "m.room.encrypted")
        and raw["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
    ]


def _message(
    raw: dict[str, Any], room: str, edits: list[dict[str, Any]], reactions: dict[str, set[str]]
) -> Message:
    """Its text is the newest edit in the server's own aggregation, where it can read that."""
    content, relation = raw["content"], raw["content"].get("m.relates_to", {})
    newest = raw.get("unsigned", {}).get("m.relations", {}).get("m.replace", {}).get("content", {})
    shown = newest.get("m.new_content", content)
    versions = [one["body"] for one in (content, *edits)] if "body" in content else []
    if "m.new_content" not in newest and edits:
        shown = content | edits[-1]
    return Message(
        raw["event_id"],
        room,
        raw["sender"],
        shown.get("body", ""),
        shown.get("formatted_body"),
        tuple(versions),
        content if content.get("msgtype") == "m.image" else None,
        None
        if relation.get("is_falling_back")
        else relation.get("m.in_reply_to", {}).get("event_id"),
        relation["event_id"] if relation.get("rel_type") == "m.thread" else "",
        reactions,
        tuple(shown.get("org.visionbot.buttons", {}).values()),
    )


def _place(thread: str, reply_to: str | None) -> dict[str, Any]:
    answered = {"m.in_reply_to": {"event_id": reply_to or thread}}
    if thread:
        head = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": reply_to is None}
        return {"m.relates_to": head | answered}
    return {"m.relates_to": answered} if reply_to else {}


def _sure(answer: Any) -> Any:
    """nio gives failures back as values."""
    assert not type(answer).__name__.endswith("Error"), answer
    return answer
