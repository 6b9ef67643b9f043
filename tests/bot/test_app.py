from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from bot.api.server import CannotListen
from bot.app import Program, serve
from bot.config import Settings
from bot.replica import Replica
from bot.rules import Rules
from bot.storage.db import Database
from bot.storage.errors import AlreadyRunning
from bot.storage.inbox import Inbox
from bot.storage.photos import Photos
from bot.storage.replicas import Replicas
from bot.stores import Stores
from bot.texts import TEXTS
from bot.webpage import make_page
from inference.errors import ModelUnusable
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine, FakePlatform, an_event, cancelled
from tests.opened import waiting_in


class SlowEngine(FakeEngine):
    """Loads until `loaded` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded = asyncio.Event()
        self.fault: Exception | None = None

    async def start(self) -> None:
        await self.loaded.wait()
        if self.fault is not None:
            raise self.fault


class Failing:
    """A store of which one method fails."""

    def __init__(self, store, method):
        self._store, self._method = store, method

    def __getattr__(self, name):
        async def fail(*_, **__):
            raise ZeroDivisionError

        return fail if name == self._method else getattr(self._store, name)


class Run:
    """One run of the program over a fake platform and the real web page."""

    def __init__(self, folder, db, replica, failing=()):
        """`failing`: methods of stores that do, such as "inbox.arrived"."""
        self.db = db
        self.inbox = Inbox(db)
        self.engine = SlowEngine()
        self.platform = FakePlatform()
        self.reported: list[str] = []
        self.ready = asyncio.Event()
        settings = Settings(storage={"data_dir": folder}, web={"port": 0})
        stores = Stores.of(db, Photos(folder / "photos"))
        for store, _, method in (name.partition(".") for name in failing):
            stores = replace(stores, **{store: Failing(getattr(stores, store), method)})
        service = Service(self.engine, FakeDecoder())
        rules = Rules(settings.rules())
        web = make_page(settings, stores, service, rules)
        platforms = [web, self.platform]
        self.program = Program(settings, stores, service, platforms, rules, replica)
        self.task = asyncio.create_task(self.program.run(self.report))

    def report(self, lines):
        self.reported += lines
        self.ready.set()

    async def accept(self, *args, **event):
        await self.platform.until(lambda: self.platform.accept)
        await self.platform.accept(an_event(*args, **event))

    async def started(self):
        self.engine.loaded.set()
        await self.ready.wait()

    @property
    def url(self):
        [line] = [line for line in self.reported if line.startswith("Web page: ")]
        return line.removeprefix("Web page: ")


@asynccontextmanager
async def a_run(folder, failing=()):
    db = await Database.open(folder)
    replica = Replica(Replicas(db))
    await replica.enlist(folder)
    run = Run(folder, db, replica, failing)
    try:
        yield run
    finally:
        run.task.cancel()
        await asyncio.wait([run.task])
        await db.close()


@pytest.fixture
async def run(tmp_path):
    async with a_run(tmp_path) as run:
        yield run


def causes(error):
    if isinstance(error, BaseExceptionGroup):
        return [cause for one in error.exceptions for cause in causes(one)]
    return [error]


async def test_questions_are_accepted_while_the_model_loads_and_answered_then(run):
    await run.accept("q1", "why?")
    await run.platform.until(lambda: run.platform.texts("ann") == [TEXTS["looking"].en])

    await run.started()
    await run.platform.until(lambda: run.platform.texts("ann") == ["echo of why?"])


async def test_repeated_event_is_accepted_once(run):
    await run.started()
    for _ in range(2):
        await run.accept("q1", "/help")
    await run.accept("q2", "/start")
    await run.platform.until(lambda: len(run.platform.chats["ann"]) == 2)

    first, second = run.platform.texts("ann")
    assert first.startswith(TEXTS["help"].en)
    assert second == TEXTS["start"].en


async def test_what_is_on_and_off_is_reported_when_people_can_be_answered(run):
    await run.platform.until(lambda: run.platform.accept)
    assert run.reported == []

    await run.started()

    assert "Telegram: off, set VISIONBOT_TELEGRAM__TOKEN" in run.reported
    assert run.url.startswith("http://127.0.0.1:")


async def test_health_says_how_it_is(run):
    await run.started()

    async with aiohttp.ClientSession() as client, client.get(run.url + "health") as response:
        health = await response.json()

    assert response.status == 200
    assert health["status"] == "ok"
    assert health["uptime_seconds"] >= 0
    assert health["version"]
    assert health["engine"]["state"] == "up"
    assert health["engine"]["model"] == "demo"
    assert health["signs"]["commit_s"] >= 0
    assert health["signs"]["polls_s"] == {}  # nobody is polled here
    assert "loop_lag_p99_s" in health["signs"]


async def test_platform_that_fails_ends_the_program(tmp_path):
    """Row 16."""
    async with a_run(tmp_path) as run:

        async def fail(accept):
            raise ZeroDivisionError

        run.platform.run = fail
        await asyncio.wait([run.task])

        assert [type(cause) for cause in causes(run.task.exception())] == [ZeroDivisionError]


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param("inbox.arrived", id="dispatcher"),
        pytest.param("outbox.arrived", id="postman"),
        pytest.param("tickets.arrived", id="announcer"),
        pytest.param("ledger.recover", id="before all others"),
    ],
)
async def test_whatever_part_fails_ends_the_program(tmp_path, failing):
    """Row 16."""
    async with a_run(tmp_path, [failing]) as run:
        await asyncio.wait([run.task])

        assert [type(cause) for cause in causes(run.task.exception())] == [ZeroDivisionError]


async def test_part_that_ends_without_an_error_ends_the_program_too(tmp_path):
    """Row 16."""
    async with a_run(tmp_path) as run:

        async def end(accept):
            pass

        run.platform.run = end
        await asyncio.wait([run.task])

        [cause] = causes(run.task.exception())
        assert "test ended" in str(cause)


def parts():
    """The tasks that `_keep_up` keeps up, by name."""
    return {task.get_name(): task for task in asyncio.all_tasks() if is_kept_up(task)}


def is_kept_up(task):
    return task.get_coro().__qualname__ == "_keep_up.<locals>.endless"


def waits_for(task):
    """The future of the innermost task that it waits for; None: it runs."""
    waiter = task._fut_waiter
    while isinstance(waiter, asyncio.Task):
        waiter = waiter._fut_waiter
    return waiter


async def idle(task):
    """What it waits for when it has nothing to do; the database takes less long."""
    waiter = None
    while waiter is None or waiter is not waits_for(task):
        waiter = waits_for(task)
        await asyncio.sleep(0.05)
    return waiter


PARTS = [
    "web",
    "test",
    "loop lag",
    "database",
    "room on the disk",
    "replica",
    "dispatcher",
    "kept answers",
    "earlier answers",
    "blocked pictures",
    "letting go",
    "console",
    "postman",
    "announcer",
    "alarms",
    "reminders",
    "broadcasts",
    "retention",
    "erasing",
    "workers",
    "meanwhile",
    "signs of life",
]


async def test_each_part_that_is_kept_up_has_a_name_and_its_case_below(run):
    await run.started()

    assert sorted(parts()) == sorted(PARTS)


@pytest.mark.row(16)
@pytest.mark.parametrize(
    ("part", "how"), [*((part, "an error") for part in PARTS), ("workers", "a cut")]
)
async def test_row_16_a_part_into_which_a_fault_comes_from_outside_goes_on_or_ends_the_program(
    run, part, how
):
    await run.started()
    task = parts()[part]
    waiter = await idle(task)

    if how == "an error":
        waiter.set_exception(ZeroDivisionError())
    else:
        waiter.cancel()
    await asyncio.wait([waiter, run.task], return_when="FIRST_COMPLETED")
    going_on = asyncio.ensure_future(idle(task))
    await asyncio.wait([run.task, going_on], timeout=5, return_when="FIRST_COMPLETED")

    going_on.cancel()
    if not run.task.done():  # it went on, and asks for its work again
        assert not task.done()
        await run.accept("q1", "why?")
        await run.platform.until(lambda: run.platform.texts("ann") == ["echo of why?"])


async def test_model_that_cannot_be_loaded_ends_the_program(run):
    run.engine.fault = ModelUnusable("no such folder")
    run.engine.loaded.set()
    await asyncio.wait([run.task])

    assert [type(cause) for cause in causes(run.task.exception())] == [ModelUnusable]


async def test_end_leaves_the_running_answer_waiting_and_the_next_start_goes_on(tmp_path):
    """Row 14."""
    async with a_run(tmp_path) as run:
        run.engine.hold("why?")
        await run.started()
        await run.accept("q1", "why?")
        await run.platform.until(lambda: run.platform.texts("ann") == ["echo"])
        await cancelled(run.task)
        platform = run.platform
        assert (await run.inbox.backlog()).waiting == 1

    async with a_run(tmp_path) as again:
        again.platform.chats = platform.chats
        await again.started()
        await again.platform.until(lambda: platform.texts("ann") == ["echo of why?"])


async def test_message_being_sent_at_the_end_is_known_at_the_next_start(tmp_path):
    """Row 14: without this, it would stand there for ever."""
    async with a_run(tmp_path) as run:
        await run.started()
        run.platform.blocked["ann"] = asyncio.Event()
        await run.accept("q1", "why?")
        await run.platform.until(lambda: run.platform.under_way)

        run.task.cancel()
        await asyncio.sleep(0)
        assert run.platform.accept is not None  # its connections are still there
        run.platform.blocked["ann"].set()
        await asyncio.wait([run.task])

        [bubble] = run.platform.chats["ann"]
        assert run.platform.accept is None
        [entry] = await waiting_in(run.inbox)
        assert [one.message for one in await run.inbox.replies(entry.id)] == [bubble.id]


async def test_address_in_use_is_found_before_the_model_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(
            storage={"data_dir": tmp_path},
            web={"port": port},
            engine={"model": str(tmp_path)},  # no checkpoint there
        )

        with pytest.raises(CannotListen, match=str(port)):
            await serve(settings, on_ready=lambda _: None)


async def test_second_program_on_the_same_folder_is_refused(tmp_path):
    """Row 50."""
    first = await Database.open(tmp_path)
    try:
        with pytest.raises(AlreadyRunning):
            await serve(Settings(storage={"data_dir": tmp_path}), on_ready=lambda _: None)
    finally:
        await first.close()
