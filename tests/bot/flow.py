"""Everything between a platform and the engine, with a fake at each of these two edges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.access.rights import Rights
from bot.admin.office import Office
from bot.answering.ended import Care, Ended
from bot.answering.ending import Endings
from bot.answering.finding import Excerpts
from bot.answering.meanwhile import Meanwhile
from bot.answering.substitute import Substitutes
from bot.api.repeats import Repeats
from bot.arriving.admission import Admission
from bot.arriving.arrivals import Arrivals
from bot.arriving.meeting import meet
from bot.arriving.notices import Notices
from bot.arriving.references import References
from bot.arriving.subject import Subjects
from bot.call import Call
from bot.casework import Casework
from bot.context import WindowSection
from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.documents.reader import Reader
from bot.erasing import Erasing
from bot.event import Event
from bot.intake import Intake, PhotosSection
from bot.line import Line, LineSection
from bot.metering import Meter
from bot.pacing import Governor
from bot.postman import Postman
from bot.prompt import Prompter
from bot.question import Question
from bot.rules import Rules, RuleSet
from bot.service.announcing import Announcer
from bot.service.reminders import Reminders
from bot.storage.cases import Cases
from bot.storage.claims import Claims
from bot.storage.copy import Copies
from bot.storage.db import Database
from bot.storage.erasing.erasure import Eraser
from bot.storage.erasing.erasures import Erasures
from bot.storage.history import History
from bot.storage.inbox import Entry, Inbox
from bot.storage.knowledge import Knowledge
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.repeats import KeptAnswers
from bot.storage.replicas import Replicas
from bot.storage.tickets import Tickets
from bot.texts import TEXTS
from bot.watching.counts import Counts
from bot.work import Work
from bot.worker import AnswersSection, Workers
from handlers import decide, is_urgent
from handlers.buttons import below, hint
from handlers.calling import after, is_served
from handlers.desk import Desk
from inference.earlier.answers import Answers
from inference.fallback import Fallback
from inference.fallback import Reader as Reads
from inference.request import ChatRequest
from inference.safety.safety import Safety
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine, FakePlatform, FakeTime, an_event, cancelled

THINKING = TEXTS["looking"].en


class Flow:
    """`start`, `crash` and `start` again: platform and engine stay, all else is built anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.platform = FakePlatform()
        self.other = FakePlatform(name="other")
        self.engine = FakeEngine()
        self.time = FakeTime()  # of calls that are tried again, and of the workers
        self.wall = FakeTime()  # of the inbox, and of what waits for photos or in the line
        self.shift = FakeTime()  # of the service desk
        self.away = FakeTime()  # of who looks whether the engine is away
        self.reader: Reads | None = None  # of the text in pictures
        self.line_section = LineSection()
        self.photos = PhotosSection(together_s=0.0)  # photos do not wait for more of them
        self.at_once = 2
        self.window = WindowSection()
        self.answers = AnswersSection(default_language="en")
        self.rules = Rules(RuleSet())
        self.platforms = [self.platform, self.other]
        self.summarised: list[str] = []  # the talks of which a ticket shows a summary
        self.summary_may_come = asyncio.Event()
        self.summary_may_come.set()
        self.ends: list[tuple[Entry, Ended]] = []  # in the order in which they came
        self.counts = Counts(clock=self.time.clock)
        self.kept: Callable[[], Answers] = Answers  # the earlier answers
        self.guard: Callable[[Casework], Safety] = lambda casework: Safety()
        self._number = 0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.db = await Database.open(self.folder)
        await Replicas(self.db).enlist("")
        self.inbox = Inbox(self.db, clock=self.wall.clock)
        self.history = History(self.db)
        self.people = People(self.db)
        self.ledger = Ledger(self.db)
        self.meter = Meter(self.ledger, self.people, self.rules, default_language="en")
        self.knowledge = Knowledge(self.db)
        self.outbox = Outbox(self.db)
        self.tickets = Tickets(self.db, self.outbox, clock=self.shift.clock)
        self.ratings = Ratings(self.db)
        self.stored = Photos(self.folder / "photos")
        self.repeats = Repeats(KeptAnswers(self.db))
        self.copies, self.erasures = Copies(self.db, self.stored), Erasures(self.db)
        self.office = Office(
            self.db, self.rules, self.people, self.ledger, self.outbox, sleep=self.time.sleep
        )
        self.cases = Cases(self.db)
        self.casework = Casework(
            self.cases,
            self.people,
            self.office.audit,
            self.inbox,
            self.outbox,
            self.rules,
            self.counts,
            default_language="en",
        )
        self.line: Line[Question | Call] = Line(self.line_section, workers=self.at_once)
        self._running = asyncio.create_task(self._run())

    async def crash(self) -> None:
        """All objects are dropped where they are; what is committed stays."""
        if self._running is not None:
            await cancelled(self._running)
            self._running = None
            await self.db.close()

    async def say(self, text: str = "", **event: object) -> str:
        """The id of the message, which has been accepted."""
        self._number += 1
        message = f"q{self._number}"
        await self.accept(an_event(message, text, **event))
        return message

    async def press(self, button: str, message: str, **event: object) -> str:
        """Somebody presses the button below a message of ours: the name of the press."""
        return await self._do_to("press", message, text=button, **event)

    async def edit(self, message: str, text: str, **event: object) -> str:
        """Somebody changes the words of a message."""
        return await self._do_to("edit", message, text=text, **event)

    async def delete(self, message: str, **event: object) -> str:
        return await self._do_to("delete", message, **event)

    async def accept(self, event: Event) -> None:
        """As the program does."""
        if event.group and self.rules.now.groups.window == "person":
            own = replace(event.conversation, person=event.person.id)
            event = replace(event, conversation=own)
        await self.inbox.accept(event)

    async def answered(self, chat: str, count: int = 1) -> list[str]:
        """What is seen in the chat once its last message is final."""
        chats = self.platform.chats
        await self.platform.until(
            lambda: len(chats[chat]) >= count and all(b.final for b in chats[chat])
        )
        return self.platform.texts(chat)

    async def said(self, chat: str, count: int = 1) -> list[str]:
        """What is seen once there are so many messages."""
        await self.platform.until(lambda: len(self.platform.chats[chat]) >= count)
        return self.platform.texts(chat)

    async def ended(self) -> dict[str, str]:
        """The state of each message, when none is open any more."""
        while (backlog := await self.inbox.backlog()).new or backlog.waiting:
            pass
        return await self.states()

    async def until_states(self, **expected: str) -> None:
        while not expected.items() <= (await self.states()).items():
            pass

    async def states(self) -> dict[str, str]:
        async with self.db.read() as connection:
            rows = await connection.exec_driver_sql("SELECT message, state FROM inbox ORDER BY id")
            return {row.message: row.state for row in rows}

    async def _do_to(self, kind: str, message: str, **event: object) -> str:
        self._number += 1
        name = f"{message}/{kind}/{self._number}"
        await self.accept(an_event(name, kind=kind, about=message, **event))
        return name

    def asked(self, text: str) -> ChatRequest:
        """The last request whose question was this."""
        return next(r for r in reversed(self.engine.requests) if r.turns[-1].text == text)

    def _desk(self, intake: Intake) -> Desk:
        return Desk(
            self.rules,
            self.inbox,
            self.history,
            self.people,
            self.ledger,
            self.tickets,
            self.knowledge,
            self.outbox,
            self.ratings,
            partial(intake.keep, language="en"),
            "en",
            intake.fetch_file,
            Reader(),
            self.office,
            Rights(self.copies, self.erasures, lambda to: True),
        )

    async def look_after(self, entry: Entry, ended: Ended) -> Care | None:
        self.ends.append((entry, ended))
        return await after(self.desk, entry, ended)

    async def _summarise(self, talk: str, language: str) -> str:
        self.summarised.append(talk)
        await self.summary_may_come.wait()
        return "in short"

    async def _run(self) -> None:
        clock, sleep = self.time.clock, self.time.sleep
        service = Service(
            self.engine,
            FakeDecoder(),
            prepared=self.counts.picture,
            safety=self.guard(self.casework),
            answers=self.kept(),
            fallback=Fallback(
                lambda: self.rules.now.fallback,
                passages=Excerpts(self.knowledge, self.rules),
                reader=self.reader,
            ),
        )
        governors = [Governor() for _ in self.platforms]
        self.deliveries = deliveries = {
            platform.name: Delivery(platform, governor, self.counts, clock=clock, sleep=sleep)
            for platform, governor in zip(self.platforms, governors, strict=True)
        }
        photos = self.stored
        postman = Postman(self.outbox, photos, deliveries, sleep=sleep)
        intake = Intake(deliveries, service, photos, max_bytes=1000)
        subjects = Subjects(self.history, intake)
        self.desk = self._desk(intake)
        prompter = Prompter(
            self.history,
            intake,
            service,
            self.knowledge,
            self.rules,
            self.window,
            answer_tokens=self.answers.max_tokens,
        )
        self.notices = notices = Notices(deliveries, clock=self.wall.clock)
        admission = Admission(
            self.line,
            self.inbox,
            self.history,
            subjects,
            self.meter,
            deliveries,
            notices,
            self.line_section,
            self.counts,
            most_tokens=self.answers.max_tokens + self.window.max_tokens,
            default_language="en",
            clock=self.wall.clock,
            sleep=self.wall.sleep,
        )
        claims = Claims(self.db, platforms=lambda: self.deliveries)
        self.dispatcher = Dispatcher(
            partial(decide, desk=self.desk),
            is_urgent,
            partial(meet, people=self.people),
            self.inbox,
            self.history,
            intake,
            References(self.inbox, self.history, self.photos),
            admission,
            notices,
            deliveries,
            self.photos,
            self.counts,
            Arrivals(self.inbox, claims),
            clock=self.wall.clock,
            sleep=self.wall.sleep,
        )
        announcer = Announcer(
            self.tickets, self.rules, deliveries, self._summarise, "en", sleep=sleep
        )
        reminders = Reminders(self.tickets, self.rules, "en", sleep=self.shift.sleep)
        workers = Workers(
            self.line,
            self.inbox,
            subjects,
            prompter,
            service,
            self.meter,
            Endings(self.history, subjects, self.meter, self.look_after, self.counts, sleep=sleep),
            self.answers,
            buttons=partial(below, desk=self.desk),
            hint=partial(hint, desk=self.desk),
            at_once=self.at_once,
            max_attempts=self.line_section.max_attempts,
            substitutes=Substitutes(
                subjects, prompter, service, partial(is_served, desk=self.desk)
            ),
            clock=clock,
            sleep=sleep,
        )
        meanwhile = Meanwhile(
            self.line,
            workers,
            self.inbox,
            self.people,
            self.rules,
            service.stats,
            clock=self.away.clock,
            wall=self.wall.clock,
            sleep=self.away.sleep,
        )
        erasing = Erasing(
            self.erasures,
            Eraser(self.db, photos),
            Work(self.line, admission, postman, self.dispatcher.in_hand, self.repeats.under_way),
            deliveries,
            service.forget,
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.dispatcher.run())
                group.create_task(workers.run())
                group.create_task(meanwhile.run())
                group.create_task(postman.run())
                group.create_task(announcer.run())
                group.create_task(reminders.run())
                group.create_task(erasing.run())
        finally:
            for governor in governors:
                governor.close()


@asynccontextmanager
async def a_flow(folder: Path) -> AsyncIterator[Flow]:
    flow = Flow(folder)
    try:
        yield flow
    finally:
        await flow.crash()
