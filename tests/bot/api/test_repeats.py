"""Idempotency-Key: a request that is repeated gets what the first one got, and never runs twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.api.caller import Caller
from bot.api.errors import FAULTS, ApiError
from bot.api.repeats import Repeats
from bot.storage.db import Database
from bot.storage.repeats import KeptAnswers
from bot.storage.replicas import Replicas
from bot.storage.tables import repeats as table
from bot.storage.tables import under_way
from tests.fakes import cancelled, settle
from tests.postgres import Cluster

APP, OTHER = Caller("k_1"), Caller("k_2")
DAY_S = 86_400.0


class Desk:
    """Each request is answered with its number, if it is answered at all."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = 1_000_000.0
        self.kept = KeptAnswers(db, clock=lambda: self.now)
        self.repeats = Repeats(self.kept)
        self.answered = 0
        self.hold: asyncio.Event | None = None

    async def ask(
        self, key: str | None = "key", body: bytes = b"{}", caller: Caller = APP
    ) -> tuple[str, bool]:
        """The answer, and whether it was given before."""
        async with self.repeats.once(caller, key, body) as repeat:
            if repeat.answer is not None:
                return repeat.answer, True
            if self.hold is not None:
                await self.hold.wait()
            self.answered += 1
            repeat.keep(str(self.answered))
            return str(self.answered), False

    async def fail(self, key: str, error: BaseException) -> None:
        async with self.repeats.once(APP, key, b"{}"):
            raise error

    async def restart(self) -> None:
        self.repeats = Repeats(KeptAnswers(self.db, clock=lambda: self.now))

    async def rows(self) -> int:
        async with self.db.read() as connection:
            counted = await connection.execute(select(func.count()).select_from(table))
            return counted.scalar_one()

    async def kept_by_whom(self) -> list[int]:
        async with self.db.read() as connection:
            return list((await connection.execute(select(under_way.c.replica))).scalars())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    db = await Database.open(tmp_path)
    yield Desk(db)
    await db.close()


async def fault_of(desk: Desk, key: str, body: bytes = b"{}") -> tuple[str, int, float | None]:
    with pytest.raises(ApiError) as caught:
        await desk.ask(key, body)
    error = caught.value
    assert "{" not in error.said("zh") + error.said("en")
    return error.fault, FAULTS[error.fault].status, error.retry_after_s


@pytest.mark.row(59)
async def test_a_repeated_request_gets_the_first_answer(desk: Desk) -> None:
    assert [await desk.ask() for _ in range(3)] == [("1", False), ("1", True), ("1", True)]


async def test_who_goes_when_the_answer_is_whole_gets_it_when_coming_again(desk: Desk) -> None:
    with suppress(ConnectionResetError):
        async with desk.repeats.once(APP, "key", b"{}") as repeat:
            repeat.keep("whole")
            raise ConnectionResetError

    assert await desk.ask("key") == ("whole", True)


async def test_without_a_key_every_request_is_new(desk: Desk) -> None:
    assert [await desk.ask(None) for _ in range(2)] == [("1", False), ("2", False)]
    assert await desk.rows() == 0


async def test_the_answer_is_there_after_a_restart_and_for_a_day(desk: Desk) -> None:
    await desk.ask()
    await desk.restart()

    desk.now += DAY_S - 1
    within = await desk.ask()
    desk.now += 2
    beyond = await desk.ask()

    assert (within, beyond) == (("1", True), ("2", False))
    assert await desk.ask() == ("2", True)


@pytest.mark.row(59)
async def test_a_key_belongs_to_whoever_sent_it(desk: Desk) -> None:
    assert [await desk.ask(caller=caller) for caller in (APP, OTHER)] == [
        ("1", False),
        ("2", False),
    ]


@pytest.mark.row(59)
async def test_the_key_of_another_request_is_refused(desk: Desk) -> None:
    await desk.ask(body=b'{"a": 1}')

    assert await fault_of(desk, "key", b'{"a": 2}') == ("api_repeat_other", 422, None)


