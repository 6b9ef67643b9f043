"""Telegram's updates as events. Pure: bytes of photos and files stay where they are.

What becomes an event: what a person wrote, edited or pressed, in a private chat or a group. What
does not: channel posts, messages of bots, of channels, of anonymous administrators and of Telegram
itself, messages made by way of another bot, and service messages ("joined the group"). A sticker
or a place on a map becomes an event with nothing in it. Deletions are not told to bots.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from telegram import CallbackQuery, Chat, Message, User

from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.platforms.telegram.attachments import Content, files_of, photos_of
from bot.platforms.telegram.words import Account, clean, words_of

PLATFORM = "telegram"
# python-telegram-bot does not know the last one; it is read as JSON.
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "stopped_message_generation")

_DRAFT = "draft:"  # the message of an event, and of a Post, that is no message yet
_STOP = "stop"  # the button below a draft; the app gives it no name of ours
_WITHOUT_FILE = (
    "checklist",
    "contact",
    "dice",
    "game",
    "location",
    "paid_media",
    "poll",
    "sticker",
    "story",
    "venue",
)
# Service accounts that speak for others: "Group" (anonymous administrators), "Telegram", "Channel".
_NOBODY = frozenset({1087968824, 777000, 136817688})


def parse_update(update: dict[str, Any], account: Account) -> Event | None:
    """None: nothing for us. A malformed update raises whatever the parser stumbles over."""
    if (raw := update.get("message")) is not None:
        return _said(Message.de_json(raw, None), account)
    if (raw := update.get("edited_message")) is not None:
        return _edited(Message.de_json(raw, None), account)
    if (raw := update.get("callback_query")) is not None:
        return _pressed(CallbackQuery.de_json(raw, None), account)
    if (raw := update.get("stopped_message_generation")) is not None:
        return _stopped(raw, update["update_id"], account)
    return None


def parse_query(update: dict[str, Any]) -> str | None:
    """The number under which Telegram waits for an answer to a pressed button."""
    query = update.get("callback_query")
    number = query.get("id") if isinstance(query, dict) else None
    return number if isinstance(number, str) else None


def render_draft(number: int) -> str:
    return f"{_DRAFT}{number}"


def parse_draft(message: str) -> int | None:
    """None: it is the id of a message that stands."""
    return int(message.removeprefix(_DRAFT)) if message.startswith(_DRAFT) else None


def _said(message: Message, account: Account) -> Event | None:
    person = _person(message)
    if person is None:
        return None
    photos, files = photos_of(message), files_of(message)
    known = bool(photos or files or message.text)
    if not known and not any(getattr(message, kind, None) for kind in _WITHOUT_FILE):
        return None
    quoted = _quoted(message, account)
    words = words_of(message, account, answers_us=quoted is not None and quoted.ours)
    return Event(
        bot=str(account.id),
        message=str(_number(message.message_id)),
        conversation=_conversation(message),
        person=person,
        text=_visible(words.text, message) if known else "",
        photos=photos,
        addressed=words.addressed,
        named=words.named,
        album=clean(message.media_group_id or ""),
        quoted=quoted,
        files=files,
        group=_is_group(message.chat),
        forwarded=message.forward_origin is not None,
        at=message.date.timestamp(),
    )


def _visible(said: str, message: Message) -> str:
    """Nothing but our name is a message without visible words, not one we cannot read."""
    return said or (" " if message.text else "")


def _edited(message: Message, account: Account) -> Event | None:
    event = _said(message, account)
    if event is None or not (event.text or event.photos or event.files):
        return None  # a place that moves is "edited" every few seconds
    at = 0.0 if message.edit_date is None else message.edit_date.timestamp()
    # Twice within a second is two edits; the same edit told twice is one.
    version = f"{int(at)}-{zlib.crc32(event.text.encode()):08x}"
    name = f"{event.message}/edit/{version}"
    return replace(event, kind="edit", message=name, about=event.message, at=at)


def _pressed(query: CallbackQuery, account: Account) -> Event | None:
    """`text` is what came with the button; who writes an own app can send anything there."""
    if query.message is None or query.data is None or query.from_user.is_bot:
        return None
    number = str(_number(query.message.message_id))
    below = query.message if isinstance(query.message, Message) else None  # else: too old
    chat = query.message.chat
    where = Conversation(PLATFORM, str(_number(chat.id))) if below is None else _conversation(below)
    return Event(
        bot=str(account.id),
        message=f"{number}/press/{clean(query.id)}",
        conversation=where,
        person=_met(query.from_user),
        text=clean(query.data),
        kind="press",
        about=number,
        group=_is_group(chat),
    )


def _stopped(raw: dict[str, Any], update_id: int, account: Account) -> Event:
    """Drafts are shown in private chats only, so the chat is the person."""
    chat = Chat.de_json(raw["chat"], None)
    person = Person(str(_number(chat.id)), name=clean(chat.full_name or ""))
    draft = render_draft(_number(raw["draft_id"]))
    thread = raw.get("message_thread_id")
    return Event(
        bot=str(account.id),
        message=f"{draft}/stop/{_number(update_id)}",
        conversation=Conversation(
            PLATFORM, person.id, "" if thread is None else str(_number(thread))
        ),
        person=person,
        text=_STOP,
        kind="press",
        about=draft,
    )


def _person(message: Message) -> Person | None:
    user = message.from_user
    if user is None or user.is_bot or user.id in _NOBODY:
        return None
    if message.sender_chat is not None or message.via_bot is not None:
        return None
    return _met(user)


def _met(user: User) -> Person:
    return Person(str(_number(user.id)), clean(user.language_code or ""), clean(user.full_name))


def _conversation(message: Message) -> Conversation:
    # Outside forum topics message_thread_id only counts replies, and sending to it fails.
    in_topic = message.is_topic_message and message.message_thread_id is not None
    thread = str(message.message_thread_id) if in_topic else ""
    return Conversation(PLATFORM, str(_number(message.chat.id)), thread)


def _is_group(chat: Chat) -> bool:
    return chat.type in ("group", "supergroup")


def _quoted(message: Message, account: Account) -> Quoted | None:
    chosen = "" if message.quote is None else clean(message.quote.text)  # a part of it
    answered = message.reply_to_message
    if answered is None:
        elsewhere = message.external_reply  # its id belongs to another chat
        return None if elsewhere is None else Quoted("", chosen, *_attached(elsewhere))
    # NOTE: in a topic, messages that answer nobody "answer" the one that made the topic.
    if answered.forum_topic_created is not None:
        return None
    return Quoted(
        str(_number(answered.message_id)),
        chosen or clean(answered.text or answered.caption or ""),
        *_attached(answered),
        ours=answered.from_user is not None and answered.from_user.id == account.id,
    )


def _attached(content: Content) -> tuple[tuple[Attachment, ...], tuple[Attachment, ...]]:
    return photos_of(content), files_of(content)


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"an id is a {type(value).__name__}, not a number")
    return value
