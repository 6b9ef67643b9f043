"""Takes a person's question in exactly once, however often the page has to send it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from bot.event import Attachment, Conversation, Event, Person
from bot.platforms.base import Accept
from bot.platforms.web.errors import PageError
from bot.platforms.web.talk import Talk
from bot.platforms.web.wire import Language, Message

log = logging.getLogger(__name__)

_Name = tuple[str, str]  # chat, key


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is the page's own name for it, the same whenever it is sent again."""

    key: str
    text: str
    photos: tuple[Attachment, ...]
    language: Language


class Asking:
    def __init__(self, platform: str, bot: str, talk: Talk) -> None:
        self._platform, self._bot, self._talk = platform, bot, talk
        self._under_way: dict[_Name, asyncio.Task[Message]] = {}

    async def ask(self, accept: Accept, chat: str, question: Question) -> Message:
        """Returns when the event is committed. A caller who goes away does not stop that."""
        name = (chat, question.key)
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._take_in(accept, chat, question))
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_in(self, accept: Accept, chat: str, question: Question) -> Message:
        message = await self._show(chat, question)
        event = Event(
            bot=self._bot,
            message=question.key,
            conversation=Conversation(self._platform, chat),
            person=Person(chat, question.language, f"web {chat[:6]}"),  # visitors give no name
            text=question.text,
            photos=question.photos,
        )
        try:
            await accept(event)
        except Exception as error:  # whatever it is, the page must hear that nothing was kept
            log.exception("question %s of chat %s was not accepted", question.key, chat)
            raise PageError("not_kept") from error
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
