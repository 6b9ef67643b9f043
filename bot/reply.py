"""The editor of one answer: opens its message, shows the text as it grows, brings the final one.

A message is opened with words that mean nothing, and its id is committed before it is edited. So a
call whose fate is unknown may be repeated: at worst an empty message stands too many, never a
second answer, and after a crash the same messages are edited on.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from bot.delivery import Delivery, Undelivered
from bot.parts import cut
from bot.platforms.base import Gone, LostMessage, PlatformError, Refused
from bot.storage.inbox import Entry, Inbox

log = logging.getLogger(__name__)

_OPENING = "…"  # of a further part, until its words come
_NOTHING = "—"  # in a part that an earlier, longer try had
_MOST_LOST = 3  # messages that somebody deleted and that were sent anew


@dataclass(slots=True)
class _Part:
    """One visible message; None where we do not know."""

    message: str | None
    shown: str | None = None
    final: bool = False


class Reply:
    """`show` as often as you like, then `finish` once; its previews are a task of `group`."""

    def __init__(
        self, delivery: Delivery, inbox: Inbox, entry: Entry, group: asyncio.TaskGroup
    ) -> None:
        self._delivery = delivery
        self._inbox = inbox
        self._entry = entry
        self._group = group
        self._to = entry.event.conversation
        self._parts: list[_Part] = []
        self._opening = _OPENING
        self._text = ""
        self._changed = asyncio.Event()
        self._previews: asyncio.Task[None] | None = None
        self._one_call = asyncio.Lock()
        self._lost = 0
        self._failure: Exception | None = None

    async def resume(self) -> bool:
        """Take over the messages of an earlier run. False: there are none."""
        self._parts = [_Part(message) for message in await self._inbox.replies(self._entry.id)]
        return bool(self._parts)

    def wait_with(self, words: str) -> None:
        """Show what is no answer: the place in the line, that we are looking. It also is what the
        message is opened with."""
        self._opening = words
        self.show(words)

    def show(self, text: str) -> None:
        """The text so far; what comes too fast for the platform is passed over.

        Raises Gone when an earlier preview found that nobody is there.
        """
        self._raise_if_hopeless()
        if text == self._text or not text.strip():
            return
        self._text = text
        self._changed.set()
        if self._previews is None:
            self._previews = self._group.create_task(self._preview())

    async def finish(self, text: str) -> None:
        """Returns when the person has the whole text.

        Raises Undelivered: not in this run. Gone, Refused: never.
        """
        await self.close()
        self._raise_if_hopeless()
        self._text = text if text.strip() else _NOTHING
        while self._next(final=True) is not None:
            await self._persist(final=True)

    async def close(self) -> None:
        """No more previews. One under way is waited for, or it might overtake the final."""
        if self._previews is None:
            return
        async with self._one_call:
            self._previews.cancel()
        await asyncio.wait([self._previews])
        self._previews = None
        self._text = ""

    async def _preview(self) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                while self._next(final=False) is not None:
                    await self._persist(final=False)
        except (PlatformError, Undelivered) as error:
            log.info("entry %s: no more previews: %s", self._entry.id, error)
            self._failure = error
        except Exception as error:  # a preview is worth no more than this log line
            log.exception("entry %s: preview failed", self._entry.id)
            self._failure = error

    def _raise_if_hopeless(self) -> None:
        if isinstance(self._failure, Gone):  # what was refused may be accepted as the final
            raise self._failure

    async def _persist(self, *, final: bool) -> None:
        opens = not self._parts or self._parts[0].message is None
        await self._delivery.persist(
            self._to, partial(self._step, final=final), final=final or opens, harmless=True
        )

    async def _step(self, *, final: bool) -> None:
        async with self._one_call:
            step = self._next(final=final)
            if step is None:
                return
            number, words = step
            if number == len(self._parts):
                self._parts.append(_Part(None))
            part = self._parts[number]
            if part.message is None:
                await self._send(number, part)
            else:
                await self._edit(part, part.message, words, final=final)

    def _next(self, *, final: bool) -> tuple[int, str] | None:
        """The first part that does not show what it should, and what it should show."""
        wanted = cut(self._text, self._delivery.limits(self._to))
        if final:
            wanted += [_NOTHING] * (len(self._parts) - len(wanted))
        for number, words in enumerate(wanted):
            if number == len(self._parts):
                return number, words
            part = self._parts[number]
            if part.message is None or part.shown != words or (final and not part.final):
                return number, words
        return None

    async def _send(self, number: int, part: _Part) -> None:
        opening = _OPENING if number else self._opening
        reply_to = None if number else self._entry.event.message
        message = await self._delivery.platform.send(
            self._to, opening, reply_to=reply_to, final=False
        )
        await self._inbox.note_reply(self._entry.id, number, message)
        part.message, part.shown, part.final = message, opening, False

    async def _edit(self, part: _Part, message: str, words: str, *, final: bool) -> None:
        try:
            await self._delivery.platform.edit(self._to, message, words, final=final)
        except LostMessage as error:
            self._lost += 1
            if self._lost > _MOST_LOST:
                raise Refused(f"{self._lost} messages were lost one after the other") from error
            log.info("entry %s: message lost, sending anew", self._entry.id)
            part.message = None
        else:
            part.shown, part.final = words, final
