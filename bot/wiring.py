"""Makes the parts of the program, each handed what it needs; nothing runs yet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from bot.admin.office import Office
from bot.answering.ending import Endings
from bot.answering.meanwhile import Meanwhile
from bot.answering.substitute import Substitutes
from bot.api.site import Api
from bot.arriving.admission import Admission
from bot.arriving.arrivals import Arrivals
from bot.arriving.discretion import Discretion
from bot.arriving.meeting import meet
from bot.arriving.notices import Notices
from bot.arriving.references import References
from bot.arriving.subject import Subjects
from bot.call import Call
from bot.config import Settings
from bot.console.build import build_console
from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.documents.reader import Reader
from bot.erasing import Erasing
from bot.errors import ConfigError
from bot.intake import Deliveries, Intake
from bot.line import Line
from bot.metering import Meter
from bot.pacing import Governor
from bot.platforms.base import Platform, Single
from bot.postman import Postman
from bot.prompt import Prompter
from bot.question import Question
from bot.replica import Replica
from bot.rules import Rules
from bot.service.announcing import Announcer
from bot.service.reminders import Reminders
from bot.service.summary import summarise
from bot.steady import SteadyClock
from bot.storage.claims import Claims
from bot.stores import Stores
from bot.upkeep import make_erasing, make_retention, make_rights
from bot.watching.alarms import Alarms
from bot.watching.counts import Counts
from bot.watching.health import Health
from bot.watching.metrics import metrics_routes
from bot.watching.vitals import Doctor
from bot.work import Work
from bot.worker import Workers
from handlers import decide, is_urgent
from handlers.buttons import below, hint
from handlers.calling import after, is_served
from handlers.commands import command_of
from handlers.desk import Desk
from inference.service import Service

log = logging.getLogger(__name__)


class Parts:
    """Of one run. What is named here is what runs, or is asked how it fares."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        service: Service,
        platforms: Sequence[Platform],
        rules: Rules,
        counts: Counts,
        replica: Replica,
    ) -> None:
        self._settings = settings
        self._stores = stores
        self._service = service
        self._rules = rules
        self._counts = counts
        self._wall = SteadyClock()
        self._replica = replica
        self._language = settings.answers.default_language
        self._question_tokens = settings.answers.max_tokens + settings.window.max_tokens
        self.governors = [Governor() for _ in platforms]
        self.deliveries = self._make_deliveries(platforms)
        self.discretion = self._make_discretion()
        self.meter = Meter(stores.ledger, stores.people, rules, default_language=self._language)
        self.office = self._make_office()
        self.postman = Postman(stores.outbox, stores.photos, self.deliveries)
        self.line: Line[Question | Call] = Line(
            settings.line, workers=settings.engine.max_sequences
        )
        max_bytes = settings.pictures.limits().max_bytes
        self._intake = Intake(self.deliveries, service, stores.photos, max_bytes=max_bytes)
        self._subjects = Subjects(stores.history, self._intake)
        self._desk = self._make_desk()
        self._notices = Notices(self.deliveries, clock=time.time)
        self.admission = self._make_admission()
        self.dispatcher = self._make_dispatcher()
        self.workers = self._make_workers()
        self.meanwhile = self._make_meanwhile()
        self.alarms = self._make_alarms()
        self.health = self._make_health(platforms)
        self.console = build_console(
            settings, stores, self.office, rules, self.line, service, counts, self.health.tell
        )
        self.api = self._make_api()
        self.announcer = self._make_announcer()
        self.reminders = Reminders(stores.tickets, rules, self._language)
        self.retention = make_retention(stores, rules)
        self.erasing = self._make_erasing()

    def led(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What one program does for all that share the database."""
        return {
            "postman": self.postman.run,
            "announcer": self.announcer.run,
            "reminders": self.reminders.run,
            "broadcasts": partial(self.office.broadcaster.run, self.deliveries),
            "retention": self.retention.run,
            "erasing": self.erasing.run,
        }

    async def take_over(self) -> None:
        """Others came or are gone: what those had in hand can be taken."""
        self._stores.inbox.ring()
        await self.meter.recover()

    async def reload(self) -> None:
        """An admin has asked another program to read the rules again."""
        try:
            changes = await asyncio.to_thread(self._rules.reload)
        except ConfigError as error:
            log.error("the settings have a fault, and nothing was changed: %s", error)  # noqa: TRY400
        else:
            log.info("the settings were read again; changed: %s", ", ".join(changes.applied) or "-")

    def metrics(self) -> list[web.RouteDef]:
        stores, forgotten = self._stores, self.dispatcher.forgotten
        boxes = stores.db, stores.inbox, stores.outbox
        doctor = Doctor(*boxes, self.line, self._service, self.deliveries, forgotten)
        section, host = self._settings.metrics, self._settings.web.host
        doors = [*self.deliveries, "api"]
        return metrics_routes(section, self._counts, doctor.look, host=host, doors=doors)

    def _make_deliveries(self, platforms: Sequence[Platform]) -> Deliveries:
        replica = self._replica
        return {
            platform.name: Delivery(
                platform,
                governor,
                self._counts,
                sure=replica.until_sure,
                share=lambda: replica.share,
            )
            for platform, governor in zip(platforms, self.governors, strict=True)
        }

    def _make_discretion(self) -> Discretion:
        cover, people = self._service.safety.covered, self._stores.people
        return Discretion(cover, people, self._rules, lambda text: command_of(text) is not None)

    def _make_office(self) -> Office:
        stores = self._stores
        return Office(
            stores.db,
            self._rules,
            stores.people,
            stores.ledger,
            stores.outbox,
            question_tokens=self._question_tokens,
            default_language=self._language,
            mask=self._service.safety.masked,
        )

    def _make_desk(self) -> Desk:
        return Desk(
            self._rules,
            self._stores.inbox,
            self._stores.history,
            self._stores.people,
            self._stores.ledger,
            self._stores.tickets,
            self._stores.knowledge,
            self._stores.outbox,
            self._stores.ratings,
            partial(self._intake.keep, language=self._language),
            self._language,
            self._intake.fetch_file,
            Reader(),
            self.office,
            make_rights(self._settings, self._stores, self.deliveries),
        )

    def _make_admission(self) -> Admission:
        return Admission(
            self.line,
            self._stores.inbox,
            self._stores.history,
            self._subjects,
            self.meter,
            self.deliveries,
            self._notices,
            self._settings.line,
            self._counts,
            most_tokens=self._question_tokens,
            default_language=self._language,
            clock=self._wall,
        )

    def _make_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            partial(decide, desk=self._desk),
            is_urgent,
            partial(meet, people=self._stores.people),
            self._stores.inbox,
            self._stores.history,
            self._intake,
            References(self._stores.inbox, self._stores.history, self._settings.photos),
            self.admission,
            self._notices,
            self.deliveries,
            self._settings.photos,
            self._counts,
            self._make_arrivals(),
        )

    def _make_arrivals(self) -> Arrivals:
        replica, deliveries = self._replica, self.deliveries

        def within_reach() -> list[str]:
            every = deliveries.items()
            return [
                name
                for name, delivery in every
                if replica.leads or not isinstance(delivery.platform, Single)
            ]

        claims = Claims(self._stores.db, platforms=within_reach, living=lambda: replica.living)
        return Arrivals(self._stores.inbox, claims, has_others=lambda: replica.has_others)

    def _make_workers(self) -> Workers:
        desk = self._desk
        prompter = Prompter(
            self._stores.history,
            self._intake,
            self._service,
            self._stores.knowledge,
            self._rules,
            self._settings.window,
            answer_tokens=self._settings.answers.max_tokens,
        )
        return Workers(
            self.line,
            self._stores.inbox,
            self._subjects,
            prompter,
            self._service,
            self.meter,
            self._make_endings(desk),
            self._settings.answers,
            buttons=partial(below, desk=desk),
            hint=partial(hint, desk=desk) if self._settings.cache.hint else None,
            at_once=self._settings.engine.max_sequences,
            max_attempts=self._settings.line.max_attempts,
            substitutes=Substitutes(
                self._subjects, prompter, self._service, partial(is_served, desk=desk)
            ),
        )

    def _make_meanwhile(self) -> Meanwhile:
        return Meanwhile(
            self.line,
            self.workers,
            self._stores.inbox,
            self._stores.people,
            self._rules,
            self._service.stats,
            wall=self._wall,
        )

    def _make_health(self, platforms: Sequence[Platform]) -> Health:
        return Health(
            self._settings.engine,
            self._stores.db,
            self.line,
            self._service,
            platforms,
            self._counts,
            troubles=self.alarms.troubles,
            replica=self._replica.tell,
        )

    def _make_endings(self, desk: Desk) -> Endings:
        history, look_after = self._stores.history, partial(after, desk)
        cover = self._service.safety.covered
        return Endings(history, self._subjects, self.meter, look_after, self._counts, cover=cover)

    def _make_api(self) -> Api:
        return Api(
            self._settings,
            self._stores,
            self._service,
            self.meter,
            self._rules,
            self.office.pauses,
            self.line,
            self._counts,
            health=self.health.tell,
        )

    def _make_alarms(self) -> Alarms:
        return Alarms(
            self._settings.alarms,
            self.deliveries,
            self._counts,
            self._stores.people,
            self._stores.outbox,
            self._rules,
            self._language,
            is_full=lambda: self._stores.db.room.is_short,
        )

    def _make_announcer(self) -> Announcer:
        return Announcer(
            self._stores.tickets,
            self._rules,
            self.deliveries,
            partial(summarise, service=self._service),
            self._language,
        )

    def _make_erasing(self) -> Erasing:
        entries, kept = self.dispatcher.in_hand, self.api.being_kept
        work = Work(self.line, self.admission, self.postman, entries, kept)
        return make_erasing(self._stores, work, self.deliveries, self._service, self._replica)
