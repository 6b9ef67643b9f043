"""What stands in the chats: every message with all it ever said, as people see it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

Buttons = tuple[tuple[str, str], ...]  # name and label of each, row after row


@dataclass(frozen=True, slots=True)
class Version:
    text: str
    at: float  # monotonic seconds
    buttons: Buttons = ()
    entities: tuple[tuple[str, str], ...] = ()  # kind, and the words it is about


@dataclass(slots=True)
class Message:
    payload: dict[str, Any]  # as the wire shows it
    versions: list[Version] = field(default_factory=list)
    deleted: bool = False
    photo: bytes | None = None  # the file as it was sent
    file: bytes | None = None  # of a document

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
    def by(self) -> str:
        """As the apps write it above the message."""
        return self.payload["from"]["first_name"]

    @property
    def text(self) -> str:
        return self.payload.get("text") or self.payload.get("caption") or ""

    @property
    def buttons(self) -> Buttons:
        rows = self.payload.get("reply_markup", {}).get("inline_keyboard", [])
        return tuple((one.get("callback_data", ""), one["text"]) for row in rows for one in row)

    @property
    def entities(self) -> tuple[tuple[str, str], ...]:
        raw = self.text.encode("utf-16-le")
        found = self.payload.get("entities") or self.payload.get("caption_entities") or []
        places = [(one["type"], 2 * one["offset"], 2 * one["length"]) for one in found]
        return tuple((kind, raw[at : at + size].decode("utf-16-le")) for kind, at, size in places)

    @property
    def thread(self) -> int | None:
        return self.payload.get("message_thread_id")

    @property
    def answers(self) -> int | None:
        """The id of the message this one replies to."""
        answered = self.payload.get("reply_to_message", {})
        return None if "forum_topic_created" in answered else answered.get("message_id")

    @property
    def is_edited(self) -> bool:
        return len(self.versions) > 1

    def quoted(self) -> dict[str, Any]:
        """As it stands in a message that answers it: without what it answered itself."""
        hidden = ("reply_to_message", "external_reply", "quote")
        return {key: value for key, value in self.payload.items() if key not in hidden}

    def say(self, text: str, **content: Any) -> None:
        """`content`: entities and reply_markup; what is not given goes away."""
        name = "text" if "text" in self.payload else "caption"
        for key in ("entities", "caption_entities", "reply_markup"):
            self.payload.pop(key, None)
        self.payload |= {name: text, "edit_date": int(time.time())} | content
        self.note()

    def note(self) -> None:
        """People see what it says now."""
        self.versions.append(Version(self.text, time.monotonic(), self.buttons, self.entities))


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft as it was shown once."""

    draft: int
    text: str
    at: float  # monotonic seconds
    can_stop: bool


class Chat:
    def __init__(self, head: dict[str, Any], *, topics: dict[int, str] | None = None) -> None:
        self.head = head  # id, type, title or names
        self.topics = topics or {}  # thread -> title
        self.closed_topics: set[int] = set()
        self.messages: dict[int, Message] = {}
        self.blocked = ""  # why the bot may not write here
        self.refused = ""  # the same, as a 400
        self.moved_to: int | None = None
        self.opens_topics = True  # the bot has the right to
        self.takes_drafts = True
        self.previews: list[Preview] = []  # all there ever were
        self._last = 100

    @property
    def id(self) -> int:
        return self.head["id"]

    @property
    def is_private(self) -> bool:
        return self.head["type"] == "private"

    @property
    def is_forum(self) -> bool:
        return bool(self.head.get("is_forum"))

    def next_id(self) -> int:
        self._last += 1
        return self._last

    def add(self, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        head = {"message_id": self.next_id(), "date": int(time.time()), "chat": self.head}
        message = Message(head | {"from": sender} | content)
        message.note()
        self.messages[message.id] = message
        return message

    def open_topic(self, title: str) -> int:
        number = self.next_id()
        self.topics[number] = title
        return number

    def root(self, thread: int, maker: dict[str, Any]) -> dict[str, Any]:
        """What every message of a topic that answers no other one answers."""
        return {
            "message_id": thread,
            "date": int(time.time()),
            "chat": self.head,
            "from": maker,
            "message_thread_id": thread,
            "is_topic_message": True,
            "forum_topic_created": {"name": self.topics[thread], "icon_color": 7322096},
        }

    def standing(self, number: int) -> Message | None:
        message = self.messages.get(number)
        return None if message is None or message.deleted else message


class Chats:
    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}

    def add(self, chat: Chat) -> Chat:
        return self._chats.setdefault(chat.id, chat)

    def get(self, number: int) -> Chat | None:
        return self._chats.get(number)

    def visible(self, number: int) -> list[Message]:
        chat = self._chats[number]
        return [chat.messages[key] for key in sorted(chat.messages) if chat.standing(key)]
