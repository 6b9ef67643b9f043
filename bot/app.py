"""Starts the program and stops it, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

from bot.api.auth import check_exposure
from bot.api.build import build_extras
from bot.api.server import serve_http
from bot.channels import channels
from bot.config import Settings
from bot.event import Event
from bot.inferring import make_service
from bot.platforms.base import Platform, Routed, Single
from bot.replica import Replica
from bot.rules import Rules
from bot.storage.db import Database
from bot.storage.errors import StorageError
from bot.storage.photos import Photos
from bot.storage.replicas import Replicas
from bot.stores import Stores
from bot.watching.counts import Counts
from bot.watching.lag import watch_loop
from bot.watching.started import what_is_on
from bot.watching.systemd import Pulse, Systemd
from bot.wiring import Parts
from handlers import COMMANDS
from handlers.commands import menu
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
        db = await Database.open(data_dir, settings.storage.url)
        stack.push_async_callback(db.close)
        await asyncio.to_thread(db.room.look)
        stores = Stores.of(db, Photos(settings.storage.photos, db.room))
        await check_exposure(settings.api, stores.keys, settings.web.host)
        counts = Counts()
        rules = rules or Rules(settings.rules())
        service = make_service(settings, stores, rules, counts)
        stack.push_async_callback(service.close)
        await stores.blocked.refresh()  # before anybody can send one of them
        replica = Replica(Replicas(db))
        await replica.enlist(data_dir)
        stack.push_async_callback(replica.leave)
        if not replica.has_others:  # one of them may be about to write such a message on
            await stores.page.forget_orphans()
        platforms = list(
            channels(
                *(settings, stores, service, rules),
                until_leading=replica.until_leading,
                commands=COMMANDS,
                menu=_menu(),
            )
        )
        program = Program(
            *(settings, stores, service, platforms, rules, replica), systemd=systemd, counts=counts
        )
        await program.run(on_ready)


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
        rules: Rules,
        replica: Replica,
        *,
        systemd: Systemd | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._settings = settings
        self._counts = counts = counts or Counts()
        self._systemd = systemd or Systemd()
        self._stores = stores
        self._service = service
        self._platforms = platforms
        routed = (platform for platform in platforms if isinstance(platform, Routed))
        self._routes = [route for platform in routed for route in platform.routes()]
        self._rules = rules
        self._replica = replica
        self._parts = Parts(settings, stores, service, platforms, rules, counts, replica)

    async def run(self, on_ready: Ready) -> None:
        """Stops those who answer before those who carry the answers to people."""
        async with AsyncExitStack() as stack:
            port = await self._listen(stack)
            async with asyncio.TaskGroup() as outside:
                for platform in self._platforms:
                    receive = partial(platform.run, self._accept)
                    if isinstance(platform, Single):
                        receive = partial(self._replica.when_leading, receive)
                    _keep_up(outside, platform.name, receive)
                async with asyncio.TaskGroup() as inside:
                    try:
                        await self._answer(inside, on_ready, port)
                    except asyncio.CancelledError:
                        await self._end_calls()
                        raise

    async def _listen(self, stack: AsyncExitStack) -> int | None:
        """None: nobody comes to us, we go to the platforms."""
        metrics = self._parts.metrics()
        if not (self._routes or metrics or self._settings.api.enabled):
            return None
        host, port = self._settings.web.host, self._settings.web.port
        routes = [*self._routes, *self._parts.api.routes(), *self._parts.console.routes(), *metrics]
        serving = serve_http(
            routes,
            host=host,
            port=port,
            health=self._parts.health.tell,
            counts=self._counts,
            extras=build_extras(self._settings),
        )
        return await stack.enter_async_context(serving)

    async def _answer(self, group: asyncio.TaskGroup, on_ready: Ready, port: int | None) -> None:
        """People may ask from the beginning; they are answered when the model is loaded."""
        await self._parts.meter.recover()
        _keep_up(group, "loop lag", partial(watch_loop, self._counts))
        _keep_up(group, "database", self._stores.db.until_broken)
        _keep_up(group, "room on the disk", self._stores.db.room.watch)
        beating = partial(
            self._replica.run, changed=self._parts.take_over, reload=self._parts.reload
        )
        _keep_up(group, "replica", beating)
        _keep_up(group, "dispatcher", self._parts.dispatcher.run)
        _keep_up(group, "kept answers", self._parts.api.run)
        _keep_up(group, "earlier answers", self._keep_answers)
        _keep_up(group, "blocked pictures", self._stores.blocked.run)
        _keep_up(group, "letting go", self._parts.erasing.let_go)
        _keep_up(group, "console", self._parts.console.run)
        _keep_up(group, "alarms", self._parts.alarms.run)
        for name, work in self._parts.led().items():
            _keep_up(group, name, partial(self._replica.when_leading, work))
        started = asyncio.Event()
        _keep_up(group, "workers", partial(self._parts.workers.run, started.wait))
        _keep_up(group, "meanwhile", self._parts.meanwhile.run)
        await self._service.start()
        started.set()
        self._parts.api.open()
        self._parts.health.status = "ok"
        self._systemd.tell("READY=1")
        _keep_up(group, "signs of life", partial(self._systemd.feed, self._pulse().beats))
        on_ready(what_is_on(self._settings, port))
        await asyncio.Event().wait()

    async def _keep_answers(self) -> None:
        section = self._settings.cache
        most = section.max_mb << 20 if section.answers else 0
        await self._stores.answers.run(max_age_s=section.max_age_s, max_bytes=most)

    def _pulse(self) -> Pulse:
        return Pulse(self._service.stats, patience_s=3 * self._settings.engine.step_timeout_s)

    async def _accept(self, event: Event) -> None:
        if event.group and self._rules.now.groups.window == "person":
            own = replace(event.conversation, person=event.person.id)
            event = replace(event, conversation=own)
        here = self._parts.deliveries[event.conversation.platform].limits(event.conversation)
        is_new = await self._stores.inbox.accept(
            await self._parts.discretion.of(event), here=here.kept_by_us
        )
        self._counts.event(event.conversation.platform, is_new=is_new)
        if not is_new:
            log.info("message %s came again", event.message)

    async def _end_calls(self) -> None:
        """What a platform has begun to do for us ends, so that we know what people see."""
        self._parts.health.status = "stopping"
        self._systemd.tell("STOPPING=1")
        await self._parts.api.close(_LAST_CALLS_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_CALLS_S):
                with suppress(StorageError):  # then an attempt under way counts
                    await self._parts.workers.forgive()
                for governor in self._parts.governors:
                    await governor.drain()
        for governor in self._parts.governors:
            governor.close()


def _keep_up(group: asyncio.TaskGroup, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """A part that ends, for whatever reason, ends the program."""

    async def endless() -> None:
        try:
            await work()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # something within was cancelled by others; a group would take that for a good end
            raise RuntimeError(f"{name} was cut off") from error
        raise RuntimeError(f"{name} ended, which it never should")

    group.create_task(endless(), name=name)
