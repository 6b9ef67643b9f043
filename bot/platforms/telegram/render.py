"""A post as Telegram takes it: text with entities, buttons in rows, the message it answers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters

from bot.event import Button
from bot.markdown import inert
from bot.markup import Span, styled
from bot.platforms.base import Post, Refused

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
TOPIC_LETTERS = 128

_NAME_BYTES = 64
_ROW_COLUMNS = 24  # labels beside each other that a small phone still shows whole
_KINDS = {
    "bold": "bold",
    "italic": "italic",
    "strike": "strikethrough",
    "code": "code",
    "pre": "pre",
    "link": "text_link",
    "quote": "blockquote",
}
_NUMBER = re.compile(r"\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Words:
    text: str
    entities: tuple[MessageEntity, ...] = ()


def render_words(post: Post) -> Words:
    if not post.final:  # half an answer of the model; nothing in it may act, as in the whole one
        return Words(_sendable(inert(post.text)))
    if not post.rich:
        return Words(_sendable(post.text))
    found = styled(post.text, room=TEXT_UNITS if post.photo is None else CAPTION_UNITS)
    return Words(found.text, tuple(_entity(found.text, span) for span in found.spans))


def render_buttons(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup([[_button(one) for one in row] for row in _rows(buttons)])


def render_reply(reply_to: str | None) -> ReplyParameters | None:
    number = message_number(reply_to)
    if number is None:
        return None
    # People delete their questions; the answer shall come nevertheless.
    return ReplyParameters(number, allow_sending_without_reply=True)


def message_number(event: str | None) -> int | None:
    """Of the message that the event of this name is, or is about: it comes first in the name."""
    number = _NUMBER.match(event or "")
    return None if number is None else int(number[0])


def render_message(number: int, elsewhere: str) -> str:
    """The id of a message of ours. `elsewhere`: the supergroup that its group became, if it was
    sent there; a restart must not look for it in the old group."""
    return f"{number}@{elsewhere}" if elsewhere else str(number)


def parse_message(message: str) -> tuple[int, str]:
    number, _, elsewhere = message.partition("@")
    return int(number), elsewhere


def file_name(photo: bytes) -> str:
    """For who saves it; the ending must fit what is in it."""
    if photo.startswith(b"\x89PNG"):
        return "photo.png"
    return "photo.webp" if photo[8:12] == b"WEBP" else "photo.jpg"


def units(text: str) -> int:
    """As Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _entity(text: str, span: Span) -> MessageEntity:
    kind = _KINDS[span.kind]
    return MessageEntity(
        kind,
        units(text[: span.start]),
        units(text[span.start : span.end]),
        url=span.value if kind == "text_link" else None,
        language=span.value or None if kind == "pre" else None,
    )


def _button(button: Button) -> InlineKeyboardButton:
    size = len(button.name.encode())
    if not 1 <= size <= _NAME_BYTES:
        raise Refused(f"the button {button.name!r} has {size} bytes, the limit is {_NAME_BYTES}")
    return InlineKeyboardButton(_sendable(button.label), callback_data=button.name)


def _rows(buttons: Sequence[Button]) -> Iterator[list[Button]]:
    row: list[Button] = []
    for button in buttons:
        if row and sum(_columns(one.label) for one in [*row, button]) > _ROW_COLUMNS:
            yield row
            row = []
        row.append(button)
    yield row


def _columns(label: str) -> int:
    """Chinese characters and emoji are two wide."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in label)
