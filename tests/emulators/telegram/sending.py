"""What a bot writes: messages, photos, edits, drafts, topics, answers to pressed buttons."""

from __future__ import annotations

import io
from typing import Any

from aiogram.types import MessageEntity
from PIL import Image, UnidentifiedImageError

from tests.emulators.telegram.chats import Chat, Chats, Message
from tests.emulators.telegram.errors import ApiError, bad_request, forbidden, too_many_requests
from tests.emulators.telegram.files import Files
from tests.emulators.telegram.flood import Flood
from tests.emulators.telegram.markup import checked_entities, checked_keyboard, trimmed
from tests.emulators.telegram.previews import Previews
from tests.emulators.telegram.queries import Queries

_TEXT_UNITS = 4096
_CAPTION_UNITS = 1024
_PHOTO_BYTES = 10 * 1024 * 1024
_FILE_BYTES = 50 * 1024 * 1024
_PHOTO_SIDES = 10_000  # width and height together
_PHOTO_RATIO = 20
_TITLE_LETTERS = 128
_COMPARED = ("text", "entities", "reply_markup")  # by who edits


class Sending:
    def __init__(
        self,
        bot: dict[str, Any],
        *,
        chats: Chats,
        files: Files,
        flood: Flood,
        previews: Previews,
        queries: Queries,
    ) -> None:
        self._bot = bot
        self._chats = chats
        self._files = files
        self.flood = flood
        self._previews = previews
        self._queries = queries

    async def send_message(self, request: Any, uploads: dict[str, bytes]) -> dict[str, Any]:
        chat = self._writable(request.chat_id, request.message_thread_id)
        content = _words("", request.text, request.entities, _TEXT_UNITS)
        if not content["text"]:
            raise bad_request("message text is empty")
        return self._add(chat, request, content).payload

    async def send_photo(self, request: Any, uploads: dict[str, bytes]) -> dict[str, Any]:
        chat = self._writable(request.chat_id, request.message_thread_id)
        data = _uploaded(request.photo, uploads)
        _check_photo(data)
        content = _caption(request) | {"photo": self._files.add_photo(data)}
        message = self._add(chat, request, content)
        message.photo = data
        return message.payload

    async def send_document(self, request: Any, uploads: dict[str, bytes]) -> dict[str, Any]:
        chat = self._writable(request.chat_id, request.message_thread_id)
        data = _uploaded(request.document, uploads)
        if len(data) > _FILE_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        content = _caption(request) | {"document": self._files.add(data, "documents/file_{}")}
        message = self._add(chat, request, content)
        message.file = data
        return message.payload

    async def edit_message_text(self, request: Any, uploads: dict[str, bytes]) -> dict[str, Any]:
        chat = self._writable(request.chat_id, None)
        message = chat.standing(request.message_id)
        if message is None:
            raise bad_request("message to edit not found")
        if message.sender != self._bot["id"]:
            raise bad_request("message can't be edited")
        if "text" not in message.payload:
            raise bad_request("there is no text in the message to edit")
        content = _words("", request.text, request.entities, _TEXT_UNITS)
        if not content["text"]:
            raise bad_request("message text is empty")
        content |= _keyboard(request)
        if all(message.payload.get(key) == content.get(key) for key in _COMPARED):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        message.say(content.pop("text"), **content)
        return message.payload

    async def send_message_draft(self, request: Any, uploads: dict[str, bytes]) -> bool:
        chat = self._writable(request.chat_id, request.message_thread_id)
        if not chat.is_private or not chat.takes_drafts:
            raise bad_request("TEXTDRAFT_PEER_INVALID")
        if request.draft_id == 0:
            raise bad_request("draft_id must be non-zero")
        words = _words("", request.text or "", request.entities, _TEXT_UNITS)
        self._previews.show(
            chat,
            request.draft_id,
            words["text"],
            thread=request.message_thread_id,
            can_stop=bool(request.can_stop),
        )
        return True

    async def create_forum_topic(self, request: Any, uploads: dict[str, bytes]) -> dict[str, Any]:
        chat = self._writable(request.chat_id, None)
        if not chat.is_forum:
            raise bad_request("the chat is not a forum")
        if not chat.opens_topics:
            raise bad_request("not enough rights to create a topic")
        if not 1 <= len(request.name.strip()) <= _TITLE_LETTERS:
            raise bad_request("TOPIC_TITLE_INVALID")
        number = chat.open_topic(request.name.strip())
        return {"message_thread_id": number, "name": chat.topics[number], "icon_color": 7322096}

    async def answer_callback_query(self, request: Any, uploads: dict[str, bytes]) -> bool:
        self._queries.answer(request.callback_query_id)
        return True

    async def send_chat_action(self, request: Any, uploads: dict[str, bytes]) -> bool:
        self._writable(request.chat_id, request.message_thread_id)
        return True

    def _add(self, chat: Chat, request: Any, content: dict[str, Any]) -> Message:
        content |= _keyboard(request)
        thread = request.message_thread_id
        answered = _answered(chat, request.reply_parameters)
        if thread is not None:
            content |= {"message_thread_id": thread, "is_topic_message": True}
        if answered is not None:
            content["reply_to_message"] = answered.quoted()
        elif thread is not None and chat.is_forum:
            content["reply_to_message"] = chat.root(thread, self._bot)
        self._previews.end(chat)
        return chat.add(self._bot, content)

    def _writable(self, number: Any, thread: int | None) -> Chat:
        chat = self._chats.get(int(number))
        if chat is None:
            raise bad_request("chat not found")
        retry_after = self.flood.retry_after(chat.id)
        if retry_after:
            raise too_many_requests(retry_after)
        if chat.moved_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to
            )
        if chat.blocked:
            raise forbidden(chat.blocked)
        if chat.refused:
            raise bad_request(chat.refused)
        if thread is not None and thread not in chat.topics:
            raise bad_request("message thread not found")
        if thread in chat.closed_topics:
            raise bad_request("TOPIC_CLOSED")
        return chat


