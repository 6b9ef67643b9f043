"""From the inbox to what is done about it: entries in order, a handler's decision carried out.

Every conversation has a task of its own while there is something to do, so that a slow platform or
a large photo holds up nobody else. An entry keeps its state until all of it is done: what a crash
interrupts is done again, and doing it twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bot import texts
from bot.action import Action, Again, Ask, Ignore, Keep, Renew, Say, Stop
from bot.arriving.admission import Admission
from bot.arriving.arrivals import Arrivals
from bot.arriving.gathering import Sending, first_sending, follower, pause_s, said_at
from bot.arriving.notices import Notices
from bot.arriving.references import References
from bot.delivery import Undelivered
from bot.errors import Unusable
from bot.event import Conversation, Event
from bot.intake import Deliveries, Intake, PhotosSection, check_number
from bot.pacing import Sleep
from bot.platforms.base import Gone, PlatformError, Refused
from bot.storage.errors import NotNow
from bot.storage.history import History
from bot.storage.inbox import End, Entry, Inbox, Unended
from bot.watching.counts import Counts
from inference.trace import tracing

log = logging.getLogger(__name__)

Decide = Callable[[Event], Awaitable[Action]]
Meet = Callable[[Event], Awaitable[Event]]

_PAUSES_S = (1.0, 5.0, 20.0)  # after a fault of ours; then the entry is given up


@dataclass(slots=True)
class _Talk:
    """What a conversation's task has to do yet."""

    begun_at: float  # seconds since 1970
    entries: deque[Entry] = field(default_factory=deque)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.changed.set()


