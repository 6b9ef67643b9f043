"""The Bot API's methods, as far as our bot needs them; here those that are about receiving."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.emulators.telegram.errors import bad_request, conflict
from tests.emulators.telegram.files import Files
from tests.emulators.telegram.hook import Hook
from tests.emulators.telegram.sending import Sending
from tests.emulators.telegram.updates import Updates

_DOWNLOAD_BYTES = 20 * 1024 * 1024


class Methods:
    def __init__(
        self,
        bot: dict[str, Any],
        *,
        files: Files,
        updates: Updates,
        hook: Hook,
        sending: Sending,
        privacy: bool,
    ) -> None:
        self._bot = bot
        self._privacy = privacy
        self._files = files
        self._updates = updates
        self._hook = hook
        self.commands: dict[str, dict[str, str]] = {}  # language -> command -> what it does
        self._of_name: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "deleteWebhook": self._delete_webhook,
            "getFile": self._get_file,
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "getWebhookInfo": self._get_webhook_info,
            "setMyCommands": self._set_my_commands,
            "setWebhook": self._set_webhook,
        }
        self._sending: dict[str, Callable[[Any, dict[str, bytes]], Awaitable[Any]]] = {
            "answerCallbackQuery": sending.answer_callback_query,
            "createForumTopic": sending.create_forum_topic,
            "editMessageText": sending.edit_message_text,
            "sendChatAction": sending.send_chat_action,
            "sendDocument": sending.send_document,
            "sendMessage": sending.send_message,
            "sendMessageDraft": sending.send_message_draft,
            "sendPhoto": sending.send_photo,
        }

    async def call(self, name: str, request: Any, uploads: dict[str, bytes]) -> Any:
        if name in self._sending:
            return await self._sending[name](request, uploads)
        return await self._of_name[name](request)

    async def _get_me(self, request: Any) -> dict[str, Any]:
        return self._bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": not self._privacy,
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

    def _allow(self, kinds: list[str] | None) -> None:
        if kinds is not None:
            self._updates.allowed = frozenset(kinds)
