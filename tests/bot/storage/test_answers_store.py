from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bot.storage.answers import EarlierAnswers
from bot.storage.db import Database
from bot.storage.erasing.doomed import Doomed
from bot.storage.forgetting import Forgetting
from bot.storage.photos import Photos
from inference.earlier.kept import Kept
from inference.request import KeptAs, ToolCall, Usage

DAY_S = 86_400.0


class Now:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def store(db: Database, now: Now) -> EarlierAnswers:
    return EarlierAnswers(db, clock=now)


def kept(key: str = "k", text: str = "red", owner: str = "test:ann", **rest: object) -> Kept:
    values = {"at": 1000.0} | rest
    return Kept(KeptAs(key, "glm 1"), text, "stop", Usage(3, 2, 1), owner, **values)  # type: ignore[arg-type]


async def keep(store: EarlierAnswers, *answers: Kept) -> None:
    for answer in answers:
        store.put(answer)
    await store.write()


async def rows(db: Database, table: str) -> int:
    async with db.read() as connection:
        return (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()


async def test_an_answer_comes_back_as_it_was_kept(store: EarlierAnswers) -> None:
    whole = Kept(
        KeptAs("k", "glm 1", "q", bytes(range(32))),
        "红色\ud800",
        "tool_calls",
        Usage(3, 2, 1),
        "test:ann",
        1000.0,
        "hm",
        (ToolCall("c1", "look", '{"at": "左"}'),),
    )

    await keep(store, whole)

    found = await store.find("k")
    assert found is not None
    assert found == Kept(whole.kept_as, "红色\ufffd", *_after_text(whole))
    assert await store.find("other") is None


def _after_text(answer: Kept) -> tuple[object, ...]:
    return (
        answer.finish,
        answer.usage,
        answer.owner,
        answer.at,
        answer.reasoning,
        answer.calls,
    )


async def test_what_waits_to_be_written_is_found_already(
    store: EarlierAnswers, db: Database
) -> None:
    store.put(kept(text="red"))
    store.put(kept(text="blue"))

    found = await store.find("k")

    assert found is not None
    assert found.text == "blue"
    assert await rows(db, "answers") == 0


async def test_a_new_answer_takes_the_place_of_the_one_before(
    store: EarlierAnswers, db: Database
) -> None:
    await keep(store, kept(text="red", sources=("a" * 64,)))
    await keep(store, kept(text="blue", sources=("b" * 64,)))

    found = await store.find("k")

    assert found is not None
    assert found.text == "blue"
    assert (await rows(db, "answers"), await rows(db, "answer_photos")) == (1, 1)


async def test_what_was_not_used_for_longest_goes_first(store: EarlierAnswers, now: Now) -> None:
    for key in "abc":
        now.s += 10
        await keep(store, kept(key, "x" * 10_000, at=now.s))
    now.s += 10
    store.touch("a")
    await store.write()

    gone = await store.clean(lasts_s=DAY_S, max_bytes=25_000)

    assert gone == 1
    assert [key for key in "abc" if await store.find(key)] == ["a", "c"]


async def test_what_is_too_old_goes_however_much_it_was_used(
    store: EarlierAnswers, now: Now
) -> None:
    await keep(store, kept("old", at=now.s), kept("new", at=now.s + DAY_S))
    now.s += DAY_S
    store.touch("old")
    await store.write()

    await store.clean(lasts_s=DAY_S, max_bytes=10**9)

    assert await store.find("old") is None
    assert await store.find("new") is not None


async def test_switched_off_all_that_was_kept_goes(store: EarlierAnswers, db: Database) -> None:
    await keep(store, kept(sources=("a" * 64,)))

    await store.clean(lasts_s=DAY_S, max_bytes=0)

    assert (await rows(db, "answers"), await rows(db, "answer_photos")) == (0, 0)


async def test_who_is_forgotten_leaves_no_answer_whether_written_or_not(
    store: EarlierAnswers, db: Database
) -> None:
    theirs = ["api:k_1", "api:k_1:user", "api:k_1:a:b"]
    others = ["api:k_10", "api:k_", "web:api:k_1"]
    await keep(store, *(kept(owner, owner=owner) for owner in [*theirs, *others]))
    store.put(kept("late", owner="api:k_1"))

    async with db.write() as transaction:
        await store.forget_with(transaction, "api:k_1")
    await store.write()

    left = [key for key in [*theirs, *others, "late"] if await store.find(key)]
    assert left == others


async def test_with_a_forgotten_photo_go_all_answers_about_it(
    store: EarlierAnswers, db: Database, tmp_path: Path
) -> None:
    a, b = "a" * 64, "b" * 64
    await keep(store, kept("one", sources=(a,)), kept("both", sources=(a, b)))
    await keep(store, kept("other", sources=(b,)), kept("none"))
    doomed = Doomed(db, Photos(tmp_path / "photos"))

    async with db.write() as transaction:
        await doomed.doom_with(transaction, [a])
    await doomed.sweep_now()

    found = [key for key in ("one", "both", "other", "none") if await store.find(key)]
    assert found == ["other", "none"]


async def test_who_deletes_their_talk_on_the_page_leaves_no_answer(
    store: EarlierAnswers, db: Database, tmp_path: Path
) -> None:
    await keep(store, kept("li", owner="web:li"), kept("liu", owner="web:liu"))

    await Forgetting(db, Photos(tmp_path / "photos")).forget_all("li")

    assert [key for key in ("li", "liu") if await store.find(key)] == ["liu"]


async def test_what_is_older_than_people_want_goes(store: EarlierAnswers, db: Database) -> None:
    await keep(store, kept("old", at=5.0), kept("new", at=50.0))

    async with db.write() as transaction:
        gone = await store.forget_before_with(transaction, 50.0)

    assert gone == 1
    assert await store.find("new") is not None


async def test_one_gets_ones_own_answers_by_their_number_alone(store: EarlierAnswers) -> None:
    await keep(store, kept())

    assert await store.get(1, "test:ann") is not None
    assert await store.get(1, "test:bob") is None
    assert await store.get(2, "test:ann") is None


async def test_answers_to_a_question_come_newest_first_and_only_with_a_likeness(
    store: EarlierAnswers,
) -> None:
    for number, looks in enumerate((b"\1" * 32, b"", b"\3" * 32)):
        as_ = KeptAs(str(number), "glm", "q", looks)
        await keep(store, Kept(as_, "x", "stop", Usage(1, 1), "test:ann", 10.0 + number))

    found = await store.asked("q")

    assert [(one.number, one.likeness, one.at) for one in found] == [
        (3, b"\3" * 32, 12.0),
        (1, b"\1" * 32, 10.0),
    ]


async def test_what_waits_to_be_written_is_bounded(store: EarlierAnswers, db: Database) -> None:
    for number in range(1000):
        store.put(kept(str(number)))
        store.touch(str(number))

    await store.write()

    assert await rows(db, "answers") == 256


async def test_it_is_written_down_soon_while_the_program_runs(
    store: EarlierAnswers, db: Database
) -> None:
    running = asyncio.create_task(store.run(max_age_s=DAY_S, max_bytes=10**9))
    store.put(kept())

    while await rows(db, "answers") == 0:
        pass

    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_database_that_fails_is_as_if_nothing_were_kept(
    store: EarlierAnswers, db: Database
) -> None:
    async with db.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE answers RENAME TO elsewhere")

    assert await store.find("k") is None
    assert await store.get(1, "test:ann") is None
    assert await store.asked("q") == []
