"""Wires the program, starts it and stops it in order; the only file that sees everything."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

from aiohttp import web

from bot.admin.office import Office
from bot.answering.ending import Endings
from bot.api.auth import check_exposure
from bot.api.build import build_extras
from bot.api.server import serve_http
from bot.api.site import Api
from bot.arriving.admission import Admission
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
from bot.errors import ConfigError
from bot.event import Event
from bot.intake import Deliveries, Intake
from bot.line import Line
from bot.metering import Meter
from bot.pacing import Governor
from bot.platforms.base import Platform, Routed
from bot.platforms.telegram.adapter import Telegram
from bot.postman import Postman
from bot.prompt import Prompter
from bot.question import Question
from bot.rules import Rules
from bot.service.announcing import Announcer
from bot.service.reminders import Reminders
from bot.service.summary import summarise
from bot.storage.cursors import Cursors
from bot.storage.db import Database
from bot.storage.photos import Photos
from bot.stores import Stores
from bot.texts import Language
from bot.watching.counts import Counts
from bot.watching.health import Health
from bot.watching.lag import watch_loop
from bot.watching.metrics import metrics_routes
from bot.watching.started import what_is_on
from bot.watching.systemd import Pulse, Systemd
from bot.watching.vitals import Doctor
from bot.webpage import make_page
from bot.worker import Workers
from handlers import COMMANDS, decide, is_urgent
from handlers.buttons import below
from handlers.calling import after
from handlers.commands import menu
from handlers.desk import Desk
from inference.build import build_service
from inference.service import Service

log = logging.getLogger(__name__)

Ready = Callable[[Sequence[str]], None]

_LAST_CALLS_S = 2.0  # for sends and edits under way when the program ends


async def serve(
    settings: Settings,
    *,
    on_ready: Ready,
    rules: Rules | None = None,
    systemd: Systemd | None = None,
) -> None:
    """Until cancelled: then what is being answered stays `waiting` for the next start.

    `on_ready` gets lines of what is on and what is off. `rules` can be read again while it runs;
    None: those of the settings, which cannot. `systemd`: whom it tells how it fares; None: nobody.
    Raises StorageError, CannotListen, ModelUnusable, and whatever ends a part of the program.
    """
    data_dir = settings.storage.data_dir
    async with AsyncExitStack() as stack:
        db = await Database.open(data_dir)
        stack.push_async_callback(db.close)
        stores = Stores.of(db, Photos(data_dir / "photos"))
        await check_exposure(settings.api, stores.keys, settings.web.host)
        counts = Counts()
        service = build_service(settings.engine, settings.pictures, prepared=counts.picture)
        stack.push_async_callback(service.close)
        platforms: list[Platform] = []
        routes: list[web.RouteDef] = []
        await stores.page.forget_orphans()
        rules = rules or Rules(settings.rules())
        for platform in _platforms(settings, stores, service, rules):
            platforms.append(platform)
            if isinstance(platform, Routed):
                routes += platform.routes()
        program = Program(settings, stores, service, platforms, routes, rules, systemd, counts)
        await program.run(on_ready)


def _platforms(
    settings: Settings, stores: Stores, service: Service, rules: Rules
) -> Iterator[Platform]:
    if settings.web.enabled:
        yield make_page(settings, stores, service, rules)
    if settings.telegram.token:
        yield Telegram(settings.telegram, commands=_menu())
    if settings.matrix.homeserver:
        yield _matrix(settings, stores.cursors)


def _matrix(settings: Settings, cursors: Cursors) -> Platform:
    try:
        from bot.platforms.matrix.adapter import Matrix  # the SDK is optional
    except ImportError as error:
        raise ConfigError(
            "[matrix] homeserver is set, but matrix-nio is not installed with its encryption;"
            ' run .venv/bin/pip install -c constraints.txt -e ".[matrix]"'
        ) from error
    return Matrix(settings.matrix, settings.storage.data_dir, cursors, commands=COMMANDS)


def _menu() -> dict[str, list[tuple[str, str]]]:
    """The commands that everybody has; the empty language is for all others."""
    return {"": menu(COMMANDS, "en"), "zh": menu(COMMANDS, "zh")}


class Program:
    """One run: from open stores and parts that are made to the end of the last call."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        service: Service,
        platforms: Sequence[Platform],
        routes: Sequence[web.RouteDef],
        rules: Rules,
        systemd: Systemd | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._settings = settings
        self._counts = counts = counts or Counts()
        self._systemd = systemd or Systemd()
        self._stores = stores
        self._service = service
        self._platforms = platforms
        self._routes = routes
        self._governors = [Governor() for _ in platforms]
        self._deliveries: Deliveries = {
            platform.name: Delivery(platform, governor, counts)
            for platform, governor in zip(platforms, self._governors, strict=True)
        }
        self._rules = rules
        language = settings.answers.default_language
        self._meter = Meter(stores.ledger, stores.people, rules, default_language=language)
        self._reader = Reader()
        self._question_tokens = settings.answers.max_tokens + settings.window.max_tokens
        self._office = Office(
            stores.db,
            self._rules,
            self._stores.people,
            self._stores.ledger,
            self._stores.outbox,
            question_tokens=self._question_tokens,
        )
        self._postman = Postman(stores.outbox, stores.photos, self._deliveries)
        self._line: Line[Question | Call] = Line(
            settings.line, workers=settings.engine.max_sequences
        )
        max_bytes = settings.pictures.limits().max_bytes
        self._intake = Intake(self._deliveries, service, stores.photos, max_bytes=max_bytes)
        self._subjects = Subjects(stores.history, self._intake)
        self._health = Health(settings.engine, stores.db, self._line, service, platforms, counts)
        self._dispatcher = self._make_dispatcher()
        self._workers = self._make_workers()
        self._console = build_console(
            settings, stores, self._office, rules, self._line, service, counts, self._health.tell
        )
        self._api = Api(
            settings,
            stores,
            service,
            self._meter,
            rules,
            self._office.pauses,
            self._line,
            counts,
            health=self._health.tell,
        )

    async def run(self, on_ready: Ready) -> None:
        """Stops those who answer before those who carry the answers to people."""
        async with AsyncExitStack() as stack:
            port = await self._listen(stack)
            async with asyncio.TaskGroup() as outside:
                for platform in self._platforms:
                    _keep_up(outside, platform.name, partial(platform.run, self._accept))
                async with asyncio.TaskGroup() as inside:
                    try:
                        await self._answer(inside, on_ready, port)
                    except asyncio.CancelledError:
                        await self._end_calls()
                        raise

    async def _listen(self, stack: AsyncExitStack) -> int | None:
        """None: nobody comes to us, we go to the platforms."""
        metrics = self._metrics()
        if not (self._routes or metrics or self._settings.api.enabled):
            return None
        host, port = self._settings.web.host, self._settings.web.port
        routes = [*self._routes, *self._api.routes(), *self._console.routes(), *metrics]
        serving = serve_http(
            routes,
            host=host,
            port=port,
            health=self._health.tell,
            counts=self._counts,
            extras=build_extras(self._settings),
        )
        return await stack.enter_async_context(serving)

    def _metrics(self) -> list[web.RouteDef]:
        stores, forgotten = self._stores, self._dispatcher.forgotten
        boxes = stores.db, stores.inbox, stores.outbox
        doctor = Doctor(*boxes, self._line, self._service, self._deliveries, forgotten)
        section, host = self._settings.metrics, self._settings.web.host
        doors = [*self._deliveries, "api"]
        return metrics_routes(section, self._counts, doctor.look, host=host, doors=doors)

    async def _answer(self, group: asyncio.TaskGroup, on_ready: Ready, port: int | None) -> None:
        """People may ask from the beginning; they are answered when the model is loaded."""
        await self._meter.recover()
        _keep_up(group, "loop lag", partial(watch_loop, self._counts))
        _keep_up(group, "dispatcher", self._dispatcher.run)
        _keep_up(group, "postman", self._postman.run)
        _keep_up(group, "kept answers", self._api.run)
        _keep_up(group, "announcer", self._announcer().run)
        _keep_up(group, "reminders", self._reminders().run)
        broadcasts = partial(self._office.broadcaster.run, self._deliveries)
        _keep_up(group, "broadcasts", broadcasts)
        _keep_up(group, "console", self._console.run)
        await self._service.start()
        _keep_up(group, "workers", self._workers.run)
        self._api.open()
        self._health.status = "ok"
        self._systemd.tell("READY=1")
        _keep_up(group, "signs of life", partial(self._systemd.feed, self._pulse().beats))
        on_ready(what_is_on(self._settings, port))
        await asyncio.Event().wait()

    def _pulse(self) -> Pulse:
        return Pulse(self._service.stats, patience_s=3 * self._settings.engine.step_timeout_s)

    def _make_dispatcher(self) -> Dispatcher:
        language = self._settings.answers.default_language
        notices = Notices(self._deliveries, clock=time.time)
        admission = Admission(
            self._line,
            self._stores.inbox,
            self._stores.history,
            self._subjects,
            self._meter,
            self._deliveries,
            notices,
            self._settings.line,
            self._counts,
            most_tokens=self._question_tokens,
            default_language=language,
        )
        return Dispatcher(
            partial(decide, desk=self._desk(language)),
            is_urgent,
            partial(meet, people=self._stores.people),
            self._stores.inbox,
            self._stores.history,
            self._intake,
            References(self._stores.inbox, self._stores.history, self._settings.photos),
            admission,
            notices,
            self._deliveries,
            self._settings.photos,
            self._counts,
        )

    def _desk(self, language: Language) -> Desk:
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
            partial(self._intake.keep, language=language),
            language,
            self._intake.fetch_file,
            self._reader,
            self._office,
        )

    def _announcer(self) -> Announcer:
        return Announcer(
            self._stores.tickets,
            self._rules,
            self._deliveries,
            partial(summarise, service=self._service),
            self._settings.answers.default_language,
        )

    def _reminders(self) -> Reminders:
        return Reminders(self._stores.tickets, self._rules, self._settings.answers.default_language)

    def _make_workers(self) -> Workers:
        desk = self._desk(self._settings.answers.default_language)
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
            self._line,
            self._stores.inbox,
            self._subjects,
            prompter,
            self._service,
            self._meter,
            self._make_endings(desk),
            self._settings.answers,
            buttons=partial(below, desk=desk),
            at_once=self._settings.engine.max_sequences,
            max_attempts=self._settings.line.max_attempts,
        )

    def _make_endings(self, desk: Desk) -> Endings:
        history, look_after = self._stores.history, partial(after, desk)
        return Endings(history, self._subjects, self._meter, look_after, self._counts)

    async def _accept(self, event: Event) -> None:
        if event.group and self._rules.now.groups.window == "person":
            own = replace(event.conversation, person=event.person.id)
            event = replace(event, conversation=own)
        is_new = await self._stores.inbox.accept(event)
        self._counts.event(event.conversation.platform, is_new=is_new)
        if not is_new:
            log.info("message %s came again", event.message)

    async def _end_calls(self) -> None:
        """What a platform has begun to do for us ends, so that we know what people see."""
        self._health.status = "stopping"
        self._systemd.tell("STOPPING=1")
        await self._api.close(_LAST_CALLS_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_CALLS_S):
                await self._workers.forgive()
                for governor in self._governors:
                    await governor.drain()
        for governor in self._governors:
            governor.close()


def _keep_up(group: asyncio.TaskGroup, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """A part that ends, for whatever reason, ends the program."""

    async def endless() -> None:
        await work()
        raise RuntimeError(f"{name} ended, which it never should")

    group.create_task(endless(), name=name)
