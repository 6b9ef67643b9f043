"""Who writes to the bot, and how their messages look on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.emulators.telegram.chats import Chat, Message

if TYPE_CHECKING:  # the server makes the people
    from tests.emulators.telegram.server import Emulator

_ENTITY = re.compile(r"(?P<bot_command>(?<!\S)/[A-Za-z0-9_]+(@\w+)?)|(?P<mention>(?<!\w)@\w{4,})")


class Person:
    def __init__(self, emulator: Emulator, user: dict[str, Any]) -> None:
        self._emulator = emulator
        self.user = user
        head = {"id": user["id"], "type": "private", "first_name": user["first_name"]}
        self.chat = emulator.chats.add(Chat(head))

    def says(
        self,
        text: str,
        *,
        to: Chat | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> Message:
        content = {"text": text} | _entities("entities", text)
        return self._writes(content, to, reply_to, thread)

    def sends_photo(
        self,
        data: bytes,
        caption: str = "",
        *,
        to: Chat | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
        album: str = "",
    ) -> Message:
        content = {"photo": self._emulator.files.add_photo(data)} | _caption(caption)
        content |= {"media_group_id": album} if album else {}
        return self._writes(content, to, reply_to, thread)

    def sends_album(
        self, photos: Sequence[bytes], caption: str = "", *, to: Chat | None = None
    ) -> list[Message]:
        """The caption stands on the first one only, as people's apps do it."""
        album = f"1{self.user['id']}{len((to or self.chat).messages)}"
        return [
            self.sends_photo(photo, "" if index else caption, to=to, album=album)
            for index, photo in enumerate(photos)
        ]

    def sends_document(
        self,
        data: bytes,
        media_type: str,
        caption: str = "",
        *,
        name: str = "file",
        to: Chat | None = None,
    ) -> Message:
        head = self._emulator.files.add(data, "documents/file_{}")
        document = head | {"mime_type": media_type, "file_name": name}
        return self._writes({"document": document} | _caption(caption), to)

    def sends_sticker(self, *, to: Chat | None = None) -> Message:
        sticker = self._emulator.files.add(b"sticker", "stickers/file_{}.webp") | {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        }
        return self._writes({"sticker": sticker}, to)

    def edits(self, message: Message, text: str) -> None:
        message.say(text)
        payload = message.payload | {"edit_date": message.payload["date"] + 1}
        self._emulator.updates.put("edited_message", payload)

    def deletes(self, message: Message) -> None:
        """The bot is not told."""
        message.deleted = True

    def blocks(self) -> None:
        self.chat.blocked = "bot was blocked by the user"

    def sees(self) -> list[Message]:
        """Everything in the private chat, the oldest first."""
        return self._emulator.visible(self.chat)

    def _writes(
        self,
        content: dict[str, Any],
        to: Chat | None,
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> Message:
        chat = to or self.chat
        if reply_to is not None:
            inner = {k: v for k, v in reply_to.payload.items() if k != "reply_to_message"}
            content = content | {"reply_to_message": inner}
        if thread is not None:
            content = content | {"message_thread_id": thread, "is_topic_message": True}
        message = chat.add(self.user, content)
        self._emulator.updates.put("message", message.payload)
        return message


def _caption(text: str) -> dict[str, Any]:
    return {"caption": text} | _entities("caption_entities", text) if text else {}


def _entities(name: str, text: str) -> dict[str, Any]:
    """Commands and mentions as the apps mark them, in UTF-16 units."""
    found = [
        {
            "type": match.lastgroup if match["mention"] else "bot_command",
            "offset": _units(text[: match.start()]),
            "length": _units(match.group()),
        }
        for match in _ENTITY.finditer(text)
    ]
    return {name: found} if found else {}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
