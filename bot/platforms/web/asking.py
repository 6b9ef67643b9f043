"""Takes a question or a press in exactly once, however often the page has to send it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.event import Attachment, Conversation, Event, Person, Wishes
from bot.platforms.base import Accept
from bot.platforms.web.errors import PageError
from bot.platforms.web.sign_in import Who
from bot.platforms.web.talk import Talk
from bot.platforms.web.wire import Language, Message, Press
from bot.storage.errors import NotNow

log = logging.getLogger(__name__)

_Name = tuple[str, str]  # chat, the event's message
_NONE = Wishes()
_THUMBS = ("up", "down")


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is the page's own name for it, the same whenever it is sent again."""

    key: str
    text: str
    photos: tuple[Attachment, ...]
    language: Language
    wishes: Wishes = _NONE


class Asking:
    def __init__(
        self, platform: str, bot: str, talk: Talk, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._platform, self._bot, self._talk = platform, bot, talk
        self._clock = clock
        self._under_way: dict[_Name, asyncio.Task[Message]] = {}

    async def ask(self, accept: Accept, who: Who, question: Question) -> Message:
        """Returns when the event is committed. A caller who goes away does not stop that."""
        return await self._once(who, question.key, lambda: self._take_in(accept, who, question))

    async def press(self, accept: Accept, who: Who, press: Press, language: Language) -> None:
        """The same for a button. Raises PageError unless it stands below that message now."""
        below = await self._talk.get(who.id, press.message)
        if below is None or press.name not in [button.name for button in below.buttons]:
            raise PageError("no_button")
        # Without a key, two clicks within a second are one.
        number = press.key or str(int(self._clock()))
        event = Event(
            bot=self._bot,
            message=f"{below.id}/press/{press.name}/{number}",
            conversation=Conversation(self._platform, who.id),
            person=Person(who.id, language, who.name),
            text=press.name,
            kind="press",
            about=str(below.id),
        )

        async def take_in() -> Message:
            await _accept(accept, event)
            if press.name in _THUMBS:
                self._talk.show_pressed(who.id, below, press.name)
            return below

        await self._once(who, event.message, take_in)

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(
        self,
        who: Who,
        message: str,
        take_in: Callable[[], Coroutine[Any, Any, Message]],  # Any: as coroutines are typed
    ) -> Message:
        name = (who.id, message)
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(take_in())
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        return await asyncio.shield(task)

    async def _take_in(self, accept: Accept, who: Who, question: Question) -> Message:
        message = await self._show(who.id, question)
        event = Event(
            bot=self._bot,
            message=question.key,
            conversation=Conversation(self._platform, who.id),
            person=Person(who.id, question.language, who.name),
            text=question.text,
            photos=question.photos,
            wishes=question.wishes,
        )
        await _accept(accept, event)
        return message

    async def _show(self, chat: str, question: Question) -> Message:
        """The person's own bubble, before the bot can answer below it. A question that comes again
        has one already, perhaps from an earlier run of the program."""
        shown = await self._talk.find(chat, question.key)
        if shown is not None:
            return shown
        photos = tuple(photo.ref for photo in question.photos)
        message = Message(0, "person", question.text, photos, True, 0.0, question.key)
        return await self._talk.add(chat, message)

    def _ended(self, name: _Name, task: asyncio.Task[Message]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # the caller may be gone; then nobody else looks at it


async def _accept(accept: Accept, event: Event) -> None:
    try:
        await accept(event)
    except NotNow:  # the site says why
        raise
    except Exception as error:  # whatever it is, the page must hear that nothing was kept
        chat = event.conversation.chat
        log.exception("message %s of chat %s was not accepted", event.message, chat)
        raise PageError("not_kept") from error
