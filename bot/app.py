"""Wires the program, starts it and stops it in order; the only file that sees everything."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version

from aiohttp import web

from bot.admin.office import Office
from bot.answering.ending import Endings
from bot.api.server import serve_http
from bot.arriving.admission import Admission
from bot.arriving.meeting import meet
from bot.arriving.notices import Notices
from bot.arriving.references import References
from bot.arriving.subject import Subjects
from bot.config import Settings
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
from bot.platforms.web.adapter import WebPlatform
from bot.postman import Postman
from bot.prompt import Prompter
from bot.question import Question
from bot.rules import Rules
from bot.service.announcing import Announcer
from bot.service.reminders import Reminders
from bot.service.summary import summarise
from bot.storage.cursors import Cursors
from bot.storage.db import Database
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.knowledge import Knowledge
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.page import Page
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.tickets import Tickets
from bot.texts import Language
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


async def serve(settings: Settings, *, on_ready: Ready, rules: Rules | None = None) -> None:
    """Until cancelled: then what is being answered stays `waiting` for the next start.

    `on_ready` gets lines of what is on and what is off. `rules` can be read again while it runs;
    None: those of the settings, which cannot. Raises StorageError, CannotListen,
    ModelUnusable, and whatever ends a part of the program.
    """
    data_dir = settings.storage.data_dir
    async with AsyncExitStack() as stack:
        db = await Database.open(data_dir)
        stack.push_async_callback(db.close)
        photos = Photos(data_dir / "photos")
        service = build_service(settings.engine, settings.pictures)
        stack.push_async_callback(service.close)
        platforms: list[Platform] = []
        routes: list[web.RouteDef] = []
        await Page(db).forget_orphans()
        for platform in _platforms(settings, db, photos):
            platforms.append(platform)
            if isinstance(platform, Routed):
                routes += platform.routes()
        rules = rules or Rules(settings.rules())
        await Program(settings, db, photos, service, platforms, routes, rules).run(on_ready)


def _platforms(settings: Settings, db: Database, photos: Photos) -> Iterator[Platform]:
    if settings.web.enabled:
        most_mb = settings.pictures.max_file_mb
        yield WebPlatform(settings.web, Page(db), photos, max_photo_mb=most_mb)
    if settings.telegram.token:
        yield Telegram(settings.telegram, commands=_menu())
    if settings.matrix.homeserver:
        yield _matrix(settings, db)


def _matrix(settings: Settings, db: Database) -> Platform:
    try:
        from bot.platforms.matrix.adapter import Matrix  # the SDK is optional
    except ImportError as error:
        raise ConfigError(
            "[matrix] homeserver is set, but matrix-nio is not installed with its encryption;"
            ' run .venv/bin/pip install -c constraints.txt -e ".[matrix]"'
        ) from error
    return Matrix(settings.matrix, settings.storage.data_dir, Cursors(db), commands=COMMANDS)


def _menu() -> dict[str, list[tuple[str, str]]]:
    """The commands that everybody has; the empty language is for all others."""
    return {"": menu(COMMANDS, "en"), "zh": menu(COMMANDS, "zh")}


class Program:
    """One run: from open stores and parts that are made to the end of the last call."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        photos: Photos,
        service: Service,
        platforms: Sequence[Platform],
        routes: Sequence[web.RouteDef],
        rules: Rules,
    ) -> None:
        self._settings = settings
        self._service = service
        self._platforms = platforms
        self._routes = routes
        self._governors = [Governor() for _ in platforms]
        self._deliveries: Deliveries = {
            platform.name: Delivery(platform, governor)
            for platform, governor in zip(platforms, self._governors, strict=True)
        }
        self._inbox = Inbox(db)
        self._history = History(db)
        self._rules = rules
        self._people = People(db)
        self._ledger = Ledger(db)
        language = settings.answers.default_language
        self._meter = Meter(self._ledger, self._people, rules, default_language=language)
        self._knowledge = Knowledge(db)
        self._reader = Reader()
        self._outbox = Outbox(db)
        self._question_tokens = settings.answers.max_tokens + settings.window.max_tokens
        self._office = Office(
            db,
            self._rules,
            self._people,
            self._ledger,
            self._outbox,
            question_tokens=self._question_tokens,
        )
        self._postman = Postman(self._outbox, photos, self._deliveries)
        self._tickets = Tickets(db, self._outbox)
        self._ratings = Ratings(db)
        self._line: Line[Question] = Line(settings.line, workers=settings.engine.max_sequences)
        max_bytes = settings.pictures.limits().max_bytes
        self._intake = Intake(self._deliveries, service, photos, max_bytes=max_bytes)
        self._subjects = Subjects(self._history, self._intake)
        self._workers = self._make_workers()
        self._began = time.monotonic()
        self._status = "starting"

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
        if not self._routes:
            return None
        host, port = self._settings.web.host, self._settings.web.port
        serving = serve_http(self._routes, host=host, port=port, health=self._health)
        return await stack.enter_async_context(serving)

    async def _answer(self, group: asyncio.TaskGroup, on_ready: Ready, port: int | None) -> None:
        """People may ask from the beginning; they are answered when the model is loaded."""
        await self._meter.recover()
        _keep_up(group, "dispatcher", self._dispatcher().run)
        _keep_up(group, "postman", self._postman.run)
        _keep_up(group, "announcer", self._announcer().run)
        _keep_up(group, "reminders", self._reminders().run)
        broadcasts = partial(self._office.broadcaster.run, self._deliveries)
        _keep_up(group, "broadcasts", broadcasts)
        await self._service.start()
        _keep_up(group, "workers", self._workers.run)
        self._status = "ok"
        on_ready(self._report(port))
        await asyncio.Event().wait()

    def _dispatcher(self) -> Dispatcher:
        language = self._settings.answers.default_language
        notices = Notices(self._deliveries, clock=time.time)
        admission = Admission(
            self._line,
            self._inbox,
            self._history,
            self._subjects,
            self._meter,
            self._deliveries,
            notices,
            self._settings.line,
            most_tokens=self._question_tokens,
            default_language=language,
        )
        return Dispatcher(
            partial(decide, desk=self._desk(language)),
            is_urgent,
            partial(meet, people=self._people),
            self._inbox,
            self._history,
            self._intake,
            References(self._inbox, self._history, self._settings.photos),
            admission,
            notices,
            self._deliveries,
            self._settings.photos,
        )

    def _desk(self, language: Language) -> Desk:
        return Desk(
            self._rules,
            self._inbox,
            self._history,
            self._people,
            self._ledger,
            self._tickets,
            self._knowledge,
            self._outbox,
            self._ratings,
            partial(self._intake.keep, language=language),
            language,
            self._intake.fetch_file,
            self._reader,
            self._office,
        )

    def _announcer(self) -> Announcer:
        return Announcer(
            self._tickets,
            self._rules,
            self._deliveries,
            partial(summarise, service=self._service),
            self._settings.answers.default_language,
        )

    def _reminders(self) -> Reminders:
        return Reminders(self._tickets, self._rules, self._settings.answers.default_language)

    def _make_workers(self) -> Workers:
        desk = self._desk(self._settings.answers.default_language)
        prompter = Prompter(
            self._history,
            self._intake,
            self._service,
            self._knowledge,
            self._rules,
            self._settings.window,
            answer_tokens=self._settings.answers.max_tokens,
        )
        return Workers(
            self._line,
            self._inbox,
            self._subjects,
            prompter,
            self._service,
            self._meter,
            Endings(self._history, self._subjects, self._meter, partial(after, desk)),
            self._settings.answers,
            buttons=partial(below, desk=desk),
            at_once=self._settings.engine.max_sequences,
            max_attempts=self._settings.line.max_attempts,
        )

    async def _accept(self, event: Event) -> None:
        if event.group and self._rules.now.groups.window == "person":
            own = replace(event.conversation, person=event.person.id)
            event = replace(event, conversation=own)
        if not await self._inbox.accept(event):
            log.info("message %s came again", event.message)

    async def _end_calls(self) -> None:
        """What a platform has begun to do for us ends, so that we know what people see."""
        self._status = "stopping"
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_CALLS_S):
                await self._workers.forgive()
                for governor in self._governors:
                    await governor.drain()
        for governor in self._governors:
            governor.close()

    def _health(self) -> dict[str, object]:
        status, engine = self._status, self._service.stats()
        if status == "ok" and not engine.up:
            status = "engine down"
        section = self._settings.engine
        model = section.model if section.kind == "local" else engine.model  # without its path
        return {
            "ok": status == "ok",
            "status": status,
            "version": version("visionbot"),
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "waiting": len(self._line),
            "answering": self._line.busy,
            "engine": asdict(engine) | {"model": model, "hit_rate": engine.hit_rate},
        }

    def _report(self, port: int | None) -> list[str]:
        settings = self._settings
        host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
        page = f"http://{host}:{port}/" if settings.web.enabled else "off"
        telegram = "on" if settings.telegram.token else "off, set VISIONBOT_TELEGRAM__TOKEN"
        return [
            f"Model: {settings.engine.title}",
            f"Data: {settings.storage.data_dir}",
            f"Web page: {page}",
            f"Telegram: {telegram}",
            f"Matrix: {settings.matrix.user if settings.matrix.homeserver else 'off'}",
        ]


def _keep_up(group: asyncio.TaskGroup, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """A part that ends, for whatever reason, ends the program."""

    async def endless() -> None:
        await work()
        raise RuntimeError(f"{name} ended, which it never should")

    group.create_task(endless(), name=name)
