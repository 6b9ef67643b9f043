"""What a question is about: which photos go with it.

1. The photos of the message that it quotes, whoever sent that, and those it was sent with itself.
   Photos that wait for a question go on waiting then.
2. If it quotes none: those that waited for it and those it was sent with, in the order in which
   they were sent.
3. If there are none at all: the newest photo of the conversation. The window still shows it; once
   it has left the window, `bot/prompt.py` sends it with the question again.

A question that is asked again has the photos it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from bot.errors import Unusable
from bot.intake import Intake, Ready, check_number
from bot.prompt import Asked
from bot.question import Question
from bot.storage.errors import NotNow
from bot.storage.history import History, Kept
from bot.storage.inbox import Entry
from inference.errors import InferenceError

_PATIENCE_S = 5.0


class Subjects:
    def __init__(self, history: History, intake: Intake) -> None:
        self._history = history
        self._intake = intake

    async def of(self, question: Question) -> Asked:
        """Raises Unusable, EngineDown."""
        replaces = question.again.id if question.again else None
        asked = Asked(question.entry, question.text, question.language, replaces=replaces)
        if question.again and is_repeated(question):
            before = await self._history.question_of(question.again.id)
            if before is not None:
                photos = await self._reopen(before.photos, question)
                return replace(asked, text=before.text, photos=tuple(photos))
        return await self._with_photos(asked, question)

    async def spared(self, question: Question) -> tuple[str, ...]:
        """The photos that a stopped question was sent with, to be asked about yet: their digests.
        Somebody waits for its end, so those that do not come at once are let go, and those that
        the disk does not take."""
        if question.prompt is not None:
            return question.prompt.own
        if is_repeated(question):
            return ()
        with suppress(TimeoutError, Unusable, InferenceError, NotNow, OSError):
            async with asyncio.timeout(_PATIENCE_S):
                return tuple(await self._intake.keep(question.entry.event, question.language))
        return ()

    async def _with_photos(self, asked: Asked, question: Question) -> Asked:
        quoted = await self._quoted(question)
        own = await self._intake.take(question.entry.event, question.language)
        waiting = await self._history.kept_photos(question.entry)
        if quoted:  # one of those that wait may be the one that is quoted
            meant = {photo.digest for photo in quoted}
            waiting = [kept for kept in waiting if kept.digest in meant]
        opened = await self._reopen([kept.digest for kept in waiting], question)
        sent = _in_order(question.entry, own, waiting, opened)
        photos = {photo.digest: photo for photo in (*quoted, *sent)}  # each of them once
        check_number(len(photos), question.language)
        return replace(
            asked,
            photos=tuple(photos.values()),
            used=tuple(kept.id for kept in waiting),
            own=tuple(photo.digest for photo in own),
            quoted=question.context.text,
        )

    async def _quoted(self, question: Question) -> list[Ready]:
        kept = await self._reopen(question.context.digests, question)
        platform = question.conversation.platform
        fetched = await self._intake.collect(platform, question.context.photos, question.language)
        return [*kept, *fetched]

    async def _reopen(self, digests: Sequence[str], question: Question) -> list[Ready]:
        return [await self._intake.reopen(digest, question.language) for digest in digests]


def is_repeated(question: Question) -> bool:
    """Is it asked again as it was, and not with photos that came later?"""
    again, event = question.again, question.entry.event
    return again is not None and again.event.photos == event.photos


def _in_order(
    entry: Entry, own: Sequence[Ready], waiting: Sequence[Kept], opened: Sequence[Ready]
) -> list[Ready]:
    """As they were sent: by the messages' numbers where the platform numbers them, which may bring
    a later one first; else as they came."""
    messages = [*(kept.message for kept in waiting), *[entry.event.message] * len(own)]
    photos = [*opened, *own]
    if not all(message.isdecimal() for message in messages):
        return photos
    placed = zip(map(int, messages), photos, strict=True)
    return [photo for _, photo in sorted(placed, key=lambda one: one[0])]
