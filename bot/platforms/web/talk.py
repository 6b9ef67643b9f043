"""The messages of all chats as the page shows them: kept ones, and those being written now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from bot.event import Button
from bot.platforms.base import LostMessage, Post
from bot.platforms.web.live import Live
from bot.platforms.web.wire import Message

Cover = Callable[[str], Awaitable[str]]

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
    @property
    def rich(self) -> bool: ...
    @property
    def buttons(self) -> Sequence[Button]: ...
    @property
    def pressed(self) -> str: ...


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
        key: str,
        rich: bool,
        buttons: Sequence[Button],
    ) -> int: ...

    async def set_text(
        self,
        message_id: int,
        text: str,
        *,
        final: bool,
        rich: bool,
        buttons: Sequence[Button],
    ) -> None: ...

    async def get(self, chat: str, message_id: int) -> PageMessage | None: ...

    async def has_photo(self, chat: str, digest: str) -> bool: ...

    async def find(self, chat: str, key: str) -> PageMessage | None: ...

    async def messages(self, chat: str, *, limit: int) -> Sequence[PageMessage]:
        """The newest `limit`, oldest first."""


class Talk:
    def __init__(
        self, page: Page, live: Live, clock: Callable[[], float], cover: Cover | None
    ) -> None:
        """`cover`: what people and the model say; what the organisation says stays as it is."""
        self.live = live
        self._page, self._clock, self._cover = page, clock, cover

    async def add(self, chat: str, message: Message) -> Message:
        """Kept and shown; returns it with its id and time. Of an answer that is still being written
        the words are not kept: the number that they end with may be half a number."""
        is_preview = message.rich and not message.final
        if not is_preview:
            message = replace(message, text=await self._kept(message))
        message_id = await self._page.add(
            chat,
            message.side,
            "" if is_preview else message.text,
            message.photos,
            final=message.final,
            key=message.key,
            rich=message.rich,
            buttons=message.buttons,
        )
        message = replace(message, id=message_id, at=self._clock())
        self.live.publish(chat, message)
        return message

    async def find(self, chat: str, key: str) -> Message | None:
        """What the page or the bot sent under that name, however long ago."""
        kept = await self._page.find(chat, key)
        return None if kept is None else self.live.newest(chat, kept.id) or _message(kept)

    async def get(self, chat: str, message_id: int) -> Message | None:
        kept = await self._page.get(chat, message_id)
        return None if kept is None else self.live.newest(chat, kept.id) or _message(kept)

    async def write(self, chat: str, message_id: int, post: Post) -> None:
        """A preview is only shown; the final text is kept first. Raises LostMessage."""
        message = self.live.newest(chat, message_id) or await self.get(chat, message_id)
        if message is None:
            raise LostMessage(f"no message {message_id} in this chat")
        shown = replace(
            message, text=post.text, final=post.final, rich=post.rich, buttons=post.buttons
        )
        if post.final:
            shown = replace(shown, text=await self._kept(shown))
            await self._page.set_text(
                message_id, shown.text, final=True, rich=shown.rich, buttons=shown.buttons
            )
        self.live.publish(chat, shown)

    def show_pressed(self, chat: str, message: Message, name: str) -> None:
        """In all windows; what is kept of it is the rating."""
        newest = self.live.newest(chat, message.id) or message
        self.live.publish(chat, replace(newest, pressed=name))

    async def recent(self, chat: str) -> list[Message]:
        kept = await self._page.messages(chat, limit=_SHOWN)
        return self.live.overlay(chat, [_message(message) for message in kept])

    async def has_photo(self, chat: str, digest: str) -> bool:
        return await self._page.has_photo(chat, digest)

    async def _kept(self, message: Message) -> str:
        """Only answers of the model are rich."""
        theirs = message.side == "person" or message.rich
        return await self._cover(message.text) if theirs and self._cover else message.text


def _message(kept: PageMessage) -> Message:
    return Message(
        kept.id,
        kept.side,
        kept.text,
        tuple(kept.photos),
        kept.final,
        kept.at,
        kept.key,
        kept.rich,
        tuple(kept.buttons),
        kept.pressed,
    )
