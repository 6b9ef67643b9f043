"""What a message says without our name in it, and whether it is meant for us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telegram import Message, MessageEntity


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are there: people call us by our username."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Words:
    text: str
    addressed: bool
    named: bool  # by more than a bare command, which every bot of a group is sent


def words_of(message: Message, account: Account, *, answers_us: bool) -> Words:
    text = message.text or message.caption or ""
    name = f"@{account.username}".lower()
    called = answers_us
    to_other = bare = False
    cuts: list[tuple[int, int]] = []
    for entity, start, end in _spans(text, message):
        if entity.type == "bot_command" and start == 0:
            verb, at, addressee = text[start:end].partition("@")
            to_other = bool(at) and f"@{addressee}".lower() != name
            bare = not at
            called = called or (bool(at) and not to_other)
            if not to_other:
                cuts.append((len(verb), end))
        elif _names(entity, text[start:end].lower(), name, account):
            called = True
            cuts.append((start, end))
    private = message.chat.type == "private"
    addressed = private or ((called or bare) and not to_other)
    return Words(clean(_without(text, cuts)), addressed, private or called or not bare)


def clean(text: str) -> str:
    """Halves of surrogate pairs pass through JSON, but no database and no socket takes them."""
    return text.encode("utf-8", "replace").decode().strip()


def _names(entity: MessageEntity, said: str, name: str, account: Account) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == account.id
    return entity.type == "mention" and said == name


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
