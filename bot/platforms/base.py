"""The seam to a chat platform: five methods, the limits it sets, and the ways a call can fail.

PlatformError
├── TooFast      the platform asks us to wait `retry_after_s` before the next call to this chat
├── NotSent      the call certainly had no effect; it may be repeated at once
├── Unclear      the call may have had its effect (the answer was lost); it is repeated only where
│                twice does no harm: an edit, or a message opened with words that mean nothing
├── Gone         nobody can be reached there any more (blocked, kicked, deleted)
├── LostMessage  the message to edit does not exist any more
├── Revoked      our own access was taken away; nothing works until the operator acts
└── Refused      the platform rejects this call for good; repeating it is useless
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from aiohttp import web

from bot.event import Attachment, Button, Conversation, Document, Event

# Returns when the event is committed; a repeated one is dropped in silence. Raises when it could
# not be committed, and then the platform must not acknowledge it.
Accept = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold and how often it may change."""

    text_units: int  # the longest message
    unit: Literal["character", "utf-16"] = "character"
    edit_every_s: float = 1.0  # per chat
    calls_per_s: float = 30.0  # all chats together
    caption_units: int = 1024  # the longest text of a message with a photo
    keyed: bool = False  # a send repeated with its key shows nothing twice
    rich_previews: bool = False  # of an answer: they too come as Markdown, cut off anywhere
    shows_presses: bool = False  # a pressed thumb is seen to be pressed, so nobody need say so
    takes_files: bool = False  # a post may have a file of any kind
    kept_by_us: bool = False  # what is sent there stands in our own database


@dataclass(frozen=True, slots=True)
class Post:
    """One message as it shall be seen."""

    text: str
    final: bool = True  # it will not change any more; see also Limits.rich_previews
    rich: bool = False  # the text is Markdown, to be shown as such; else every character is meant
    buttons: tuple[Button, ...] = ()  # a platform without buttons leaves them out
    photo: bytes | None = None  # a JPEG, PNG or WebP above the text; such a post is never edited
    document: Document | None = None  # the same, where Limits.takes_files


class PlatformError(Exception):
    """The root; nothing raises it itself."""


class TooFast(PlatformError):
    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"asked to wait {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class NotSent(PlatformError):
    pass


class Unclear(PlatformError):
    pass


class Gone(PlatformError):
    pass


class LostMessage(PlatformError):
    pass


class Revoked(PlatformError):
    pass


class Refused(PlatformError):
    pass


class Misconfigured(Exception):
    """`run` cannot begin until the operator has changed something; the text says what."""


class Platform(Protocol):
    """One account on one chat platform. All calls but `run` may come at the same time."""

    name: str  # "telegram"; the Conversation.platform of its events
    bot: str  # the Event.bot of its events; known once `run` has begun

    def limits(self, to: Conversation) -> Limits: ...

    async def run(self, accept: Accept) -> None:
        """Receive until cancelled; an event is acknowledged only after `accept` returned."""

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        """The new message's id. `key` is the same for every try of one message and no other: a
        platform that knows such keys shows the message once, however often it is sent."""

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        """The id it has from now on, mostly the same. Repeating an edit is harmless."""

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        """The file's bytes; raises Refused beyond `max_bytes`, before all of it is in memory."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps an account from its platform; a conflict is another program with our token."""

    kind: Literal["revoked", "conflict", "unreachable"]
    since: float  # monotonic seconds


@runtime_checkable
class Routed(Protocol):
    """A platform that also receives over our own HTTP server: web page, webhooks."""

    def routes(self) -> Sequence[web.RouteDef]: ...


@runtime_checkable
class Threaded(Protocol):
    """A platform whose groups can have threads: forum topics, Matrix threads."""

    async def open_thread(self, to: Conversation, title: str, *, key: str) -> Conversation:
        """A new thread of that group. Raises Refused where this group cannot have any."""


@runtime_checkable
class Polling(Protocol):
    """A platform that asks for what people wrote, and so knows when it was last answered."""

    def silent_s(self) -> float | None:
        """How long no poll was answered; None: it does not poll now."""


@runtime_checkable
class Troubled(Protocol):
    """A platform that knows what keeps it from receiving."""

    def trouble(self) -> Trouble | None: ...


@runtime_checkable
class Single(Protocol):
    """A platform that one program of several alone can speak to, as it has the keys."""

    single: bool


@runtime_checkable
class Remembering(Protocol):
    """A platform that keeps what people said in memory, to show it again."""

    def forget(self, person: str) -> None:
        """The rows are deleted already."""