def _words(
    prefix: str, text: str, entities: list[MessageEntity] | None, most: int
) -> dict[str, Any]:
    """`prefix`: "caption_" for a caption's."""
    text, entities = trimmed(text, entities)
    if len(text.encode("utf-16-le")) // 2 > most:
        what = "message caption is too long" if prefix else "message is too long"
        raise bad_request(what)
    found = checked_entities(text, entities)
    return {"caption" if prefix else "text": text} | ({f"{prefix}entities": found} if found else {})


def _caption(request: Any) -> dict[str, Any]:
    if not request.caption:
        return {}
    return _words("caption_", request.caption, request.caption_entities, _CAPTION_UNITS)


def _keyboard(request: Any) -> dict[str, Any]:
    keyboard = checked_keyboard(request.reply_markup)
    return {"reply_markup": keyboard} if keyboard else {}


def _uploaded(name: Any, uploads: dict[str, bytes]) -> bytes:
    data = uploads.get(str(name).removeprefix("attach://"))
    if not data:
        raise bad_request("file must be non-empty" if data == b"" else "wrong file identifier")
    return data


def _check_photo(data: bytes) -> None:
    if len(data) > _PHOTO_BYTES:
        raise bad_request(f"file is too big for a photo; the maximum size is {_PHOTO_BYTES} bytes")
    try:
        width, height = Image.open(io.BytesIO(data)).size
    except (UnidentifiedImageError, OSError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    if width + height > _PHOTO_SIDES or max(width, height) > _PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def _answered(chat: Chat, reply: Any) -> Message | None:
    if reply is None:
        return None
    message = chat.standing(reply.message_id)
    if message is None and reply.allow_sending_without_reply is not True:
        raise bad_request("message to be replied not found")
    return message
