"""From the inbox to what is done about it: entries in order, a handler's decision carried out.

Every conversation has a task of its own while there is something to do, so that a slow platform or
a large photo holds up nobody else. An entry keeps its state until all of it is done: what a crash
interrupts is done again, and doing it twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot import texts
from bot.action import Action, Ask, Ignore, Keep, Renew, Say, Stop
from bot.delivery import Undelivered
from bot.event import Conversation, Event
from bot.intake import Deliveries, Intake, Unusable
from bot.line import Full, Line, LineSection
from bot.pacing import Sleep
from bot.platforms.base import Gone, PlatformError, Refused
from bot.prompt import Prompter
from bot.question import Question
from bot.reply import Reply
from bot.storage.history import History
from bot.storage.inbox import End, Entry, Inbox
from bot.texts import Language

log = logging.getLogger(__name__)

Decide = Callable[[Event], Awaitable[Action]]

_MOST_IN_HAND = 256  # entries looked at and not done; more wait in the inbox
_PAUSES_S = (1.0, 5.0, 20.0)  # after a fault of ours; then the entry is given up


class Dispatcher:
    def __init__(
        self,
        decide: Decide,
        inbox: Inbox,
        history: History,
        intake: Intake,
        prompter: Prompter,
        line: Line[Question],
        deliveries: Deliveries,
        section: LineSection,
        *,
        default_language: Language,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._decide = decide
        self._inbox = inbox
        self._history = history
        self._intake = intake
        self._prompter = prompter
        self._line = line
        self._deliveries = deliveries
        self._section = section
        self._default_language = default_language
        self._sleep = sleep
        self._talks: dict[Conversation, deque[Entry]] = {}
        self._in_hand = 0
        self._stopped_early: set[int] = set()  # entries in hand whose work was ended ahead of them
        self._last = 0  # the newest entry that was looked at
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. First those that were accepted before the program ended."""
        async with asyncio.TaskGroup() as group:
            for entry in await self._inbox.waiting():
                await self._restore(entry, group)
            while True:
                if await self._take_new(group):
                    await self._inbox.arrived()
                while self._in_hand == _MOST_IN_HAND:
                    self._room.clear()
                    await self._room.wait()

    async def _restore(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        if not self._is_served(entry):
            return
        try:
            action = await self._decide(entry.event)
        except Exception:  # one entry must not keep the program from starting
            log.exception("entry %s cannot be decided", entry.id)
            await self._inbox.end(entry.id, "dead")
            return
        if isinstance(action, Ask):
            await self._join(entry, action, group, accepted=True)
        else:
            self._add(entry, group)

    async def _take_new(self, group: asyncio.TaskGroup) -> bool:
        """False: perhaps there are more.

        NOTE: what is read as new may have ended by now; only the number tells what is.
        """
        entries = await self._inbox.new(_MOST_IN_HAND + 1)  # those in hand are among them
        for entry in entries:
            if entry.id <= self._last:
                continue
            if self._in_hand == _MOST_IN_HAND:
                return False
            self._last = entry.id
            if self._is_served(entry):
                await self._stop_early(entry)
                self._add(entry, group)
            else:
                await self._inbox.wait(entry.id)
        return len(entries) <= _MOST_IN_HAND

    async def _stop_early(self, entry: Entry) -> None:
        """A /stop ends the running answer now, though its turn to be carried out may come later,
        perhaps behind a photo that takes long."""
        running = self._line.running(entry.event.conversation)
        if running is not None:
            with suppress(Exception):  # whoever does the entry meets it again, and tells
                if isinstance(await self._decide(entry.event), Stop | Renew):
                    running.stop()
                    self._stopped_early.add(entry.id)

    def _is_served(self, entry: Entry) -> bool:
        """Is its platform on? If not, it waits for a start at which it is."""
        name = entry.event.conversation.platform
        if name not in self._deliveries:
            log.warning("entry %s waits: the platform %s is off", entry.id, name)
        return name in self._deliveries

    def _add(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        self._in_hand += 1
        conversation = entry.event.conversation
        if conversation in self._talks:
            self._talks[conversation].append(entry)
        else:
            self._talks[conversation] = deque([entry])
            group.create_task(self._talk(conversation, group))

    async def _talk(self, conversation: Conversation, group: asyncio.TaskGroup) -> None:
        entries = self._talks[conversation]
        while entries:
            await self._do(entries[0], group)
            self._stopped_early.discard(entries.popleft().id)
            self._in_hand -= 1
            self._room.set()
        del self._talks[conversation]

    async def _do(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        """Whatever happens, the others go on."""
        for pause_s in _PAUSES_S:
            try:
                action = await self._decide(entry.event)
                await self._carry_out(action, entry, group)
            except (Gone, Refused, Undelivered) as error:
                log.warning("entry %s: nobody could be told: %s", entry.id, error)
                await self._end(entry, "undeliverable")
                return
            except Exception:  # one entry may fail, the others go on
                log.exception("entry %s failed", entry.id)
                await self._sleep(pause_s)
            else:
                return
        with suppress(PlatformError, Undelivered):
            await self._say(entry, texts.say("engine_fault", self._language(entry)))
        await self._end(entry, "dead")

    async def _carry_out(self, action: Action, entry: Entry, group: asyncio.TaskGroup) -> None:
        match action:
            case Ask():
                await self._inbox.wait(entry.id)
                await self._join(entry, action, group, accepted=False)
            case Say():
                await self._say_last(entry, action.text, "said")
            case Keep():
                await self._keep(entry, action)
            case Stop():
                nothing = not await self._stop(entry)
                await self._say_last(entry, action.otherwise if nothing else "", "said")
            case Renew():
                await self._stop(entry)
                await self._history.renew(entry.event.conversation)
                await self._say_last(entry, action.text, "said")
            case Ignore():
                await self._inbox.end(entry.id, "ignored")

    async def _join(
        self, entry: Entry, ask: Ask, group: asyncio.TaskGroup, *, accepted: bool
    ) -> None:
        """`accepted`: before a restart; then it has its place for sure, and perhaps a message."""
        event = entry.event
        reply = Reply(self._deliveries[event.conversation.platform], self._inbox, entry, group)
        was_shown = accepted and await reply.resume()
        question = Question(
            entry,
            ask.text,
            reply,
            self._language(entry),
            resumed=was_shown and entry.attempts > 0,
        )
        # Nothing may be awaited between the look at the line and joining it.
        full = None if accepted else self._line.full(question.person)
        if full is None:
            self._line.join(question)
        else:
            await self._say_last(entry, self._full(full, question.language), "refused")

    def _full(self, full: Full, language: Language) -> str:
        if full == "line_full":
            return texts.say(full, language)
        return texts.say(full, language, limit=self._section.max_per_person)

    async def _keep(self, entry: Entry, keep: Keep) -> None:
        try:
            photos = await self._intake.take(entry.event, self._language(entry))
        except Unusable as error:
            await self._say_last(entry, error.said, "refused")
            return
        await self._history.keep_photos(entry, [photo.digest for photo in photos])
        await self._say_last(entry, keep.text, "said")

    async def _stop(self, entry: Entry) -> bool:
        """Returns when nothing of the conversation waits or runs. False: nothing did."""
        conversation = entry.event.conversation
        early = entry.id in self._stopped_early
        leaving = self._line.leave(conversation)
        running = self._line.running(conversation)
        if running is not None:
            running.stop()
        for question in leaving:
            await self._take_back(question)
        if running is not None:
            await running.ended.wait()
        return early or running is not None or bool(leaving)

    async def _take_back(self, question: Question) -> None:
        with suppress(Gone, Refused, Undelivered):
            await question.reply.finish(texts.say("stopped", question.language))
        await self._inbox.end(question.entry.id, "stopped")
        question.ended.set()

    async def _end(self, entry: Entry, end: End) -> None:
        """Where nothing else is left to do; an entry that keeps its state is seen to at the next
        start."""
        try:
            await self._inbox.end(entry.id, end)
        except Exception:  # the database may be full or locked; that must not end the program
            log.exception("entry %s keeps its state", entry.id)

    async def _say_last(self, entry: Entry, text: str, end: End) -> None:
        """The last thing done about an entry; no text: nothing is said."""
        if text:
            await self._say(entry, text)
        await self._inbox.end(entry.id, end)

    async def _say(self, entry: Entry, text: str) -> None:
        event = entry.event
        delivery = self._deliveries[event.conversation.platform]
        await delivery.say(event.conversation, text, reply_to=event.message)

    def _language(self, entry: Entry) -> Language:
        event = entry.event
        return texts.language_of(event.text, event.person.language, self._default_language)
