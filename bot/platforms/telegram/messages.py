"""Messages that stand: sent, edited, with markup, buttons and a photo; topics to write them in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from telegram import Bot, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, TelegramError

from bot.event import Conversation, Document
from bot.platforms.base import LostMessage, Post, Refused
from bot.platforms.telegram.failures import is_about_markup, is_about_photo, is_unchanged
from bot.platforms.telegram.render import (
    TOPIC_LETTERS,
    Words,
    file_name,
    parse_message,
    render_buttons,
    render_message,
    render_reply,
    render_words,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
_Options = dict[str, Any]  # Any: keyword arguments that three of the library's methods share

_MOST_MOVED = 1000  # groups that became supergroups and are remembered
_PHOTO_BYTES = 10 * 1024 * 1024  # larger ones go as files
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Messages:
    """Raises the library's errors, and PlatformErrors where only we know what happened."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._moved: dict[int, int] = {}  # a group's id -> that of the supergroup it became

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None) -> str:
        words, options = render_words(post), _options(to, post, reply_to)

        async def call(chat: int) -> str:
            if post.photo is not None:
                number = await self._send_photo(chat, post.photo, words, options)
            elif post.document is not None:
                number = await self._send_file(chat, post.document, words, options)
            else:
                number = await self._send_words(chat, words, options)
            return render_message(number, "" if chat == int(to.chat) else str(chat))

        return await self._at_its_new_id(int(to.chat), call)

    async def edit(self, to: Conversation, message: str, post: Post) -> None:
        number, elsewhere = parse_message(message)
        chat = int(elsewhere or to.chat)
        if chat in self._moved:
            raise LostMessage("the group became a supergroup; its old messages cannot be edited")

        async def call(words: Words) -> None:
            await self._bot.edit_message_text(
                words.text,
                chat,
                number,
                entities=words.entities,
                reply_markup=render_buttons(post.buttons),  # None takes old ones away
                link_preview_options=_NO_PREVIEW,
            )

        try:
            await _plain_if_need_be(render_words(post), call)
        except ChatMigrated as error:
            self._remember_move(chat, error.new_chat_id)
            raise LostMessage("the group became a supergroup meanwhile") from None
        except TelegramError as error:
            if not is_unchanged(error):
                raise

    async def open_topic(self, to: Conversation, title: str) -> Conversation:
        async def call(chat: int) -> Conversation:
            topic = await self._bot.create_forum_topic(chat, title[:TOPIC_LETTERS].strip() or "…")
            return Conversation(to.platform, str(chat), str(topic.message_thread_id))

        try:
            return await self._at_its_new_id(int(to.chat), call)
        except BadRequest as error:
            raise Refused(f"no topic can be opened there: {error.message[:200]}") from error

    async def _send_words(self, chat: int, words: Words, options: _Options) -> int:
        async def call(words: Words) -> int:
            message = await self._bot.send_message(
                chat,
                words.text,
                entities=words.entities,
                link_preview_options=_NO_PREVIEW,
                **options,
            )
            return message.message_id

        return await _plain_if_need_be(words, call)

    async def _send_photo(self, chat: int, photo: bytes, words: Words, options: _Options) -> int:
        async def call(words: Words) -> int:
            captioned = options | {
                "caption": words.text or None,
                "caption_entities": words.entities,
                "filename": file_name(photo),
            }
            if len(photo) <= _PHOTO_BYTES:
                try:
                    return (await self._bot.send_photo(chat, photo, **captioned)).message_id
                except TelegramError as error:
                    if not is_about_photo(error):
                        raise
                    log.info("telegram: a photo goes as a file: %s", error.message[:200])
            return (await self._bot.send_document(chat, photo, **captioned)).message_id

        return await _plain_if_need_be(words, call)

    async def _send_file(
        self, chat: int, document: Document, words: Words, options: _Options
    ) -> int:
        async def call(words: Words) -> int:
            message = await self._bot.send_document(
                chat,
                document.data,
                caption=words.text or None,
                caption_entities=words.entities,
                filename=document.name,
                disable_content_type_detection=True,
                **options,
            )
            return message.message_id

        return await _plain_if_need_be(words, call)

    async def _at_its_new_id(self, chat: int, call: Callable[[int], Awaitable[T]]) -> T:
        """Telegram refuses the old id of such a group for good and names the new one."""
        try:
            return await call(self._moved.get(chat, chat))
        except ChatMigrated as error:
            self._remember_move(chat, error.new_chat_id)
            return await call(error.new_chat_id)

    def _remember_move(self, chat: int, new_chat: int) -> None:
        log.info("telegram: group %s became supergroup %s", chat, new_chat)
        if len(self._moved) >= _MOST_MOVED:
            del self._moved[next(iter(self._moved))]
        self._moved[chat] = new_chat


async def _plain_if_need_be(words: Words, call: Callable[[Words], Awaitable[T]]) -> T:
    """What Telegram cannot read as markup is shown without any, once."""
    try:
        return await call(words)
    except TelegramError as error:
        if not words.entities or not is_about_markup(error):
            raise
        log.warning("telegram: markup was refused: %s", error.message[:200])
    return await call(Words(words.text))


def _options(to: Conversation, post: Post, reply_to: str | None) -> _Options:
    return {
        "message_thread_id": int(to.thread) if to.thread else None,
        "reply_parameters": render_reply(reply_to),
        "reply_markup": render_buttons(post.buttons),
    }
