"""Drafts: what people see of an answer before it is sent, for half a minute at most.

Guesses: one draft is shown in a chat, the last; a message of the bot ends it; a person who has
stopped a draft sees no more of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.emulators.telegram.chats import Chat, Preview


@dataclass(slots=True)
class _Live:
    preview: Preview
    thread: int | None


class Previews:
    def __init__(self, *, life_s: float) -> None:
        self._life_s = life_s
        self._live: dict[int, _Live] = {}  # by chat
        self._stopped: set[tuple[int, int]] = set()  # chat and draft

    def show(
        self, chat: Chat, draft: int, text: str, *, thread: int | None, can_stop: bool
    ) -> None:
        if (chat.id, draft) in self._stopped:
            return
        preview = Preview(draft, text, time.monotonic(), can_stop)
        chat.previews.append(preview)
        self._live[chat.id] = _Live(preview, thread)

    def seen(self, chat: Chat) -> Preview | None:
        live = self._live.get(chat.id)
        if live is None or time.monotonic() - live.preview.at > self._life_s:
            return None
        return live.preview

    def end(self, chat: Chat) -> None:
        self._live.pop(chat.id, None)

    def stop(self, chat: Chat) -> tuple[Preview, int | None]:
        """The draft that is seen, and its thread. LookupError: there is none to be stopped."""
        preview = self.seen(chat)
        if preview is None or not preview.can_stop:
            raise LookupError("nothing can be stopped there")
        self._stopped.add((chat.id, preview.draft))
        return preview, self._live[chat.id].thread
