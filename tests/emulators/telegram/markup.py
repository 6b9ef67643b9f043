"""Entities and keyboards, checked more strictly than Telegram does: what it would pass over in
silence is an error here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from aiogram.types import InlineKeyboardMarkup, MessageEntity

from tests.emulators.telegram.errors import bad_request
from tests.emulators.telegram.schema import NotTheBotApi

_KINDS = frozenset(
    {
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
    }
)
_ALONE = frozenset({"code", "pre"})
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_MOST_ENTITIES = 100  # Telegram passes over those behind
_DATA_BYTES = 64
_MOST_IN_ROW = 8
_MOST_BUTTONS = 100


def checked_entities(text: str, entities: Sequence[MessageEntity] | None) -> list[dict[str, Any]]:
    """As they stand in the message. Raises NotTheBotApi."""
    found = sorted(entities or [], key=lambda one: (one.offset, -one.length))
    for entity in found:
        _check_place(text, entity)
        _check_kind(entity)
    for outer, inner in _overlapping(found):
        _check_nesting(outer, inner)
    return [entity.model_dump(exclude_none=True) for entity in found[:_MOST_ENTITIES]]


def trimmed(
    text: str, entities: Sequence[MessageEntity] | None
) -> tuple[str, Sequence[MessageEntity] | None]:
    """Spaces at the ends go, at the beginning only up to the first entity."""
    text = text.rstrip()
    if not entities:
        return text.strip(), entities
    raw = text.encode("utf-16-le")
    first = raw[: 2 * min(one.offset for one in entities)].decode("utf-16-le", "replace")
    gone = len(first) - len(first.lstrip())  # spaces take one unit each
    return text[gone:], [one.model_copy(update={"offset": one.offset - gone}) for one in entities]


def checked_keyboard(markup: Any) -> dict[str, Any] | None:
    """As it stands below the message."""
    if markup is None:
        return None
    if not isinstance(markup, InlineKeyboardMarkup):
        raise bad_request("inline keyboard expected")
    rows = markup.inline_keyboard
    if not rows or not all(rows):
        raise NotTheBotApi("an empty row of buttons")
    if max(map(len, rows)) > _MOST_IN_ROW or sum(map(len, rows)) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    for button in (one for row in rows for one in row):
        size = len((button.callback_data or "").encode())
        if not button.text.strip():
            raise bad_request("text buttons are unallowed in the inline keyboard")
        if not 1 <= size <= _DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    return markup.model_dump(exclude_none=True)


def _check_place(text: str, entity: MessageEntity) -> None:
    raw = text.encode("utf-16-le")
    start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
    if entity.offset < 0 or entity.length <= 0 or end > len(raw):
        raise NotTheBotApi(
            f"entity {entity.type} at {entity.offset}+{entity.length}: no text there"
        )
    try:
        inside = raw[start:end].decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise NotTheBotApi(f"entity {entity.type} cuts a character in two") from error
    if not inside.strip():
        raise NotTheBotApi(f"entity {entity.type} marks nothing visible")


def _check_kind(entity: MessageEntity) -> None:
    if entity.type not in _KINDS:
        raise NotTheBotApi(f"entity {entity.type!r} is none a bot should send")
    if (entity.url is not None) != (entity.type == "text_link"):
        raise NotTheBotApi(f"entity {entity.type} with the url {entity.url!r}")
    if entity.url is not None:
        parts = urlsplit(entity.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotTheBotApi(f"entity text_link leads to {entity.url!r}")
    if entity.language is not None and entity.type != "pre":
        raise NotTheBotApi(f"entity {entity.type} with a language")


def _overlapping(
    entities: Sequence[MessageEntity],
) -> list[tuple[MessageEntity, MessageEntity]]:
    """Pairs of which the second begins inside the first."""
    return [
        (first, second)
        for index, first in enumerate(entities)
        for second in entities[index + 1 :]
        if second.offset < first.offset + first.length
    ]


def _check_nesting(outer: MessageEntity, inner: MessageEntity) -> None:
    kinds = {outer.type, inner.type}
    if inner.offset + inner.length > outer.offset + outer.length:
        raise NotTheBotApi(f"entities {outer.type} and {inner.type} overlap in part")
    alone = inner.type in _ALONE and outer.type not in _QUOTES
    if outer.type in _ALONE or alone or kinds <= _QUOTES or len(kinds) == 1:
        raise NotTheBotApi(f"entity {inner.type} inside of entity {outer.type}")
