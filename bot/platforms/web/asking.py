"""Takes a person's question in exactly once, however often the page has to send it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from bot.event import Conversation, Event, Person
from bot.platforms.base import Accept
from bot.platforms.web.errors import PageError
from bot.platforms.web.talk import Talk
from bot.platforms.web.upload import Asked
from bot.platforms.web.wire import Language, Message

log = logging.getLogger(__name__)

_REMEMBERED = 1000

_Name = tuple[str, str]  # chat, key


class Asking:
    def __init__(self, platform: str, bot: str, talk: Talk) -> None:
        self._platform, self._bot, self._talk = platform, bot, talk
        self._shown: OrderedDict[_Name, Message] = OrderedDict()
        self._under_way: dict[_Name, asyncio.Task[Message]] = {}

    async def ask(self, accept: Accept, chat: str, asked: Asked, language: Language) -> Message:
        """Returns when the event is committed. A caller who goes away does not stop that."""
        name = (chat, asked.key)
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._take_in(accept, chat, asked, language))
            self._under_way[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_in(
        self, accept: Accept, chat: str, asked: Asked, language: Language
    ) -> Message:
        message = await self._show(chat, asked)
        event = Event(
            bot=self._bot,
            message=asked.key,
            conversation=Conversation(self._platform, chat),
            person=Person(chat, language),
            text=asked.text,
            photos=tuple(asked.photos),
        )
        try:
            await accept(event)
        except Exception as error:  # whatever it is, the page must hear that nothing was kept
            log.exception("question %s of chat %s was not accepted", asked.key, chat)
            raise PageError("not_kept") from error
        return message

    async def _show(self, chat: str, asked: Asked) -> Message:
        """The person's own bubble, before the bot can answer below it."""
        name = (chat, asked.key)
        message = self._shown.get(name)
        if message is None:
            photos = tuple(photo.ref for photo in asked.photos)
            message = Message(0, "person", asked.text, photos, final=True, at=0.0, key=asked.key)
            message = await self._before_restart(chat, asked, message) or await self._talk.add(
                chat, message
            )
        self._shown[name] = message
        while len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)
        return message

    async def _before_restart(self, chat: str, asked: Asked, sent: Message) -> Message | None:
        """What an earlier run of the program showed for this same question, if the page says that
        it sends it again."""
        if asked.attempt < 2:
            return None
        for message in reversed(await self._talk.recent(chat)):
            if (message.side, message.text, message.photos) == (sent.side, sent.text, sent.photos):
                return message
        return None

    def _ended(self, name: _Name, task: asyncio.Task[Message]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # the caller may be gone; then nobody else looks at it
