"""The messages of all chats as the page shows them: kept ones, and those being written now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from bot.platforms.base import LostMessage
from bot.platforms.web.live import Live
from bot.platforms.web.wire import Message

_SHOWN = 200  # the newest messages of a chat; older ones stay in the database


class PageMessage(Protocol):
    """A kept message, as the store gives it."""

    @property
    def id(self) -> int: ...
    @property
    def side(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def photos(self) -> Sequence[str]: ...
    @property
    def final(self) -> bool: ...
    @property
    def at(self) -> float: ...
    @property
    def key(self) -> str: ...


class Page(Protocol):
    """Where messages are kept."""

    async def add(
        self,
        chat: str,
        side: str,
        text: str,
        photos: Sequence[str],
        *,
        final: bool,
        key: str = "",
    ) -> int: ...

    async def set_text(self, message_id: int, text: str, *, final: bool) -> None: ...

    async def find(self, chat: str, key: str) -> PageMessage | None: ...

    async def messages(self, chat: str, *, limit: int) -> Sequence[PageMessage]:
        """The newest `limit`, oldest first."""


class Talk:
    def __init__(self, page: Page, live: Live, clock: Callable[[], float]) -> None:
        self.live = live
        self._page, self._clock = page, clock

    async def add(self, chat: str, message: Message) -> Message:
        """Kept and shown; returns it with its id and time."""
        message_id = await self._page.add(
            chat, message.side, message.text, message.photos, final=message.final, key=message.key
        )
        message = replace(message, id=message_id, at=self._clock())
        self.live.publish(chat, message)
        return message

    async def find(self, chat: str, key: str) -> Message | None:
        """What the page or the bot sent under that name, however long ago."""
        kept = await self._page.find(chat, key)
        return None if kept is None else self.live.newest(chat, kept.id) or _message(kept)

    async def write(self, chat: str, message_id: int, text: str, *, final: bool) -> None:
        """A preview is only shown; the final text is kept first. Raises LostMessage."""
        message = self.live.newest(chat, message_id) or await self._kept(chat, message_id)
        if final:
            await self._page.set_text(message_id, text, final=True)
        self.live.publish(chat, replace(message, text=text, final=final))

    async def recent(self, chat: str) -> list[Message]:
        kept = await self._page.messages(chat, limit=_SHOWN)
        return self.live.overlay(chat, [_message(message) for message in kept])

    async def _kept(self, chat: str, message_id: int) -> Message:
        for message in await self.recent(chat):
            if message.id == message_id:
                return message
        raise LostMessage(f"no message {message_id} in this chat")


def _message(kept: PageMessage) -> Message:
    photos = tuple(kept.photos)
    return Message(kept.id, kept.side, kept.text, photos, kept.final, kept.at, kept.key)
