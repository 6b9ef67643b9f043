"""Who writes to the bot, how their messages look on the wire, and what they see in their app.

The face of a person is the same on every platform we test: says, replies, sends_photo, sends_album,
sends_file, edits, deletes, presses; sees, reads.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.emulators.telegram.chats import Chat, Message
from tests.emulators.telegram.wording import caption_of, is_for, marked, quote_of, shown

if TYPE_CHECKING:  # the server makes the people
    from tests.emulators.telegram.server import Emulator


class Person:
    def __init__(self, emulator: Emulator, user: dict[str, Any]) -> None:
        self._emulator = emulator
        self.user = user
        head = {"id": user["id"], "type": "private", "first_name": user["first_name"]}
        self.chat = emulator.chats.add(Chat(head))

    @property
    def id(self) -> int:
        return self.user["id"]

    def says(
        self,
        text: str,
        *,
        to: Chat | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
        quote: str = "",
    ) -> Message:
        """`quote`: the part of `reply_to` that is marked for it."""
        content = {"text": text} | marked("entities", text)
        return self._writes(content, to, reply_to, thread, quote)

    def replies(self, message: Message, text: str, *, quote: str = "") -> Message:
        """Where that message stands."""
        return self.says(
            text,
            to=self._emulator.chats.get(message.chat),
            reply_to=message,
            thread=message.thread,
            quote=quote,
        )

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
        content = {"photo": self._emulator.files.add_photo(data)} | caption_of(caption)
        content |= {"media_group_id": album} if album else {}
        message = self._writes(content, to, reply_to, thread)
        message.photo = data
        return message

    def sends_album(
        self,
        photos: Sequence[bytes],
        caption: str = "",
        *,
        to: Chat | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> list[Message]:
        """The caption stands on the first one only, as people's apps do it."""
        album = f"1{self.id}{len((to or self.chat).messages)}"
        return [
            self.sends_photo(
                photo,
                "" if index else caption,
                to=to,
                album=album,
                reply_to=None if index else reply_to,
                thread=thread,
            )
            for index, photo in enumerate(photos)
        ]

    def sends_file(
        self,
        data: bytes,
        name: str,
        caption: str = "",
        *,
        media_type: str = "",
        to: Chat | None = None,
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> Message:
        """`media_type`: what the app believes it is; empty: told by the name."""
        head = self._emulator.files.add(data, "documents/file_{}")
        guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        document = head | {"mime_type": guessed, "file_name": name}
        content = {"document": document} | caption_of(caption)
        message = self._writes(content, to, reply_to, thread)
        message.file = data
        return message

    def sends_sticker(self, *, to: Chat | None = None) -> Message:
        sticker = self._emulator.files.add(b"sticker", "stickers/file_{}.webp") | {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        }
        return self._writes({"sticker": sticker}, to)

    def forwards(self, message: Message, *, to: Chat | None = None) -> Message:
        """With the name of who wrote it first."""
        kept = ("text", "entities", "caption", "caption_entities", "photo", "document")
        content = {key: message.payload[key] for key in kept if key in message.payload}
        origin = {"type": "user", "sender_user": message.payload["from"]}
        content["forward_origin"] = origin | {"date": message.payload["date"]}
        forwarded = self._writes(content, to)
        forwarded.photo, forwarded.file = message.photo, message.file
        return forwarded

    def edits(self, message: Message, text: str) -> None:
        name = "entities" if "text" in message.payload else "caption_entities"
        message.say(text, **marked(name, text))
        self._emulator.updates.put("edited_message", dict(message.payload))

    def deletes(self, message: Message) -> None:
        """The bot is not told."""
        message.deleted = True

    def presses(self, message: Message, button: str) -> str:
        """`button`: its name or its label. The number of the press."""
        name = next((name for name, label in message.buttons if button in (name, label)), None)
        if name is None:
            raise LookupError(f"no button {button!r} below {message.text!r}: {message.buttons}")
        return self._presses(name, dict(message.payload))

    def presses_long_after(self, message: Message, name: str) -> str:
        """So long that the bot is not shown the message any more."""
        head = {"chat": message.payload["chat"], "message_id": message.id, "date": 0}
        return self._presses(name, head)

    def stops(self) -> None:
        """The button below the draft that is seen."""
        preview, thread = self._emulator.previews.stop(self.chat)
        content = {"chat": self.chat.head, "draft_id": preview.draft}
        content |= {} if thread is None else {"message_thread_id": thread}
        self._emulator.updates.put("stopped_message_generation", content)

    def blocks(self) -> None:
        self.chat.blocked = "bot was blocked by the user"

    def unblocks(self) -> None:
        self.chat.blocked = ""

    def leaves_telegram(self) -> None:
        self.chat.blocked = "user is deactivated"

    def sees(self, chat: Chat | None = None) -> list[Message]:
        """Everything in the private chat, or in a group, the oldest first."""
        return self._emulator.visible(chat or self.chat)

    def sees_draft(self) -> str | None:
        """What is being written to them at this moment."""
        preview = self._emulator.previews.seen(self.chat)
        return None if preview is None else preview.text

    def reads(self, chat: Chat | None = None) -> list[str]:
        """The same in lines to compare: who, what, the photo and the buttons."""
        lines = [shown(message) for message in self.sees(chat)]
        draft = self.sees_draft() if chat is None else None
        return lines if draft is None else [*lines, f"({self._emulator.name} writes: {draft})"]

    def _presses(self, name: str, message: dict[str, Any]) -> str:
        number = self._emulator.queries.open()
        head = {"id": number, "from": self.user, "chat_instance": f"-{message['chat']['id']}1"}
        self._emulator.updates.put("callback_query", head | {"message": message, "data": name})
        return number

    def _writes(
        self,
        content: dict[str, Any],
        to: Chat | None,
        reply_to: Message | None = None,
        thread: int | None = None,
        quote: str = "",
    ) -> Message:
        chat = to or self.chat
        if thread is not None:
            content = content | {"message_thread_id": thread, "is_topic_message": True}
        if reply_to is not None:
            content = content | quote_of(reply_to, chat.id, quote)
        elif thread is not None and chat.is_forum:
            content = content | {"reply_to_message": chat.root(thread, self._emulator.bot)}
        message = chat.add(self.user, content)
        if chat.is_private or not self._emulator.privacy or is_for(content, self._emulator.bot):
            self._emulator.updates.put("message", dict(message.payload))
        return message
