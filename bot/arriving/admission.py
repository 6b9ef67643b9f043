"""A question's way into the line and, before its turn comes, out of it again: stopped, replaced by
a better one, or after it has waited too long."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot import texts
from bot.arriving.notices import Notices
from bot.arriving.subject import Subjects
from bot.call import Call
from bot.delivery import Undelivered
from bot.event import Button, Conversation
from bot.intake import Deliveries
from bot.line import Line, LineSection
from bot.metering import Meter
from bot.pacing import Sleep
from bot.platforms.base import Gone, Refused
from bot.question import Context, Question
from bot.reply import Reply
from bot.storage.db import Transaction
from bot.storage.errors import NotNow
from bot.storage.history import History
from bot.storage.inbox import End, Entry, Inbox
from bot.texts import Key, Language
from bot.watching.counts import Counts, Watch
from inference.trace import tracing

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0  # whether somebody has waited too long
_AFTER_FAULT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Refusal:
    said: str
    end: End
    kind: str = ""  # alike for what a group need not be told again

    @property
    def outcome(self) -> str:
        """As it is counted."""
        known = {"line_full": "line_full", "line_full_person": "line_full", "quota": "quota"}
        return known.get(self.kind.partition(" ")[0], self.end)


class Admission:
    def __init__(
        self,
        line: Line[Question | Call],
        inbox: Inbox,
        history: History,
        subjects: Subjects,
        meter: Meter,
        deliveries: Deliveries,
        notices: Notices,
        section: LineSection,
        counts: Counts,
        *,
        most_tokens: int,
        default_language: Language,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`most_tokens`: that a question and its answer may take."""
        self._line = line
        self._inbox = inbox
        self._history = history
        self._subjects = subjects
        self._meter = meter
        self._deliveries = deliveries
        self._notices = notices
        self._section = section
        self._counts = counts
        self._most_tokens = most_tokens
        self._default_language = default_language
        self._clock = clock
        self._sleep = sleep
        self._parting: dict[int, Entry] = {}  # whose end is on the way to people

    def language(self, entry: Entry) -> Language:
        return texts.language_for(entry.event, self._default_language)

    async def admit(
        self,
        entry: Entry,
        text: str,
        group: asyncio.TaskGroup,
        *,
        context: Context,
        again: Entry | None,
        since: float,
        accepted: bool,
        parts: Sequence[int] = (),
        shown: int | None = None,
    ) -> None:
        """`accepted`: before a restart; then it has its place for sure, and perhaps a message.
        `parts`: entries that are asked about together with it, and end with that. `shown`: as in
        Again."""
        language = self.language(entry)
        age_s = self._clock() - entry.received_at
        watch = self._counts.ask(entry.event.conversation.platform, age_s=age_s)
        reply = self._reply(entry, group, watch)
        was_shown = accepted and await reply.resume()
        question = Question(
            entry,
            text,
            reply,
            language,
            watch,
            resumed=was_shown and entry.attempts > 0,
            context=context,
            again=again,
            since=since,
            shown=shown,
        )
        question.promised = accepted and await self._inbox.is_promised(entry.id)
        refusal = await self._refusal(question, parts, accepted=accepted)
        if refusal is None:
            self._counts.resumed += accepted
            watch.joined()
            self._line.join(question)
        elif accepted:  # a slow platform shall not hold up the start
            group.create_task(self._part(question, refusal, shown=was_shown))
        else:
            await self._part(question, refusal, shown=False)

    async def expire(self, group: asyncio.TaskGroup) -> None:
        """Until cancelled. Tell those who have waited too long, without using the engine."""
        while True:
            await self._line.occupied()
            await self._sleep(_LOOK_EVERY_S)
            for question in self._leave(self._is_late):
                group.create_task(self._part(question, _late(question), shown=True))

    async def stop(
        self, conversation: Conversation, *, person: str | None, entry_id: int | None
    ) -> bool:
        """Returns when nothing of what is meant waits or runs: one entry alone, else all of this
        person, else (None) all of the conversation. False: nothing did."""

        def is_meant(question: Question) -> bool:
            if entry_id is not None:
                return question.entry.id == entry_id
            own = person is None or question.entry.event.person.id == person
            return own and question.conversation == conversation

        return await self._end(is_meant, conversation, "stopped")

    async def replace(self, entry: Entry) -> None:
        """End this question for one that asks the same with its photo."""
        await self._end(lambda q: q.entry.id == entry.id, entry.event.conversation, "photo_joined")

    def waiting(self, entry_id: int) -> Question | None:
        return next((q for q in self._questions() if q.entry.id == entry_id), None)

    async def stop_all(self, platform: str, person: str, *, upto: int) -> None:
        """Returns when nothing of this person waits or runs, wherever they asked; but for entries
        with larger numbers than `upto`."""

        def is_meant(question: Question) -> bool:
            return question.entry.id <= upto and _is_of(question.entry, platform, person)

        meant = [one.conversation for one in self._all_questions() if is_meant(one)]
        for conversation in dict.fromkeys(meant):
            await self._end(is_meant, conversation, "stopped")

    def in_hand(self) -> list[Entry]:
        """Those that are in the line, being answered, or on their way out."""
        return [*self._parting.values(), *(one.entry for one in self._all_questions())]

    async def until_kept(self, conversation: Conversation) -> None:
        """An answer that people may have read already is kept before it is looked at what they say
        to it: staff shall see all that was said."""
        running = self.running(conversation)
        if running is not None and running.written:
            await running.ended.wait()

    def running(self, conversation: Conversation) -> Question | None:
        running = self._line.running(conversation)
        return running if isinstance(running, Question) else None

    def _reply(self, entry: Entry, group: asyncio.TaskGroup, watch: Watch) -> Reply:
        stop = Button("stop", texts.say("button_stop", self.language(entry)))
        delivery = self._deliveries[entry.event.conversation.platform]
        return Reply(delivery, self._inbox, entry, group, writing=(stop,), watch=watch)

    def _leave(self, chosen: Callable[[Question], bool]) -> list[Question]:
        """Calls of the API are ended by their own handlers."""
        left = self._line.leave(lambda one: isinstance(one, Question) and chosen(one))
        return [one for one in left if isinstance(one, Question)]

    def _all_questions(self) -> list[Question]:
        return [one for one in self._line.everybody() if isinstance(one, Question)]

    def _questions(self) -> Iterator[Question]:
        return (one for one in self._line.waiting() if isinstance(one, Question))

    async def _end(
        self, is_meant: Callable[[Question], bool], conversation: Conversation, parting: Key
    ) -> bool:
        leaving = self._leave(is_meant)
        running = self.running(conversation)
        if running is not None and is_meant(running):
            running.stop(parting)
        else:
            running = None
        for question in leaving:
            said = texts.say(parting, question.language)
            await self._part(question, _Refusal(said, "stopped"), shown=True)
        if running is not None:
            await running.ended.wait()
        return running is not None or bool(leaving)

    async def _refusal(
        self, question: Question, parts: Sequence[int], *, accepted: bool
    ) -> _Refusal | None:
        """None: it may join the line, if it does so before anything else is awaited."""
        refusal = _late(question) if self._is_late(question) else None
        if refusal is None and not accepted:
            refusal = self._full(question)
        if refusal is not None:
            if parts:  # their photos go with the question, wherever that goes
                await self._inbox.wait(question.entry.id, parts)
            return refusal

        async def wait(transaction: Transaction) -> None:
            await self._inbox.wait_with(transaction, question.entry.id, parts)

        refused = await self._meter.reserve(
            question.entry, tokens=self._most_tokens, also=None if accepted else wait
        )
        if refused:
            return _Refusal(refused.said, "refused", f"quota {question.entry.event.person.id}")
        if accepted:
            return None
        await question.reply.resume()  # with the key that was just kept
        return self._full(question)  # others may have come meanwhile

    async def _part(self, question: Question, refusal: _Refusal, *, shown: bool) -> None:
        """Say so in the message it has, or in one that is enough for a whole group. It was not
        answered, so it costs nothing."""
        with tracing(question.entry.trace):  # whoever makes it end has another
            await self._part_with(question, refusal, shown=shown)

    async def _part_with(self, question: Question, refusal: _Refusal, *, shown: bool) -> None:
        entry = question.entry
        log.info("entry %s has its end before its turn: %s", entry.id, refusal.end)
        self._parting[entry.id] = entry
        try:
            await self._until_done(question, refusal, shown=shown)
            question.watch.end(refusal.outcome)
        except Exception:  # one question's end may fail, the others go on; a restart sees to it
            log.exception("entry %s keeps its state", entry.id)
        finally:
            self._parting.pop(entry.id, None)
            question.ended.set()

    async def _until_done(self, question: Question, refusal: _Refusal, *, shown: bool) -> None:
        """However long there is no way to the person, or to the database: who was told that it
        has its end shall not find it answered after the next start."""
        number, is_told = question.entry.id, False
        while True:
            try:
                if not is_told:
                    with suppress(Gone, Refused):
                        await self._tell(question, refusal, shown=shown)
                    is_told = True
                await self._write_end(question, refusal)
            except Undelivered as error:
                log.error("entry %s: told later: %s", number, error)  # noqa: TRY400
                with suppress(NotNow):
                    if not await self._inbox.these([number]):
                        return  # they were forgotten meanwhile
            except NotNow as error:
                log.warning("entry %s has its end later: %s", number, error)
                await self._sleep(_AFTER_FAULT_S)
            else:
                return

    async def _tell(self, question: Question, refusal: _Refusal, *, shown: bool) -> None:
        if shown:
            await question.reply.finish(refusal.said)
        else:
            await self._notices.complain(question.entry, refusal.said, refusal.kind)

    async def _write_end(self, question: Question, refusal: _Refusal) -> None:
        entry, end = question.entry, refusal.end
        if end == "stopped":
            await self._meter.settle(entry.id, questions=0, tokens=0)
            await self._history.stopped(entry, await self._subjects.spared(question))
            return

        async def ended(transaction: Transaction) -> None:
            await self._inbox.end_with(transaction, entry.id, end)

        await self._meter.settle(entry.id, questions=0, tokens=0, also=ended)

    def _is_late(self, question: Question) -> bool:
        """Not if it was promised an answer: bot/answering/meanwhile.py sees to that."""
        return not question.promised and self._clock() - question.since > self._section.max_wait_s

    def _full(self, question: Question) -> _Refusal | None:
        full = self._line.full(question.person)
        if full is None:
            return None
        wait_s = self._line.wait_s()
        if full == "line_full" and wait_s is not None:
            minutes = max(1, math.ceil(wait_s / 60))
            said = texts.say("line_full_minutes", question.language, minutes=minutes)
        else:
            said = texts.say(full, question.language, limit=self._section.max_per_person)
        return _Refusal(said, "refused", full)


def _late(question: Question) -> _Refusal:
    return _Refusal(texts.say("expired", question.language), "expired", "expired")


def _is_of(entry: Entry, platform: str, person: str) -> bool:
    event = entry.event
    return (event.conversation.platform, event.person.id) == (platform, person)