async def test_what_is_still_being_answered_is_to_be_asked_again_soon(desk: Desk) -> None:
    desk.hold = asyncio.Event()
    first = asyncio.ensure_future(desk.ask())
    await settle()
    same, other = await fault_of(desk, "key"), await fault_of(desk, "key", b"other")
    desk.hold.set()
    answer = await first

    assert same == ("api_repeat_running", 409, 1.0)
    assert other[0] == "api_repeat_other"
    assert (answer, await desk.ask()) == (("1", False), ("1", True))


@pytest.mark.parametrize("error", [ApiError("api_engine_down"), ZeroDivisionError()], ids=repr)
async def test_what_failed_is_tried_anew(desk: Desk, error: Exception) -> None:
    with pytest.raises(type(error)):
        await desk.fail("key", error)

    assert await desk.ask() == ("1", False)


async def test_what_broke_off_with_the_connection_is_tried_anew(desk: Desk) -> None:
    desk.hold = asyncio.Event()
    first = asyncio.ensure_future(desk.ask())
    await settle()
    await cancelled(first)
    desk.hold = None

    assert await desk.ask() == ("1", False)


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\nb", "\udcff"])
async def test_what_is_no_key_is_refused_with_what_one_is(desk: Desk, key: str) -> None:
    assert (await fault_of(desk, key))[:2] == ("api_repeat_no_key", 400)


async def test_an_answer_that_is_too_long_to_keep_is_given_all_the_same(desk: Desk) -> None:
    async with desk.repeats.once(APP, "key", b"{}") as repeat:
        repeat.keep("x" * (2**20 + 1))

    assert await desk.rows() == 0


async def test_any_words_of_the_model_can_be_kept(desk: Desk) -> None:
    async with desk.repeats.once(APP, "key", b"{}") as repeat:
        repeat.keep("图\0片 \ud800")
    async with desk.repeats.once(APP, "key", b"{}") as again:
        answer = again.answer

    assert answer == "图\ufffd片 \ufffd"


async def test_of_one_caller_only_the_newest_answers_are_kept(desk: Desk) -> None:
    few = KeptAnswers(desk.db, most_of_one=3)

    for number in range(5):
        await few.put("api:k_1", f"key {number}", "request", "answer")
    await few.put("api:k_2", "key 0", "request", "answer")

    found = [await few.find("api:k_1", f"key {number}") for number in range(5)]
    assert [one is not None for one in found] == [False, False, True, True, True]
    assert await few.find("api:k_2", "key 0") is not None


async def test_what_is_too_old_and_what_is_too_much_goes(desk: Desk) -> None:
    small = KeptAnswers(desk.db, clock=lambda: desk.now, most_characters=25)
    await small.put("api:k_1", "old", "request", "x" * 10)
    desk.now += DAY_S
    for number in range(3):
        await small.put("api:k_1", f"key {number}", "request", "x" * 10)

    gone = await small.purge()

    assert gone == 2
    assert await small.find("api:k_1", "key 0") is None
    assert await small.find("api:k_1", "key 2") is not None


async def test_the_key_itself_is_not_kept(desk: Desk) -> None:
    await desk.ask("order of Ann Example")

    async with desk.db.read() as connection:
        row = (await connection.execute(select(table))).one()
    assert "Ann" not in str(tuple(row))


async def test_what_another_program_is_answering_is_not_answered_twice(
    postgres: Cluster, tmp_path: Path
) -> None:
    url = postgres.url(await postgres.fresh())
    desks = []
    for home in ("one", "other"):
        desks.append(Desk(await Database.open(tmp_path / home, url)))
        await Replicas(desks[-1].db).enlist(home)
    one, other = desks
    one.hold = asyncio.Event()
    first = asyncio.create_task(one.ask())
    while not await one.kept_by_whom():  # noqa: ASYNC110  (the database tells nobody)
        await asyncio.sleep(0)

    same, different = await fault_of(other, "key"), await fault_of(other, "key", b"[]")
    one.hold.set()

    assert (same[0], different[0]) == ("api_repeat_running", "api_repeat_other")
    assert await first == ("1", False)
    assert await other.ask() == ("1", True)
    for desk in desks:
        await desk.db.close()
