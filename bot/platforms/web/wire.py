"""What the page and we say to each other: messages, events and errors as JSON; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.platforms.web.errors import FAULTS, PageError

Language = Literal["zh", "en"]

_MAGIC = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)


@dataclass(frozen=True, slots=True)
class Message:
    """One bubble. `key` is the page's own name for what it sent, or ours for the bot's."""

    id: int
    side: str  # person | bot
    text: str
    photos: tuple[str, ...]  # digests
    final: bool
    at: float
    key: str = ""


def render_message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "side": message.side,
        "text": message.text,
        "photos": list(message.photos),
        "final": message.final,
        "at": message.at,
        "key": message.key if message.side == "person" else "",  # ours tell of things inside
    }


def render_messages(messages: Iterable[Message], revision: int) -> dict[str, Any]:
    return {"revision": revision, "messages": [render_message(message) for message in messages]}


def render_error(error: PageError, language: Language) -> dict[str, Any]:
    fault = FAULTS[error.code]
    sentence = fault.zh if language == "zh" else fault.en
    told = {"code": error.code, "message": sentence.format(**error.numbers)}
    return {"error": told | {"photo": error.numbers.get("photo")}}


def render_event(name: str, revision: int, data: Mapping[str, Any]) -> bytes:
    """One event of the stream; JSON has no line break outside its strings' escapes."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {revision}\nevent: {name}\ndata: {body}\n\n".encode()


def parse_revision(text: str) -> int | None:
    """None: the reader has seen nothing, or nothing we could make sense of."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def parse_language(wish: str, accept_language: str) -> Language:
    """The page's own wish, else the browser's first language that we speak, else ours."""
    for name in (wish, *accept_language.split(",")):
        tag = name.strip().lower()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en" if accept_language else "zh"


def media_type_of(head: bytes) -> str:
    """By the first bytes, never by what the sender says; empty when it is no picture of ours."""
    return next((name for magic, name in _MAGIC if magic.match(head)), "")
