"""The editor of one answer: opens its message, shows the text as it grows, brings the final one.

A message is opened with words that mean nothing, and its id is committed before it is edited. So a
call whose fate is unknown may be repeated: at worst an empty message stands too many, never a
second answer, and after a crash the same messages are edited on.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from bot.delivery import Delivery, Undelivered
from bot.event import Button, Event
from bot.pacing import Urgency
from bot.parts import cut
from bot.platforms.base import Gone, LostMessage, PlatformError, Post, Refused
from bot.storage.inbox import Entry, Inbox
from bot.watching.counts import Watch

log = logging.getLogger(__name__)

_OPENING = "…"  # of a further part, until its words come
_NOTHING = "—"  # in a part that an earlier, longer try had


@dataclass(slots=True)
class _Part:
    """One visible message; None where we do not know."""

    message: str | None
    key: str | None = None  # under which it is sent; None: it has none yet
    noted: bool = True  # False: sent, but its id is not committed yet
    shown: Post | None = None
    lost: bool = False  # somebody deleted it, and it was sent anew


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What people shall see, before it is cut into messages."""

    text: str = ""
    is_answer: bool = False  # else words about the waiting
    final: bool = False
    rich: bool = False
    buttons: tuple[Button, ...] = ()


class Reply:
    """`show` as often as you like, then `finish` once; its previews are a task of `group`."""

    def __init__(
        self,
        delivery: Delivery,
        inbox: Inbox,
        entry: Entry,
        group: asyncio.TaskGroup,
        *,
        writing: tuple[Button, ...] = (),
        watch: Watch | None = None,
    ) -> None:
        """`writing`: the buttons below the message until it is finished. `watch` is told when
        people see the first words."""
        self._delivery = delivery
        self._inbox = inbox
        self._entry = entry
        self._group = group
        self._to = entry.event.conversation
        self._writing = writing
        self._watch = watch
        self._parts: list[_Part] = []
        self._opening = _OPENING
        self._wanted = _Wanted()
        self._changed = asyncio.Event()
        self._previews: asyncio.Task[None] | None = None
        self._one_call = asyncio.Lock()
        self._answer_seen = False
        self._ends = False  # with its last words; who is late with others is not heard
        self._failure: Exception | None = None

    async def resume(self) -> bool:
        """Take over the messages of an earlier run. False: there are none."""
        opened = await self._inbox.replies(self._entry.id)
        self._parts = [_Part(one.message, one.key) for one in opened]
        return bool(self._parts)

    def wait_with(self, words: str, *, opens: bool = True) -> None:
        """Show what is no answer: the place in the line, that we are looking. It also is what the
        message is opened with, if it `opens`: that may, at worst, stand there twice."""
        if opens:
            self._opening = words
        self._want(_Wanted(words, buttons=self._writing))

    def show(self, text: str) -> None:
        """The text so far, as it is; what comes too fast for the platform is passed over.

        Raises Gone when an earlier preview found that nobody is there.
        """
        self._want(_Wanted(text, is_answer=True, buttons=self._writing))

    async def finish(
        self, text: str, *, buttons: tuple[Button, ...] = (), rich: bool = False
    ) -> None:
        """Returns when the person has the whole text; the buttons stand below its last message.

        Raises Undelivered: not in this run. Gone, Refused: never.
        """
        self._ends = True
        await self._end_previews()
        self._raise_if_hopeless()
        words = text if text.strip() else _NOTHING
        self._wanted = _Wanted(words, is_answer=True, final=True, rich=rich, buttons=buttons)
        while self._next() is not None:
            await self._persist()

    async def close(self) -> None:
        """Whatever it was about to show; then it may be shown and finished once more."""
        await self._end_previews()
        self._ends = False

    async def _end_previews(self) -> None:
        """One under way is waited for, or it might overtake the final."""
        if self._previews is None:
            return
        async with self._one_call:
            self._previews.cancel()
        await asyncio.wait([self._previews])
        self._previews = None
        self._wanted = _Wanted()

    def _want(self, wanted: _Wanted) -> None:
        self._raise_if_hopeless()
        if self._ends or wanted.text == self._wanted.text or not wanted.text.strip():
            return
        self._wanted = wanted
        self._changed.set()
        if self._previews is None and self._failure is None:
            self._previews = self._group.create_task(self._preview())

    async def _preview(self) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                while self._next() is not None:
                    await self._persist()
        except (PlatformError, Undelivered) as error:
            log.info("entry %s: no more previews: %s", self._entry.id, error)
            self._failure = error
        except Exception as error:  # a preview is worth no more than this log line
            log.exception("entry %s: preview failed", self._entry.id)
            self._failure = error

    def _raise_if_hopeless(self) -> None:
        if isinstance(self._failure, Gone):  # what was refused may be accepted as the final
            raise self._failure

    async def _persist(self) -> None:
        await self._delivery.persist(self._to, self._step, urgency=self._urgency, harmless=True)

    def _urgency(self) -> Urgency:
        if self._wanted.final:
            return Urgency.FINAL
        opens = not self._parts or self._parts[0].message is None
        first_words = self._wanted.is_answer and not self._answer_seen
        return Urgency.FIRST if opens or first_words else Urgency.PREVIEW

    async def _step(self) -> None:
        async with self._one_call:
            step = self._next()
            if step is None:
                return
            number, post = step
            if number == len(self._parts):
                self._parts.append(_Part(None))
            part = self._parts[number]
            if part.message is None:
                await self._send(number, part)
            else:
                await self._edit(number, part, part.message, post)

    def _next(self) -> tuple[int, Post] | None:
        """The first part that does not show what it should, and what it should show."""
        for number, post in enumerate(self._posts()):
            if number == len(self._parts) or self._parts[number].shown != post:
                return number, post
        return None

    def _posts(self) -> list[Post]:
        wanted = self._wanted
        limits = self._delivery.limits(self._to)
        texts = cut(wanted.text, limits)
        writes = limits.rich_previews and wanted.is_answer and not wanted.final
        rich = wanted.rich or writes
        posts = [Post(text, wanted.final, rich) for text in texts]
        if posts:
            posts[-1] = Post(texts[-1], wanted.final, rich, wanted.buttons)
        if wanted.final:
            posts += [Post(_NOTHING)] * (len(self._parts) - len(posts))
        return posts

    async def _send(self, number: int, part: _Part) -> None:
        buttons = () if self._wanted.final else self._writing
        opening = Post(_OPENING if number else self._opening, final=False, buttons=buttons)
        reply_to = None if number else _question(self._entry.event)
        if part.key is None:
            part.key = await self._inbox.open_reply(self._entry.id, number)
        message = await self._delivery.send(self._to, opening, reply_to=reply_to, key=part.key)
        part.message, part.shown, part.noted = message, opening, False
        await self._note(number, part)

    async def _note(self, number: int, part: _Part) -> None:
        """Where it fails it comes first the next time, and nothing is sent again."""
        assert part.message is not None
        await self._inbox.note_reply(self._entry.id, number, part.message)
        part.noted = True

    async def _edit(self, number: int, part: _Part, message: str, post: Post) -> None:
        if not part.noted:
            await self._note(number, part)
        try:
            now = await self._delivery.edit(self._to, message, post)
        except LostMessage as error:
            await self._lose(part, error)
            return
        if now != message:
            part.message, part.noted = now, False
            await self._note(number, part)
        part.shown = post
        if self._wanted.is_answer:
            if not self._answer_seen:
                log.info("its first words can be read")
            self._answer_seen = True
            if self._watch is not None:
                self._watch.text()

    async def _lose(self, part: _Part, error: LostMessage) -> None:
        """Who deletes a half answer does not want to see it grow again; the whole one comes, once,
        since it may as well have been somebody else who cleaned up."""
        if part.lost:
            raise Refused("its message was deleted twice") from error
        part.message = part.key = part.shown = None
        part.lost = True
        log.info("entry %s: a message of its answer was deleted", self._entry.id)
        if not self._wanted.final:
            raise error


def _question(event: Event) -> str:
    """The message to answer: what an edit or a press is about, where it is none itself."""
    return event.message if event.kind == "message" else event.about
