"""Telegram's updates as events. Pure: bytes of photos stay where they are.

What becomes an event: a message that a person wrote, in a private chat or a group. What does not:
edited messages, channel posts, messages of bots, of channels, of anonymous administrators and of
Telegram itself, messages made by way of another bot, and service messages ("joined the group").
A sticker, a video or a file that is no picture becomes an event without text and photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Message, MessageEntity

from bot.event import Attachment, Conversation, Event, Person

PLATFORM = "telegram"
ALLOWED_UPDATES = ("message",)
DOWNLOAD_LIMIT = 20 * 1024 * 1024  # getFile refuses larger ones

_PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
_UNSUPPORTED = (
    "animation",
    "audio",
    "checklist",
    "contact",
    "dice",
    "document",
    "game",
    "location",
    "paid_media",
    "poll",
    "sticker",
    "story",
    "venue",
    "video",
    "video_note",
    "voice",
)
# Service accounts that speak for others: "Group" (anonymous administrators), "Telegram", "Channel".
_NOBODY = frozenset({1087968824, 777000, 136817688})


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are there: people call us by our username."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class _Words:
    text: str
    addressed: bool


def parse_update(update: dict[str, Any], account: Account) -> Event | None:
    """None: nothing for us. A malformed update raises whatever the parser stumbles over."""
    raw = update.get("message")
    if raw is None:
        return None
    message = Message.de_json(raw, None)
    person = _person(message)
    if person is None:
        return None
    photos = _photos(message)
    if not (photos or message.text or _has_unsupported(message)):
        return None
    words = _words(message, account)
    supported = bool(photos or message.text)
    if supported and not photos and words.addressed:
        photos = _photos_replied_to(message)
    return Event(
        bot=str(account.id),
        message=str(_number(message.message_id)),
        conversation=_conversation(message),
        person=person,
        text=_text(words.text, photos) if supported else "",
        photos=photos,
        addressed=words.addressed,
        album=_clean(message.media_group_id or ""),
    )


def _text(said: str, photos: tuple[Attachment, ...]) -> str:
    """Nothing but our name is a message without visible words, not one we cannot read."""
    return said or ("" if photos else " ")


def _person(message: Message) -> Person | None:
    user = message.from_user
    if user is None or user.is_bot or user.id in _NOBODY:
        return None
    if message.sender_chat is not None or message.via_bot is not None:
        return None
    return Person(str(_number(user.id)), _clean(user.language_code or ""))


def _conversation(message: Message) -> Conversation:
    # Outside forum topics message_thread_id only counts replies, and sending to it fails.
    in_topic = message.is_topic_message and message.message_thread_id is not None
    thread = str(message.message_thread_id) if in_topic else ""
    return Conversation(PLATFORM, str(_number(message.chat.id)), thread)


def _photos(message: Message) -> tuple[Attachment, ...]:
    document = message.document
    if document is not None and document.mime_type in _PICTURE_TYPES:
        size = document.file_size or 0
        return (Attachment(_clean(document.file_id), document.mime_type, size),)
    fitting = [size for size in message.photo if (size.file_size or 0) <= DOWNLOAD_LIMIT]
    if not fitting:
        return ()
    best = max(fitting, key=lambda size: size.width * size.height)
    return (Attachment(_clean(best.file_id), "image/jpeg", best.file_size or 0),)


def _photos_replied_to(message: Message) -> tuple[Attachment, ...]:
    """Who answers to a photo with a question means that photo."""
    return _photos(message.reply_to_message) if message.reply_to_message is not None else ()


def _has_unsupported(message: Message) -> bool:
    return any(getattr(message, kind, None) for kind in _UNSUPPORTED)


def _words(message: Message, account: Account) -> _Words:
    """The text without our name in it, and whether it is meant for us."""
    text = message.text or message.caption or ""
    name = f"@{account.username}".lower()
    called = _answers_us(message, account)
    to_other = False
    cuts: list[tuple[int, int]] = []
    for entity, start, end in _spans(text, message):
        if entity.type == "bot_command" and start == 0:
            verb, at, addressee = text[start:end].partition("@")
            to_other = bool(at) and f"@{addressee}".lower() != name
            called = called or not to_other
            if not to_other:
                cuts.append((len(verb), end))
        elif _names(entity, text[start:end].lower(), name, account):
            called = True
            cuts.append((start, end))
    private = message.chat.type == "private"
    return _Words(_clean(_without(text, cuts)), private or (called and not to_other))


def _names(entity: MessageEntity, said: str, name: str, account: Account) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == account.id
    return entity.type == "mention" and said == name


def _answers_us(message: Message, account: Account) -> bool:
    answered = message.reply_to_message
    # NOTE: in a topic, messages that answer nobody "answer" the one that made the topic.
    if answered is None or answered.forum_topic_created is not None:
        return False
    return answered.from_user is not None and answered.from_user.id == account.id


def _spans(text: str, message: Message) -> list[tuple[MessageEntity, int, int]]:
    """The entities with their place in characters; Telegram counts UTF-16 units."""
    raw = text.encode("utf-16-le", "surrogatepass")

    def characters(units: int) -> int:
        return len(raw[: 2 * units].decode("utf-16-le", "surrogatepass"))

    entities = message.entities if message.text else message.caption_entities
    return [
        (entity, characters(entity.offset), characters(entity.offset + entity.length))
        for entity in entities
    ]


def _without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    for start, end in sorted(cuts, reverse=True):
        before, after = text[:start], text[end:]
        if not before:
            after = after.lstrip(" ,，:：")
        elif before.endswith(" ") and after.startswith(" "):
            after = after[1:]
        text = before + after
    return text


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"an id is a {type(value).__name__}, not a number")
    return value


def _clean(text: str) -> str:
    """Halves of surrogate pairs pass through JSON, but no database and no socket takes them."""
    return text.encode("utf-8", "replace").decode().strip()
