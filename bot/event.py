"""What comes in, the same from every platform: who said, edited, deleted or pressed what, where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where people talk: a chat, a thread of it, or one person's part of it."""

    platform: str
    chat: str
    thread: str = ""
    person: str = ""  # in a group where everybody has a window of their own: whose this is


@dataclass(frozen=True, slots=True)
class Person:
    id: str  # the platform's own, never a name people can change
    language: str = ""  # what the platform says, e.g. "zh-hans"; empty when it does not
    name: str = ""  # as people call themselves: for staff to read, it gives no rights
    chosen: Literal["zh", "en", ""] = ""  # what they set with /language; known once they are met


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo or file that is still with the platform; `ref` is what Platform.fetch needs."""

    ref: str
    media_type: str = ""
    size_bytes: int = 0  # 0: the platform does not say
    name: str = ""  # of the file, where it has one


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that an event answers, as far as the platform tells of it."""

    message: str
    text: str = ""
    photos: tuple[Attachment, ...] = ()
    files: tuple[Attachment, ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """What can be pressed below a message; `name` comes back as the text of a press."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file that we send."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the answer shall be drawn, where the person chose; None: as configured."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None  # never more than configured


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a person did. (platform, bot, chat, message) names it for ever.

    An edit, a deletion and a press are about an earlier message and have a name of their own.
    """

    bot: str  # the account that received it
    message: str  # the message's id within its chat; of the other kinds, any lasting name
    conversation: Conversation
    person: Person
    text: str
    photos: tuple[Attachment, ...] = ()
    addressed: bool = True  # False: said in a group, but not to us
    named: bool = True  # False: a bare command in a group, which may be another bot's
    album: str = ""  # the same for all messages that were sent as one album
    kind: Literal["message", "edit", "delete", "press"] = "message"
    about: str = ""  # edit, delete, press: the message it is about
    quoted: Quoted | None = None
    files: tuple[Attachment, ...] = ()  # what is no photo: documents, sounds, videos
    group: bool = False  # more people than this one read there
    forwarded: bool = False  # somebody else's words; they give no orders
    at: float = 0.0  # when it was said, seconds since 1970; 0: the platform does not tell
    wishes: Wishes = Wishes()
