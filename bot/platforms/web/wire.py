"""What the page and we say to each other: messages, events and errors as JSON; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from bot.event import Button
from bot.platforms.web.errors import FAULTS, BadPhoto, PageError

Language = Literal["zh", "en"]
Json = dict[str, Any]  # Any: what JSON can hold
Body = TypeVar("Body", bound=BaseModel)

_MAGIC = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "image/tiff"),
    (re.compile(rb"....ftyp(hei|hev|mif1|msf1)", re.DOTALL), "image/heic"),
    (re.compile(rb"....ftypavi", re.DOTALL), "image/avif"),
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
    rich: bool = False  # the text is Markdown
    buttons: tuple[Button, ...] = ()
    pressed: str = ""  # the thumb that was given


class Press(BaseModel, frozen=True):
    """`key` names the press for ever, where the page gives it a name."""

    message: int = Field(ge=1)
    name: str = Field(min_length=1, max_length=64)
    key: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")


class Code(BaseModel, frozen=True):
    code: str = Field(max_length=1024)


def render_message(message: Message, blocks: Sequence[Json] | None = None) -> Json:
    return {
        "id": message.id,
        "side": message.side,
        "text": message.text,
        "blocks": blocks,
        "photos": list(message.photos),
        "buttons": [{"name": button.name, "label": button.label} for button in message.buttons],
        "pressed": message.pressed or None,
        "final": message.final,
        "at": message.at,
        "key": message.key if message.side == "person" else "",  # ours tell of things inside
    }


def render_messages(messages: Sequence[Json], revision: int) -> Json:
    return {"revision": revision, "messages": list(messages)}


def render_error(error: PageError, language: Language) -> Json:
    fault = FAULTS[error.code]
    sentence = fault.zh if language == "zh" else fault.en
    numbers = error.numbers
    shown = {name: f"{number:g}" for name, number in numbers.items()}
    sentence = sentence.format(**shown)
    if isinstance(error, BadPhoto):
        sentence = error.zh if language == "zh" else error.en
    told = {"code": error.code, "message": sentence}
    return {
        "error": told | {"photo": numbers.get("photo"), "seconds": numbers.get("seconds")},
    }


def dump(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def render_event(name: str, revision: int, data: Mapping[str, Any]) -> bytes:
    """One event of the stream; JSON has no line break outside its strings' escapes."""
    return f"id: {revision}\nevent: {name}\ndata: {dump(data)}\n\n".encode()


def parse_press(body: bytes) -> Press:
    """Raises PageError."""
    return _parsed(Press, body)


def parse_code(body: bytes) -> str:
    """Raises PageError."""
    return _parsed(Code, body).code


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


def _parsed(model: type[Body], body: bytes) -> Body:
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise PageError("malformed") from error
