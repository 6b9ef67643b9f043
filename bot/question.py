"""One question from its acceptance to its end: what the line, the workers and /stop share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from bot import texts
from bot.draft import Draft
from bot.event import Attachment, Conversation
from bot.line import Place
from bot.platforms.base import Gone, Refused
from bot.prompt import Prompt
from bot.reply import Reply
from bot.storage.inbox import Entry
from bot.texts import Key, Language
from bot.watching.counts import Watch

T = TypeVar("T")

_WORTH_SAYING_S = 60.0  # a shorter wait is not told


@dataclass(frozen=True, slots=True)
class Context:
    """What a question points at. With any pictures here, those that wait for a question (but not
    for this very one) go on waiting: the quoted photo is the one that is meant."""

    digests: tuple[str, ...] = ()  # of quoted photos kept by us
    photos: tuple[Attachment, ...] = ()  # quoted too, but still with the platform
    text: str = ""  # of the quoted message, whether or not the window still has it

    @property
    def has_photos(self) -> bool:
        return bool(self.digests or self.photos)


class Question:
    def __init__(
        self,
        entry: Entry,
        text: str,
        reply: Reply,
        language: Language,
        watch: Watch,
        *,
        resumed: bool,
        context: Context = Context(),
        again: Entry | None = None,
        since: float = 0.0,
        shown: int | None = None,
    ) -> None:
        """`resumed`: its message stands from an earlier run. `again`: the question that this one
        asks anew, with a photo that came later or since somebody pressed the button (then
        `entry.event` is the old question's); its turns leave the window. `since`: when it was
        asked, seconds since 1970."""
        self.entry = entry  # its event has all photos and words that were sent together
        self.attempts = entry.attempts  # begun so far, in earlier runs too
        self.text = text
        self.context = context
        self.again = again
        self.since = since
        self.shown = shown  # the kept answer that its person chose
        self.reply = reply
        self.language = language
        self.watch = watch
        self.prompt: Prompt | None = None  # once it is known
        self.draft = Draft()
        self.promised = False  # its person has read that the answer will come, and it shall
        self.place: Place | None = None  # as last told
        self.written = False  # its words are to be brought to the person and kept, no more
        self.ended = asyncio.Event()
        self._resumed = resumed
        self._meanwhile = ""  # what is shown as long as the engine cannot answer
        self.parting: Key = "stopped"  # what is said when it ends before its first word
        self._stopped = False
        self._scope: asyncio.Timeout | None = None

    @property
    def person(self) -> tuple[str, str]:
        return self.conversation.platform, self.entry.event.person.id

    @property
    def conversation(self) -> Conversation:
        return self.entry.event.conversation

    def moved(self, place: Place) -> None:
        with suppress(Gone, Refused):  # whoever answers it will see that too
            self._wait_at(place)

    def look(self) -> None:
        """Its turn has come. Raises Gone, Refused."""
        self._wait_at(Place(ahead=0))

    def hold(self, words: str) -> None:
        """Show this until there is more of the answer, below what there is. Raises as `look`."""
        self._meanwhile = words
        if written := self.draft.text():
            self.reply.show(f"{written}\n\n{words}")
        else:
            shown = self._words(self.place or Place(ahead=0))
            self.reply.wait_with(shown, opens=False)

    def engine_down(self) -> None:
        """It is tried again. Raises Gone, Refused."""
        if not (self._meanwhile or self.promised):
            self.reply.wait_with(texts.say("engine_down", self.language))

    def stop(self, parting: Key = "stopped") -> None:
        """End `unless_stopped`, now or as soon as it begins. With any other `parting` than
        "stopped" what was written so far is taken back."""
        self.parting = parting
        if self._scope is not None and not self._stopped:
            self._scope.reschedule(0)
        self._stopped = True

    @property
    def stops(self) -> bool:
        """It is to end, or has."""
        return self._stopped

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result; None when it was stopped."""
        try:
            async with asyncio.timeout(0 if self._stopped else None) as self._scope:
                return await work
        except TimeoutError:
            if self._stopped:
                return None
            raise
        finally:
            self._scope = None

    def _wait_at(self, place: Place) -> None:
        self.place = place
        if words := self._words(place):
            self.reply.wait_with(words, opens=not self._meanwhile)

    def _words(self, place: Place) -> str:
        """Nothing: what the message showed before the program's end still holds."""
        if self._meanwhile and place.ahead:
            return f"{self._meanwhile}\n\n{self._position(place)}"
        if self._meanwhile or self.promised:
            return self._meanwhile
        if place.ahead == 0:
            return texts.say("interrupted" if self._resumed else "looking", self.language)
        return self._position(place)

    def _position(self, place: Place) -> str:
        if place.wait_s is None or place.wait_s < _WORTH_SAYING_S:
            return texts.say("position", self.language, ahead=place.ahead)
        minutes = math.ceil(place.wait_s / 60)
        return texts.say("position_minutes", self.language, ahead=place.ahead, minutes=minutes)
