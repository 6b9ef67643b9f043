"""What stands in the chats: every message with all it ever said, as people see it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    text: str
    at: float  # monotonic seconds


@dataclass(slots=True)
class Message:
    payload: dict[str, Any]  # as the wire shows it
    versions: list[Version] = field(default_factory=list)
    deleted: bool = False

    @property
    def id(self) -> int:
        return self.payload["message_id"]

    @property
    def chat(self) -> int:
        return self.payload["chat"]["id"]

    @property
    def sender(self) -> int:
        return self.payload["from"]["id"]

    @property
    def text(self) -> str:
        return self.payload.get("text") or self.payload.get("caption") or ""

    @property
    def thread(self) -> int | None:
        return self.payload.get("message_thread_id")

    @property
    def answers(self) -> int | None:
        """The id of the message this one replies to."""
        return self.payload.get("reply_to_message", {}).get("message_id")

    def say(self, text: str) -> None:
        self.payload["text"] = text
        self.versions.append(Version(text, time.monotonic()))


class Chat:
    def __init__(self, head: dict[str, Any], *, topics: frozenset[int] = frozenset()) -> None:
        self.head = head  # id, type, title or names
        self.topics = topics
        self.messages: dict[int, Message] = {}
        self.blocked = ""  # why the bot may not write here
        self.moved_to: int | None = None

    @property
    def is_private(self) -> bool:
        return self.head["type"] == "private"

    def next_id(self) -> int:
        return max(self.messages, default=100) + 1

    def add(self, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        payload = {
            "message_id": self.next_id(),
            "date": int(time.time()),
            "chat": self.head,
            "from": sender,
        }
        message = Message(payload | content)
        message.versions.append(Version(message.text, time.monotonic()))
        self.messages[message.id] = message
        return message

    def standing(self, number: int) -> Message | None:
        message = self.messages.get(number)
        return None if message is None or message.deleted else message


class Chats:
    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}

    def add(self, chat: Chat) -> Chat:
        return self._chats.setdefault(chat.head["id"], chat)

    def get(self, number: int) -> Chat | None:
        return self._chats.get(number)

    def visible(self, number: int) -> list[Message]:
        chat = self._chats[number]
        return [chat.messages[key] for key in sorted(chat.messages) if chat.standing(key)]