class Dispatcher:
    def __init__(
        self,
        decide: Decide,
        is_urgent: Callable[[Event], bool],
        meet: Meet,
        inbox: Inbox,
        history: History,
        intake: Intake,
        references: References,
        admission: Admission,
        notices: Notices,
        deliveries: Deliveries,
        section: PhotosSection,
        counts: Counts,
        arrivals: Arrivals,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._decide = decide
        self._is_urgent = is_urgent
        self._meet = meet
        self._inbox = inbox
        self._history = history
        self._intake = intake
        self._references = references
        self._admission = admission
        self._notices = notices
        self._deliveries = deliveries
        self._section = section
        self._counts = counts
        self._clock = clock
        self._sleep = sleep
        self._arrivals = arrivals
        self._fresh: deque[Entry] = deque()  # nobody has looked at them yet
        self._talks: dict[Conversation, _Talk] = {}
        self._stopped_early: set[int] = set()  # entries in hand whose work was ended ahead of them

    async def run(self) -> None:
        """Until cancelled. First those that were accepted before the program ended."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._admission.expire(group))
            while True:
                self._fresh.extend(await self._arrivals.next())
                while self._fresh:
                    await self._look_at(self._fresh[0], group)
                    self._fresh.popleft()

    def forgotten(self, entries: Sequence[Unended]) -> list[Unended]:
        """Of those that are ours, which nobody sees to in this run."""
        in_hand = {one.id for one in self.in_hand()}
        return [
            one for one in entries if one.id not in in_hand and not self._arrivals.holds(one.id)
        ]

    def in_hand(self) -> list[Entry]:
        """All that is being done, or waits for it in this run."""
        in_talks = (one for talk in self._talks.values() for one in talk.entries)
        return [*self._fresh, *in_talks, *self._admission.in_hand()]

    async def _look_at(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        with tracing(entry.trace):
            if entry.state == "waiting":
                while not await self._restore(entry, group):
                    await self._sleep(_PAUSES_S[0])
            else:
                await self._stop_early(entry)
                self._add(entry, group)

    async def _restore(self, entry: Entry, group: asyncio.TaskGroup) -> bool:
        """It had its place when somebody died, and perhaps a message, and keeps them. False: the
        database is away, for all others too."""
        try:
            sending = Sending(await self._met(entry), tuple(await self._inbox.parts(entry.id)))
            match await self._decide(sending.whole.event):
                case Ask(text):
                    await self._ask(sending, text, group, accepted=True)
                case Again() as again:
                    await self._ask_again(sending, again, group, accepted=True)
                case _:
                    self._add(entry, group)
                    return True
            self._arrivals.done(entry)
        except NotNow as error:
            log.warning("entry %s is restored later: %s", entry.id, error)
            return False
        except Exception:  # one entry must not keep the program from starting
            log.exception("entry %s cannot be restored", entry.id)
            self._add(entry, group)  # it is tried again in its turn, and given up there
        return True

    async def _stop_early(self, entry: Entry) -> None:
        """A /stop ends the running answer now; its turn may come behind a photo that takes long."""
        event = entry.event
        running = self._admission.running(event.conversation)
        if running is None or not self._is_urgent(event):
            return
        with suppress(Exception):  # whoever does the entry meets it again, and tells
            match await self._decide(event):
                case Stop(entry=None):
                    meant = running.entry.event.person.id == event.person.id
                case Stop(entry=int(number)):
                    meant = running.entry.id == await self._inbox.asked_as(number)
                case Renew():
                    meant = True
                case _:
                    meant = False
            if meant:
                running.stop()
                self._stopped_early.add(entry.id)

    def _add(self, entry: Entry, group: asyncio.TaskGroup) -> None:
        conversation = entry.event.conversation
        if conversation not in self._talks:
            self._talks[conversation] = _Talk(self._clock())
            group.create_task(self._talk(conversation, self._talks[conversation], group))
        self._talks[conversation].add(entry)

    async def _talk(
        self, conversation: Conversation, talk: _Talk, group: asyncio.TaskGroup
    ) -> None:
        while talk.entries:
            await self._gather(talk, group)
            sending = first_sending(talk.entries)
            with tracing(sending.asked.trace):
                await self._do(sending, group, goes_on=self._goes_on(talk, sending))
            for entry in sending.entries:
                talk.entries.remove(entry)
                self._stopped_early.discard(entry.id)
                self._arrivals.done(entry)
        del self._talks[conversation]

    async def _gather(self, talk: _Talk, group: asyncio.TaskGroup) -> None:
        """Until nothing more comes that belongs to the first entry."""
        together_s = self._section.together_s
        wait_s = partial(pause_s, talk.entries, together_s=together_s, taken_at=talk.begun_at)
        looked_at = 0.0
        while (now := self._clock()) >= looked_at and (left_s := wait_s(now)) > 0:
            looked_at = now  # a clock that is put back meanwhile ends it: it might be by a day
            talk.changed.clear()
            timer = group.create_task(self._ring_later(talk, left_s))
            try:
                await talk.changed.wait()
            finally:
                timer.cancel()

    async def _ring_later(self, talk: _Talk, wait_s: float) -> None:
        await self._sleep(wait_s)
        talk.changed.set()

    def _goes_on(self, talk: _Talk, sending: Sending) -> bool:
        """Did the same person say more at once? Then no word of ours shall come in between."""
        later = follower(talk.entries, sending.entries)
        if later is None:
            return False
        last = max(entry.received_at for entry in sending.entries)
        return later.received_at - last < self._section.together_s

    async def _do(self, sending: Sending, group: asyncio.TaskGroup, *, goes_on: bool) -> None:
        """Whatever happens, the others go on."""
        entry = sending.asked
        event = sending.whole.event
        figures = {"characters": len(event.text), "photos": len(event.photos)}
        log.info("accepted: %(characters)d characters, %(photos)d photos", figures)
        failures = tries = 0
        while failures < len(_PAUSES_S):
            try:
                await self._admission.until_kept(entry.event.conversation)
                met = Sending(await self._met(entry), sending.parts)
                action = await self._decide(met.whole.event)
                await self._carry_out(action, met, group, goes_on=goes_on)
            except (Gone, Refused, Undelivered) as error:
                log.warning("entry %s: nobody could be told: %s", entry.id, error)
                await self._give_up(sending, "undeliverable")
                return
            except Exception as error:  # one entry may fail, the others go on
                for_now = isinstance(error, NotNow)  # that is none of its doing
                log.error("entry %s failed: %s", entry.id, error, exc_info=not for_now)  # noqa: TRY400
                await self._sleep(_PAUSES_S[min(tries, 1) if for_now else failures])
                failures, tries = failures + (not for_now), tries + 1
            else:
                return
        with suppress(PlatformError, Undelivered):
            said = texts.say("engine_fault", self._admission.language(entry))
            await self._notices.complain(entry, said, "fault")
        await self._give_up(sending, "dead")
        self._counts.ask(entry.event.conversation.platform).end("dead")

    async def _met(self, entry: Entry) -> Entry:
        return replace(entry, event=await self._meet(entry.event))

    async def _carry_out(
        self, action: Action, sending: Sending, group: asyncio.TaskGroup, *, goes_on: bool
    ) -> None:
        entry = sending.asked
        match action:
            case Ask():
                await self._ask(sending, action.text, group, accepted=False)
            case Again():
                await self._ask_again(sending, action, group, accepted=False)
            case Keep():
                await self._keep(sending, action, group, goes_on=goes_on)
            case Say():
                await self._notices.carry_out(entry, action)
                await self._end(sending.entries, "said")
            case Stop():
                if not await self._stop(entry, action.entry):
                    await self._notices.say(entry, action.otherwise)
                await self._end(sending.entries, "said")
            case Renew():
                conversation = entry.event.conversation
                await self._admission.stop(conversation, person=None, entry_id=None)
                await self._history.renew(conversation)
                await self._notices.say(entry, action.text)
                await self._end(sending.entries, "said")
            case Ignore():
                await self._end(sending.entries, "ignored")

    async def _ask(
        self, sending: Sending, text: str, group: asyncio.TaskGroup, *, accepted: bool
    ) -> None:
        entry = sending.asked
        context = await self._references.context(sending.whole)
        if not (accepted or context.has_photos):
            sending = sending.with_parts(await self._references.photos_before(sending))
        await self._admission.admit(
            sending.whole,
            text,
            group,
            context=context,
            again=sending.replaced,
            since=said_at(entry),
            accepted=accepted,
            parts=[part.id for part in sending.parts],
        )

    async def _ask_again(
        self, sending: Sending, wish: Again, group: asyncio.TaskGroup, *, accepted: bool
    ) -> None:
        """Under the number of the wish, but as an answer to the question's own message."""
        entry = sending.asked
        again = await self._inbox.entry(await self._inbox.asked_as(wish.entry))
        if again is None or again.event.kind != "message":
            await self._end(sending.entries, "ignored")
            return
        since = said_at(entry)
        event = Sending(again, tuple(await self._inbox.parts(again.id))).whole.event
        entry = replace(entry, event=replace(event, person=entry.event.person))
        await self._admission.admit(
            entry,
            event.text,
            group,
            context=await self._references.context(entry),
            again=replace(again, event=event),
            shown=wish.shown,
            since=since,
            accepted=accepted,
        )

    async def _keep(
        self, sending: Sending, keep: Keep, group: asyncio.TaskGroup, *, goes_on: bool
    ) -> None:
        if await self._joins_its_album(sending):
            return
        if question := await self._references.question_before(sending):
            joined = sending.with_parts([question])
            action = await self._decide(joined.whole.event)
            if isinstance(action, Ask):
                await self._admission.replace(question)
                await self._ask(joined, action.text, group, accepted=False)
                return
        await self._keep_photos(sending, "" if goes_on else keep.text)

    async def _keep_photos(self, sending: Sending, said: str) -> None:
        """What cannot be used is told; the others are kept all the same."""
        language = self._admission.language(sending.asked)
        try:
            check_number(len(sending.whole.event.photos), language)
        except Unusable as error:
            await self._notices.complain(sending.asked, error.said, "photo")
            await self._end(sending.entries, "refused")
            return
        kept, faults = 0, dict[Entry, str]()
        for entry in sending.entries:
            try:
                digests = await self._intake.keep(entry.event, language)
            except Unusable as error:
                faults[entry] = error.said
            else:
                await self._history.keep_photos(entry, digests)
                kept += len(digests)
        if kept > 1 and said:
            said = texts.say("photos_kept", language, count=kept)
        await self._tell_kept(sending.asked, said if kept else "", faults)
        await self._end(list(faults), "refused")
        await self._end(sending.entries, "said")  # of the others: the first end holds

    async def _tell_kept(self, entry: Entry, said: str, faults: Mapping[Entry, str]) -> None:
        if faults:
            lines = [*dict.fromkeys(faults.values()), said]
            await self._notices.complain(entry, "\n".join(filter(None, lines)), "photo")
        else:
            await self._notices.say(entry, said)

    async def _joins_its_album(self, sending: Sending) -> bool:
        """A picture that came late goes with the others, while they wait."""
        asked = await self._references.album_before(sending)
        if asked is None:
            return False
        others = await self._inbox.parts(asked.id)
        question = self._admission.waiting(asked.id)
        if question is None:
            return False
        # its turn may come whenever we await, and then it must have them all
        whole = Sending(asked, (*others, *sending.entries)).whole
        question.entry = replace(question.entry, event=whole.event)
        await self._inbox.wait(asked.id, [entry.id for entry in sending.entries])
        return True

    async def _stop(self, entry: Entry, entry_id: int | None) -> bool:
        event = entry.event
        number = None if entry_id is None else await self._inbox.asked_as(entry_id)
        stopped = await self._admission.stop(
            event.conversation, person=event.person.id, entry_id=number
        )
        if event.kind == "delete" and entry_id is not None and number is not None:
            # not before: what was stopped has left its photos to the next question
            await self._history.forget_photos({entry_id, number})
        return stopped or entry.id in self._stopped_early

    async def _end(self, entries: Sequence[Entry], end: End) -> None:
        for entry in entries:
            await self._inbox.end(entry.id, end)

    async def _give_up(self, sending: Sending, end: End) -> None:
        """An entry that keeps its state is seen to at the next start."""
        try:
            await self._end(sending.entries, end)
        except Exception:  # the database may be full or locked; that must not end the program
            log.exception("entry %s keeps its state", sending.asked.id)
