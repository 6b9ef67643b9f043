"""The Bot API's methods, as far as a bot that answers with text needs them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.emulators.telegram.chats import Chat, Chats, Message
from tests.emulators.telegram.errors import bad_request, conflict, forbidden, too_many_requests
from tests.emulators.telegram.files import Files
from tests.emulators.telegram.flood import Flood
from tests.emulators.telegram.hook import Hook
from tests.emulators.telegram.updates import Updates

_TEXT_UNITS = 4096
_DOWNLOAD_BYTES = 20 * 1024 * 1024


class Methods:
    def __init__(
        self,
        bot: dict[str, Any],
        *,
        chats: Chats,
        files: Files,
        flood: Flood,
        updates: Updates,
        hook: Hook,
    ) -> None:
        self._bot = bot
        self._chats = chats
        self._files = files
        self.flood = flood
        self._updates = updates
        self._hook = hook
        self.commands: dict[str, dict[str, str]] = {}  # language -> command -> what it does
        self._of_name: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "deleteWebhook": self._delete_webhook,
            "editMessageText": self._edit_message_text,
            "getFile": self._get_file,
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "getWebhookInfo": self._get_webhook_info,
            "sendChatAction": self._send_chat_action,
            "sendMessage": self._send_message,
            "setMyCommands": self._set_my_commands,
            "setWebhook": self._set_webhook,
        }

    async def call(self, name: str, request: Any) -> Any:
        return await self._of_name[name](request)

    async def _get_me(self, request: Any) -> dict[str, Any]:
        return self._bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    async def _get_updates(self, request: Any) -> list[dict[str, Any]]:
        if self._hook.url:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        self._allow(request.allowed_updates)
        hold_s = min(request.timeout or 0, 50)
        return await self._updates.poll(request.offset or 0, request.limit or 100, hold_s)

    async def _set_webhook(self, request: Any) -> bool:
        self._allow(request.allowed_updates)
        if request.drop_pending_updates:
            self._updates.acknowledge_before(10**12)
        await self._hook.set(request.url, request.secret_token or "")
        return True

    async def _delete_webhook(self, request: Any) -> bool:
        if request.drop_pending_updates:
            self._updates.acknowledge_before(10**12)
        await self._hook.set("", "")
        return True

    async def _get_webhook_info(self, request: Any) -> dict[str, Any]:
        return {
            "url": self._hook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.waiting()),
        }

    async def _set_my_commands(self, request: Any) -> bool:
        self.commands[request.language_code or ""] = {
            command.command: command.description for command in request.commands
        }
        return True

    async def _get_file(self, request: Any) -> dict[str, Any]:
        path = self._files.path(request.file_id)
        if path is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if self._files.size(request.file_id) > _DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return {
            "file_id": request.file_id,
            "file_unique_id": f"u{request.file_id}",
            "file_size": self._files.size(request.file_id),
            "file_path": path,
        }

    async def _send_chat_action(self, request: Any) -> bool:
        self._writable(request.chat_id, request.message_thread_id)
        return True

    async def _send_message(self, request: Any) -> dict[str, Any]:
        chat = self._writable(request.chat_id, request.message_thread_id)
        content: dict[str, Any] = {"text": _sayable(request.text)}
        if request.message_thread_id is not None:
            content |= {
                "message_thread_id": request.message_thread_id,
                "is_topic_message": True,
            }
        answered = _answered(chat, request.reply_parameters)
        if answered is not None:
            inner = {k: v for k, v in answered.payload.items() if k != "reply_to_message"}
            content["reply_to_message"] = inner
        return chat.add(self._bot, content).payload

    async def _edit_message_text(self, request: Any) -> dict[str, Any]:
        chat = self._writable(request.chat_id, None)
        message = chat.standing(request.message_id)
        if message is None:
            raise bad_request("message to edit not found")
        if message.sender != self._bot["id"]:
            raise bad_request("message can't be edited")
        text = _sayable(request.text)
        if text == message.text:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        message.say(text)
        message.payload["edit_date"] = int(time.time())
        return message.payload

    def _writable(self, number: Any, thread: int | None) -> Chat:
        chat = self._chats.get(int(number))
        if chat is None:
            raise bad_request("chat not found")
        retry_after = self.flood.retry_after(chat.head["id"])
        if retry_after:
            raise too_many_requests(retry_after)
        if chat.moved_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to
            )
        if chat.blocked:
            raise forbidden(chat.blocked)
        if thread is not None and thread not in chat.topics:
            raise bad_request("message thread not found")
        return chat

    def _allow(self, kinds: list[str] | None) -> None:
        if kinds is not None:
            self._updates.allowed = frozenset(kinds)


def _sayable(text: str) -> str:
    text = text.strip()
    if not text:
        raise bad_request("message text is empty")
    if len(text.encode("utf-16-le")) // 2 > _TEXT_UNITS:
        raise bad_request("message is too long")
    return text


def _answered(chat: Chat, reply: Any) -> Message | None:
    if reply is None:
        return None
    message = chat.standing(reply.message_id)
    if message is None and reply.allow_sending_without_reply is not True:
        raise bad_request("message to be replied not found")
    return message
