"""What comes in, the same from every platform: who said what, where, with which photos."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where people talk: a chat, or a thread of it."""

    platform: str
    chat: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    id: str  # the platform's own, never a name people can change
    language: str = ""  # what the platform says, e.g. "zh-hans"; empty when it does not


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo that is still with the platform; `ref` is what Platform.fetch needs."""

    ref: str
    media_type: str = ""
    size_bytes: int = 0  # 0: the platform does not say


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a person. (platform, bot, chat, message) names it for ever."""

    bot: str  # the account that received it
    message: str  # the message's id within its chat
    conversation: Conversation
    person: Person
    text: str
    photos: tuple[Attachment, ...] = ()
    addressed: bool = True  # False: said in a group, but not to us
    album: str = ""  # the same for all messages that were sent as one album
