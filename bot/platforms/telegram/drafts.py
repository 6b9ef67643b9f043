"""Answers shown as drafts while they are written: in private chats, for half a minute at a time.

A draft has no id of Telegram's: it is named by the question it answers, so that a restart, and a
repeated call, go on with the same one. Telegram shows one draft in a chat; the last frame wins.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from telegram import Bot
from telegram.error import BadRequest, Forbidden

from bot.event import Conversation
from bot.platforms.base import TooFast
from bot.platforms.telegram.client import Timings
from bot.platforms.telegram.failures import Flooded
from bot.platforms.telegram.render import message_number
from bot.platforms.telegram.wire import parse_draft, render_draft

log = logging.getLogger(__name__)

_QUESTIONS = 2**30  # message numbers beyond are taken for drafts that answer nothing
_MOST_REFUSING = 10_000  # chats without drafts that are remembered
_MOST_SHOWN = 1000  # drafts that are kept alive
_MOST_HELD = 1000  # chats that asked a refresh to wait
_REFRESH_CALL_S = 10.0


@dataclass(slots=True)
class _Shown:
    to: Conversation
    draft: int
    text: str
    changed_at: float
    due_at: float  # when it must be shown again, or it vanishes
    one_call: asyncio.Lock = field(default_factory=asyncio.Lock)


def question_of(message: str) -> str | None:
    """The message that the draft's answer shall stand below."""
    draft = parse_draft(message)
    return str(draft) if draft is not None and draft < _QUESTIONS else None


class Drafts:
    """Raises the library's errors, and TooFast where a refresh was asked to wait."""

    def __init__(self, bot: Bot, timings: Timings, *, enabled: bool) -> None:
        self._bot = bot
        self._enabled = enabled
        self._refresh_s = timings.draft_s
        self._abandoned_s = timings.draft_abandoned_s
        self._refusing: dict[str, None] = {}  # in the order in which they refused
        self._shown: dict[tuple[str, str], _Shown] = {}  # by chat and thread
        self._held_until: dict[str, float] = {}
        self._changed = asyncio.Event()  # something may be due earlier

    async def open(self, to: Conversation, text: str, reply_to: str | None) -> str | None:
        """Its name; None: this chat gets ordinary messages, from now on."""
        if not self._serves(to):
            return None
        draft = _number(reply_to)
        try:
            await self._show(to, draft, text)
        except BadRequest as error:
            log.info("telegram: chat %s takes no drafts: %s", to.chat, error.message[:200])
            if len(self._refusing) >= _MOST_REFUSING:
                del self._refusing[next(iter(self._refusing))]
            self._refusing[to.chat] = None
            return None
        return render_draft(draft)

    async def show(self, to: Conversation, message: str, text: str) -> bool:
        """False: this answer must go on as an ordinary message.

        That says nothing about the next answer: perhaps its person has just stopped this one.
        """
        draft = parse_draft(message)
        if draft is None or not self._serves(to):
            return False
        try:
            await self._show(to, draft, text)
        except BadRequest as error:
            log.info("telegram: the draft in chat %s ended: %s", to.chat, error.message[:200])
            return False
        return True

    @asynccontextmanager
    async def covered(self, to: Conversation, by: str = "") -> AsyncIterator[None]:
        """Send an ordinary message inside: any draft in the chat vanishes with it.

        `by`: the draft whose place it takes, which must not be refreshed after it.
        """
        self._raise_if_held(to)
        shown = self._shown.get(_place(to))
        if shown is None:
            yield
            return
        async with shown.one_call:
            yield
            if shown.draft == parse_draft(by):
                self._forget(shown)
            else:
                shown.due_at = time.monotonic()
                self._changed.set()

    async def refresh(self) -> None:
        """Until cancelled: shows again what would vanish."""
        while True:
            self._changed.clear()
            first = min(self._shown.values(), key=lambda shown: shown.due_at, default=None)
            pause_s = None if first is None else first.due_at - time.monotonic()
            if first is not None and pause_s is not None and pause_s <= 0:
                await self._refresh(first)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()

    def _serves(self, to: Conversation) -> bool:
        private = int(to.chat) > 0  # groups have negative ids
        return self._enabled and private and to.chat not in self._refusing

    async def _show(self, to: Conversation, draft: int, text: str) -> None:
        self._raise_if_held(to)
        now = time.monotonic()
        shown = self._shown.get(_place(to))
        if shown is None:
            shown = _Shown(to, draft, text, now, now + self._refresh_s)
        async with shown.one_call:
            await self._call(to, draft, text)
            shown.draft, shown.text, shown.changed_at = draft, text, now
            shown.due_at = time.monotonic() + self._refresh_s
            self._remember(shown)

    async def _refresh(self, shown: _Shown) -> None:
        async with shown.one_call:
            now = time.monotonic()
            if self._shown.get(_place(shown.to)) is not shown or shown.due_at > now:
                return  # its end, or a new frame, was faster
            shown.due_at = now + self._refresh_s
            if now - shown.changed_at > self._abandoned_s:
                log.info("telegram: the draft in chat %s did not change for long", shown.to.chat)
                self._forget(shown)
                return
            try:
                async with asyncio.timeout(_REFRESH_CALL_S):
                    await self._call(shown.to, shown.draft, shown.text)
            except Flooded as error:
                self._hold(shown.to.chat, error.retry_after_s)
                shown.due_at += error.retry_after_s
            except (BadRequest, Forbidden) as error:
                log.info("telegram: the draft in chat %s ends: %s", shown.to.chat, error.message)
                self._forget(shown)
            except Exception as error:  # a preview is worth no more than this log line
                log.info("telegram: a draft may vanish: %s", type(error).__name__)

    async def _call(self, to: Conversation, draft: int, text: str) -> None:
        await self._bot.send_message_draft(
            int(to.chat),
            draft,
            text,
            message_thread_id=int(to.thread) if to.thread else None,
            api_kwargs={"can_stop": True, "keep_on_stop": True},  # newer than the library
        )

    def _remember(self, shown: _Shown) -> None:
        if len(self._shown) >= _MOST_SHOWN:
            self._forget(next(iter(self._shown.values())))
        self._shown[_place(shown.to)] = shown
        self._changed.set()

    def _forget(self, shown: _Shown) -> None:
        if self._shown.get(_place(shown.to)) is shown:
            del self._shown[_place(shown.to)]

    def _hold(self, chat: str, seconds: float) -> None:
        if len(self._held_until) >= _MOST_HELD:
            del self._held_until[next(iter(self._held_until))]
        self._held_until[chat] = time.monotonic() + seconds

    def _raise_if_held(self, to: Conversation) -> None:
        left_s = self._held_until.get(to.chat, 0.0) - time.monotonic()
        if left_s > 0:
            raise TooFast(left_s)
        self._held_until.pop(to.chat, None)


def _place(to: Conversation) -> tuple[str, str]:
    return to.chat, to.thread


def _number(reply_to: str | None) -> int:
    question = message_number(reply_to)
    if question is not None and 0 < question < _QUESTIONS:
        return question
    return _QUESTIONS + secrets.randbelow(_QUESTIONS)
